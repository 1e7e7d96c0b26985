"""The command line runs the same stages as the workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from affectflow.cli import main
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
        (("name-files", "l", "--file-names", "n", "--config", "x"), "unrecognized arguments"),
        (("collect-index", "p", "--index", "i"), "the following arguments are required: --counts"),
        (("digest-images", "own", "--root", "r", "--images", "i", "--threads", "many"), "--threads many is wrong"),
        (("download", "n.csv", "d", "--configfile", "no.yaml"), "no.yaml cannot be read"),
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
