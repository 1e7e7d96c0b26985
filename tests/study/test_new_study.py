"""``affectflow init``."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from affectflow import config
from affectflow.cli import main
from affectflow.plan import Plan
from affectflow.study import SNAKEFILE
from tests.miniature import FRAMES, make_image, make_video, text

HEADER = ",".join(["URL", "URL_orig", *(f"AU{number}" for number in range(1, 61))])


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small sets in the layouts of the real ones."""
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        name = f"SN{number:03d}"
        make_video(tmp_path / "DISFA" / "Videos_LeftCamera" / f"LeftVideo{name}_comp.avi")
        labels = (f"{frame},0" for frame in range(1, FRAMES + 1))
        text(tmp_path / "DISFA" / "ActionUnit_Labels" / name / f"{name}_au1.txt", *labels)
    make_image(tmp_path / "images" / "a.png", 1)
    text(tmp_path / "images" / "labels.csv", "image,AU12", "a.png,1")
    text(tmp_path / "urls.csv", HEADER, ",".join(["http://a.test/1.jpg", "", *["0"] * 60]))
    return tmp_path


def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, object], Plan]:
    """What a study's configuration says, and its plan."""
    monkeypatch.chdir(folder)
    values: dict[str, object] = yaml.safe_load(Path("config.yaml").read_text())
    return values, Plan(config.load("config.yaml"))


def test_only_what_was_named_is_there(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "my study", "--emotionet", "urls.csv", "--disfa", "DISFA"])
    said = capsys.readouterr().out
    assert "learn from emotionet" in said and "results/eval/disfa_resnet.json" in said
    folder = data / "my study"
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "Snakefile",
        "README.md",
        ".gitignore",
        "profiles",
    }
    values, plan = made(folder, monkeypatch)
    assert values["data"] == {"emotionet": {"tables": [str(data / "urls.csv")]}, "disfa": {"root": str(data / "DISFA")}}
    assert plan.models.runs == ["resnet"] and not list(plan.warnings())
    assert ("disfa", "resnet") in plan.scores.pairs()
    assert "results/eval/disfa_resnet.json" in (folder / "README.md").read_text()
    assert Path(SNAKEFILE).is_file() and (Path(SNAKEFILE).parent / "rules" / "train.smk").is_file()


def test_models_are_those_of_the_user(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["init", "s", "--emotionet", "urls.csv", "--models", "vgg", "inception_resnet", "--weights", "none"])
    _, plan = made(data / "s", monkeypatch)
    assert plan.models.runs == ["vgg", "inception_resnet"] and not list(plan.warnings())
    assert {plan.models.entry(run).weights for run in plan.models.runs} == {"none"}


def test_a_benchmark_alone_is_trained_by_folds(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["init", "s", "--disfa", "DISFA"])
    _, plan = made(data / "s", monkeypatch)
    assert ("disfa-folds8", "resnet") in plan.scores.targets()


def test_ones_own_images_are_divided(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["init", "s", "--own", "images", "--disfa", "DISFA"])
    _, plan = made(data / "s", monkeypatch)
    assert plan.models.trains_on("resnet") == ["own"]
    assert {("own", "resnet"), ("disfa", "resnet")} <= set(plan.scores.pairs())


def test_data_inside_the_study_moves_with_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "s").mkdir()
    (data / "DISFA").rename(data / "s" / "DISFA")
    main(["init", "s", "--disfa", "s/DISFA"])
    values, _ = made(data / "s", monkeypatch)
    assert values["data"] == {"disfa": {"root": "DISFA"}}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "give the data of the study: --emotionet, --disfa"),
        (["--disfa", "nowhere"], "nowhere does not exist; give the folder of DISFA."),
        (["--disfa", "images"], "images does not have the layout of DISFA"),
        (["--amfed", "DISFA"], "it looks like DISFA (--disfa)."),
        (["--emotionet", "none.xlsx"], "none.xlsx does not exist; give a spreadsheet"),
    ],
)
def test_mistakes_make_no_folder(
    words: list[str], sentence: str, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        main(["init", "s", *words])
    assert sentence in capsys.readouterr().err
    assert not (data / "s").exists()


def test_a_study_is_never_overwritten(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "s", "--disfa", "DISFA"])
    before = (data / "s" / "config.yaml").read_text()
    with pytest.raises(SystemExit):
        main(["init", "s", "--own", "images"])
    assert "s already has a config.yaml, which was left unchanged; give a new folder." in capsys.readouterr().err
    assert (data / "s" / "config.yaml").read_text() == before


def test_it_asks_on_a_terminal(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["nowhere", "DISFA", "urls.csv", ""])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    main(["init", "s"])
    said = capsys.readouterr().out
    assert "nowhere does not exist" in said and "that is disfa" in said and "that is emotionet" in said
    values, _ = made(data / "s", monkeypatch)
    assert set(values["data"]) == {"emotionet", "disfa"}  # type: ignore[arg-type]
