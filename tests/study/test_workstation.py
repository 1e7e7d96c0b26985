"""``affectflow doctor`` on a machine without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from affectflow.cli import main
from affectflow.cluster.node import NodeReport
from affectflow.study import workstation
from tests.miniature import make_image, text


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of one's own images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workstation, "_look", lambda: NodeReport("here"))
    make_image(tmp_path / "images" / "a.png", 1)
    text(tmp_path / "images" / "labels.csv", "image,AU12", "a.png,1")
    main(["init", "s", "--own", "images", "--weights", "none"])
    monkeypatch.chdir(tmp_path / "s")
    return tmp_path / "s"


def configure(study: Path, **changes: object) -> None:
    values = yaml.safe_load((study / "config.yaml").read_text())
    (study / "config.yaml").write_text(yaml.safe_dump({**values, **changes}))


def test_all_is_well(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["doctor"])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ok: 1 trainings and 1 scores, such as own_resnet"
    assert any(line.startswith("ok: ") and "has the layout of" in line for line in said)
    assert any(line.startswith("unknown: results/weights/face_detector.onnx is fetched") for line in said)
    assert "ok: no GPU" in said[-1] and not any(line.startswith("wrong") for line in said)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": {"disfa": {"root": "../images"}}}, "wrong: {parent}/images does not have the layout of DISFA"),
        ({"faces": {"model": {"path": "config.yaml"}}}, "wrong: config.yaml is not the detector of faces.model.sha256"),
        ({"faces": {"model": {"path": "none.onnx"}}}, "wrong: none.onnx does not exist; correct faces.model.path."),
        ({"models": {}}, "wrong: the configuration scores nothing"),
        ({"annotation": {"frame_rate": 25}}, ""),
    ],
)
def test_what_is_wrong_is_named(
    study: Path, changes: dict[str, object], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(study, **changes)
    capsys.readouterr()
    if not sentence:
        main(["doctor"])
        return
    with pytest.raises(SystemExit):
        main(["doctor"])
    said = capsys.readouterr()
    assert sentence.format(parent=study.parent) in said.out and "A run would fail: " in said.err


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (NodeReport("h", gpus=1, cuda="12.5", driver="570.1"), "ok: TensorFlow finds 1 GPUs"),
        (NodeReport("h", driver="570.1"), "wrong: there is a GPU (driver 570.1), and TensorFlow's build has no CUDA"),
        (
            NodeReport("h", cuda="12.5", driver="450.1"),
            "wrong: there is a GPU (driver 450.1), and TensorFlow (CUDA 12.5)",
        ),
        (None, "wrong: TensorFlow cannot be imported"),
    ],
)
def test_gpus(
    study: Path,
    report: NodeReport | None,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workstation, "_look", lambda: report)
    try:
        main(["doctor"])
    except SystemExit:
        assert sentence.startswith("wrong")
    assert sentence in capsys.readouterr().out
