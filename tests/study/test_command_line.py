"""What snakemake takes in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from affectflow.console import failures
from affectflow.core.errors import UserError
from affectflow.study.command_line import check_command_line, check_configuration_files, configuration_files, retyped


@pytest.mark.parametrize(
    "words",
    [
        ["--configfile", "a.yaml", "--configfile", "b.yaml", "--cores", "2"],
        ["--configfiles", "a.yaml", "--cores", "2", "--configfile=b.yaml", "--", "target"],
    ],
)
def test_the_first_of_two_configfiles_would_be_lost(words: list[str]) -> None:
    with pytest.raises(UserError, match=r"--configfile a\.yaml b\.yaml$"):
        check_command_line(["snakemake", *words])


@pytest.mark.parametrize(
    "words", [["--configfile", "a.yaml", "b.yaml"], ["-n"], ["--configfile", "a.yaml", "--", "--configfile"]]
)
def test_one_is_fine(words: list[str]) -> None:
    check_command_line(["snakemake", *words])


def test_files_of_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert configuration_files(["snakemake", "--configfile", "a.yaml", "b.yml", "--cores", "2"]) == ["a.yaml", "b.yml"]
    assert configuration_files(["snakemake"]) == []
    (tmp_path / "config.yaml").touch()
    assert configuration_files(["snakemake"]) == ["config.yaml"]


def test_a_key_twice_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("training: {epochs: 3}\nrecords:\n  shards: 2\n  shards: 3\n")
    with pytest.raises(UserError, match=r"my\.yaml, line 4, column 3 .*'shards' is there twice"):
        check_configuration_files([file])


def test_settings_of_the_command_line_have_their_types() -> None:
    assert retyped({"training": {"epochs": "2", "losses": {"a": "x"}, "list": ["1.5", "no"]}, "n": 3}) == {
        "training": {"epochs": 2, "losses": {"a": "x"}, "list": [1.5, False]},
        "n": 3,
    }


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("training.epochs=2", "--config training='{epochs: 2}'"),
        ("faces.model.path=x.onnx", "--config faces='{model: {path: x.onnx}}'"),
    ],
)
def test_a_dotted_setting_is_rewritten(wrong: str, right: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["snakemake", "--config", wrong])
    said = failures.sentence("ValueError", "Invalid config definition: Config entry must start with ...")
    assert said is not None and said.endswith(right)


def test_other_errors_stay_snakemakes() -> None:
    assert failures.sentence("WorkflowError", "something else") is None
    assert failures.sentence("FileNotFoundError", "[Errno 2] No such file or directory: 'x'") is None
