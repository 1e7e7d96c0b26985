"""The model that comes with the package: without training, without TensorFlow, on photographs."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from affectflow.contracts.model_metadata import METADATA, MODEL, ONNX, ModelMetadata
from affectflow.core.errors import UserError
from affectflow.faces.detector_file import kept_detector
from affectflow.media.video import write_video
from affectflow.prediction.model import TrainedModel
from affectflow.prediction.reader import STARTER, load
from tests.conftest import DETECTOR, PHOTOGRAPHS, needs_faces

FOLDER = Path(__file__).parents[2] / "src" / "affectflow" / "prediction" / STARTER
WITHOUT_TENSORFLOW = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "numba"):
            raise ImportError(f"no {name} here")

sys.meta_path.insert(0, Refuse())
from affectflow.cli import main

main()
"""


def _predict(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, "predict", *words],
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": ""},
        cwd=home,
        capture_output=True,
        text=True,
    )


def test_it_is_small_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 8 << 20
    notice = (FOLDER / "NOTICE.md").read_text()
    assert "MIT" in notice and "Apache License, Version 2.0" in notice and "ImageNet" in notice
    facts = ModelMetadata.read(FOLDER / METADATA)
    assert facts.synthetic and facts.faces.detector == "yunet" and facts.recipe.backbone == "efficientnet_lite0_middle"
    card = (FOLDER / "card.md").read_text()
    assert (
        "rendered" in card
        and "no photograph of a labelled face" in card
        and not Path(facts.recipe.weights or "").is_absolute()
    )


@needs_faces
def test_a_photograph_needs_no_training_and_no_tensorflow(tmp_path: Path) -> None:
    kept = tmp_path / ".cache" / "affectflow" / "face_detector.onnx"
    kept.parent.mkdir(parents=True)
    shutil.copy(DETECTOR, kept)
    done = _predict(*(str(PHOTOGRAPHS / f"001_{look}.jpg") for look in ("neutral", "smiling")), home=tmp_path)
    assert done.returncode == 0, done.stderr
    neutral, smiling = csv.DictReader(io.StringIO(done.stdout))
    assert float(neutral["AU12"]) < 0.5 < float(smiling["AU12"])
    assert neutral["crop"] == smiling["crop"] == "face" and smiling["emotion"] == "Happiness"


def test_without_a_detector_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    done = _predict("photo.jpg", home=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert f"affectflow fetch-detector {tmp_path}/.cache/affectflow/face_detector.onnx" in line


def test_where_a_detector_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_detector() == tmp_path / "affectflow" / "face_detector.onnx"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, by the XDG specification
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert kept_detector() == tmp_path / "me" / ".cache" / "affectflow" / "face_detector.onnx"


@needs_faces
def test_it_tells_smiles_of_real_people() -> None:
    """A regression test: these people chose nothing in the model."""
    table = load(STARTER, detector=DETECTOR).predict(PHOTOGRAPHS)
    table["person"] = [Path(source).name.partition("_")[0] for source in table["source"]]
    smiling = table["source"].str.contains("smiling")
    pairs = table[smiling].set_index("person")["AU12"] - table[~smiling].set_index("person")["AU12"]
    assert len(pairs) == 51 and (pairs > 0).sum() >= 48


@needs_faces
def test_changes_from_a_persons_neutral_face(tmp_path: Path) -> None:
    photographs = [PHOTOGRAPHS / f"003_{look}.jpg" for look in ("neutral", "smiling")]
    table = load(STARTER, detector=DETECTOR, neutral=photographs[0]).predict(*photographs)
    changes = table[[column for column in table.columns if column.endswith("_change")]].to_numpy(float)
    assert changes.shape[1] == len(ModelMetadata.read(FOLDER / METADATA).units)
    assert not changes[0].any() and table["AU12_change"][1] > 0.2
    assert table["AU12_change"][1] == pytest.approx(table["AU12"][1] - table["AU12"][0])
    nobody = tmp_path / "nobody.png"
    from PIL import Image

    Image.new("RGB", (64, 64)).save(nobody)
    with pytest.raises(UserError, match=r"nobody\.png cannot be the neutral face \(no face\); give a photograph or"):
        load(STARTER, detector=DETECTOR, neutral=nobody)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="it holds no image"):
        load(STARTER, detector=DETECTOR, neutral=tmp_path / "empty")


@needs_faces
def test_the_neutral_face_of_a_video_is_its_median(tmp_path: Path) -> None:
    from PIL import Image

    looks = {
        look: np.asarray(Image.open(PHOTOGRAPHS / f"003_{look}.jpg").convert("RGB")) for look in ("neutral", "smiling")
    }
    nobody = np.zeros_like(looks["neutral"])
    frames = [looks["neutral"]] * 5 + [looks["smiling"]] * 2 + [nobody] * 3
    write_video(tmp_path / "talk.mp4", [frame[: len(frame) // 2 * 2, :480] for frame in frames], Fraction(10))
    table = load(STARTER, detector=DETECTOR, neutral=tmp_path / "talk.mp4").predict(tmp_path / "talk.mp4")
    change = table["AU12_change"].to_numpy(float)
    assert np.median(change[:7]) == pytest.approx(0, abs=1e-6)
    assert np.abs(change[:5]).max() < change[5:7].min() and np.isnan(change[7:]).all()


def test_faces_predicted_together_are_as_alone() -> None:
    model = TrainedModel(FOLDER / ONNX, FOLDER / METADATA, batch_size=8)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), np.uint8)
    together = model.predict(pixels).probabilities
    for i in range(5):
        assert np.array_equal(model.predict(pixels[i : i + 1]).probabilities[0], together[i], equal_nan=True)


def test_keras_and_onnx_say_the_same() -> None:
    pytest.importorskip("tensorflow")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3), np.uint8)
    exported = TrainedModel(FOLDER / ONNX, FOLDER / METADATA, batch_size=4).predict(pixels)
    trained = TrainedModel(FOLDER / "keras" / MODEL, FOLDER / METADATA, batch_size=4).predict(pixels)
    assert np.allclose(exported.probabilities, trained.probabilities, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("damage", ["cut", "text", "other"])
def test_an_export_that_is_damaged_or_anothers_is_named(tmp_path: Path, damage: str) -> None:
    for name in (ONNX, METADATA):
        shutil.copy(FOLDER / name, tmp_path)
    if damage == "cut":
        (tmp_path / ONNX).write_bytes((FOLDER / ONNX).read_bytes()[:100_000])
    elif damage == "text":
        (tmp_path / ONNX).write_text("no model")
    else:
        facts = json.loads((tmp_path / METADATA).read_text())
        (tmp_path / METADATA).write_text(json.dumps({**facts, "model_sha256": "0" * 64}))
    why = "describes another model than" if damage == "other" else "is damaged, or not an ONNX model"
    with pytest.raises(UserError, match=why):
        TrainedModel(tmp_path / ONNX, tmp_path / METADATA, batch_size=1)
