"""The command line runs the same stages as the workflow."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from affectflow.cli import GROUPS, main
from affectflow.media.file_names import file_name
from affectflow.plan.data import BENCHMARKS


def _run(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def test_ingest_and_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("http://a.example/1.jpg," + ",".join("0" * 60) + "\nnothing," + ",".join("0" * 60) + "\n")
    labels, names = tmp_path / "labels.csv", tmp_path / "names.csv"
    _run("ingest-tables", table, "--labels", labels, "--rejects", tmp_path / "rejects.csv")
    assert "1 rows: labelled" in capsys.readouterr().out
    _run("name-files", labels, "--file-names", names)
    assert file_name("http://a.example/1.jpg") in names.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ingest-tables", "no.xlsx", "--labels", "l", "--rejects", "r"), "no.xlsx does not exist"),
        (("show-scores", "no.json"), "no.json does not exist"),
        (
            ("fetch-weights", "resnet34", "--weights", "w", "--record", "r", "--base-url", "file:///no"),
            "no backbone 'resnet34'",
        ),
        (
            ("name-files", "l", "--file-names", "n", "--config", "x"),
            "Unknown option: --config. Did you mean --configfile?",
        ),
        (("collect-index", "p", "--index", "i"), 'Command "collect-index" parameter --counts requires an argument'),
        (
            ("digest-images", "own", "--root", "r", "--images", "i", "--threads", "many"),
            "Invalid value for --threads: many is not a whole number.",
        ),
        (("download", "n.csv", "d", "--configfile", "no.yaml"), "no.yaml cannot be read"),
        (("inspect", ".", "--problems", "1.5"), "Invalid value"),
        (("digest-images", "own", "--root", "r", "--images", "i", "--threads", "2.6"), "Invalid value"),
        (("train-model", "resnet", "--train", "--validation", "v", "--out", "o"), "--train"),
        (("show-scores", "[a].json"), "[a].json does not exist"),
        (("show-scores", "[1,2]"), "[1,2] does not exist"),
        (("annotate", "--annotation-video", "0"), "Must be >= 1"),
        (("predict", "a.jpg", "--emotions", "freud"), 'Choose from: "report2017", "emfacs", "du2014"'),
        (("predict", "a.jpg", "--model", "a", "--model", "b"), "--model"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_info:
        _run(*arguments)
    assert exit_info.value.code not in (0, None)
    assert sentence in capsys.readouterr().err


def test_weights_come_from_a_checked_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not the published one is refused, and leaves nothing."""
    published = tmp_path / "web" / "tensorflow" / "keras-applications" / "resnet"
    published.mkdir(parents=True)
    (published / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5").write_bytes(b"something else")
    web = (tmp_path / "web").as_uri()
    with pytest.raises(SystemExit):
        _run("fetch-weights", "resnet50", "--weights", tmp_path / "w.h5", "--record", tmp_path / "r", "--base-url", web)
    assert "not 4d473c1dd8becc155b73f8504c6f6626" in capsys.readouterr().err
    assert not (tmp_path / "w.h5").exists()


def test_draw_graph_without_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("digraph g { a -> b }"))
    _run("draw-graph", tmp_path / "g.svg")
    assert "<svg" in (tmp_path / "g.svg").read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO("nothing"))
    with pytest.raises(SystemExit):
        _run("draw-graph", tmp_path / "h.svg")


def test_protocols(capsys: pytest.CaptureFixture[str]) -> None:
    _run("protocols")
    every = capsys.readouterr().out.splitlines()
    assert sum("(default)" in line for line in every) == len(BENCHMARKS)
    _run("protocols", "disfa")
    disfa = capsys.readouterr().out
    assert "disfa-folds8 " in disfa and "IEEE TAC 4(2), 2013" in disfa and "JAA-Net mean_f1 0.56" in disfa
    assert "amfed" not in disfa


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ingest-tables", "t.csv", "--labels", "t.csv", "--rejects", "r"), "--labels t.csv is also read"),
        (("ingest-tables", "t.csv", "--labels", "l", "--rejects", "./l"), "--labels and --rejects both name l;"),
        (("download", "list.txt", "images", "--ledger", "list.txt"), "--ledger list.txt is also read"),
        (("extract-frame", "g.avi", "--index", "1", "--out", "../here/g.avi"), "--out ../here/g.avi is also read"),
        (("predict", "a.jpg", "link.jpg", "--out", "a.jpg"), "--out a.jpg is also read"),
        (("crop", "a.jpg", "--out", "link.jpg"), "--out link.jpg is also read"),
        (("score", "p.csv", "--benchmark", "disfa", "--root", "d", "--out", "p.csv"), "--out p.csv is also read"),
        (("collect-index", "a.csv", "--index", "i.csv", "--counts", "i.csv"), "--index and --counts both name i.csv"),
        (("snapshot", "ledger.parquet", "--out", "ledger.parquet"), "--out ledger.parquet is also read"),
        (("snapshot", "ledger.parquet", "--out", "hard.parquet"), "--out hard.parquet is also read"),
        (("download", "errors.csv", "."), "errors.csv is also read"),
        (("find-faces", "set", "--out", "set/kept.csv"), "--out set/kept.csv exists in "),
    ],
)
def test_no_command_writes_what_it_reads(
    arguments: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("t.csv", "list.txt", "g.avi", "a.jpg", "p.csv", "a.csv", "ledger.parquet", "errors.csv"):
        Path(name).write_text("kept")
    Path("set").mkdir()
    Path("set/kept.csv").write_text("kept")
    Path("hard.parquet").hardlink_to("ledger.parquet")
    Path("link.jpg").symlink_to("a.jpg")
    before = sorted(Path().iterdir())
    with pytest.raises(SystemExit):
        _run(*arguments)
    assert sentence in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before
    assert all(path.read_text() == "kept" for path in Path().rglob("*") if path.is_file())


def test_every_command_is_in_the_help_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    _run("--help")
    listed = capsys.readouterr().out
    for title, commands in GROUPS.items():
        assert title in listed
        for command in commands:
            name = command.__name__.replace("_", "-")
            assert f" {name} " in listed
            _run(name, "--help")
            text = capsys.readouterr().out
            assert f"Usage: affectflow {name}" in text and inspect.getdoc(command), name


def test_help_is_light() -> None:
    code = (
        "import sys; from affectflow.cli import main; main(['--help']); "
        "heavy = {'numpy', 'pandas', 'pyarrow', 'cv2', 'tensorflow', 'pydantic', 'yaml'} & sys.modules.keys(); "
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
