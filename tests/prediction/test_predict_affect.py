"""What a model says of images that are to be annotated, against the same by hand."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.core.errors import UserError
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, FOUND, NO_FACE, face_cells
from affectflow.faces.crop import crop
from affectflow.media import file_names as names
from affectflow.media import jpeg
from affectflow.media.images import decode_rgb
from affectflow.prediction.model import TrainedModel
from affectflow.prediction.uncertainty import predict_affect
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from tests.miniature import stored
from tests.prediction.test_predict import SIZE, make_model

FACE = Face((30.0, 20.0, 40.0, 50.0), score=0.9)


class Store:
    """Five images in the store, the first of them twice in the manifest; a face in the second."""

    def __init__(self, folder: Path) -> None:
        self.images, self.manifest, self.faces = folder / "images", folder / "manifest.csv", folder / "faces.parquet"
        self.pixels: dict[str, np.ndarray] = {}
        rows, seen = [], []
        for frame in range(1, 6):
            name = names.file_name(f"http://faces.test/{frame}.jpg")
            pixels = np.random.default_rng(frame).integers(0, 256, (12, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            data = jpeg.encode(pixels if frame > 1 else np.full_like(pixels, 200), 95, "4:4:4")
            path = stored(self.images, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            sha256 = hashlib.sha256(data).hexdigest()
            self.pixels[sha256] = decode_rgb(data).pixels
            rows.append((1, frame, "video_001.mp4", "0.0000", name, "", sha256))
            cells = face_cells(FOUND, FACE) if frame == 2 else face_cells(NO_FACE)
            seen.append({"source": name, "sha256": sha256, **cells})
        write_csv(self.manifest, MANIFEST_COLUMNS, [*rows, (2, 1, "video_002.mp4", "0.0000", *rows[0][4:])])
        write_parquet(self.faces, FACES_SCHEMA, seen)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def by_hand(pixels: np.ndarray, face: Face | None) -> tuple[float, float]:
    """Valence of the model of brightness, and its spread over corners and center; a mirror image is as bright."""
    cropped = crop(pixels, face, SIZE)
    found = []
    for top, left in ((0, 0), (0, 3), (3, 0), (3, 3), (1, 1)):
        found.append(cropped[top : top + 21, left : left + 21].mean() / 127.5 - 1)
    return float(np.mean(found)), float(np.std(found))


def test_ten_views_of_each_image(store: Store, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", {"face": 1}, side=None)
    model = TrainedModel(folder / "model.keras", folder / "model.json", batch_size=2)
    assert predict_affect(model, store.manifest, store.images, [store.faces], 2, tmp_path / "predictions.csv") == 5
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["image_sha256"] for row in rows] == list(store.pixels)
    for frame, row in enumerate(rows, start=1):
        valence, spread = by_hand(store.pixels[row["image_sha256"]], FACE if frame == 2 else None)
        assert float(row["valence"]) == pytest.approx(valence, abs=1e-4)
        assert float(row["arousal"]) == pytest.approx(0.25, abs=1e-6)
        assert float(row["uncertainty"]) == pytest.approx(spread, abs=1e-4)
    spreads = [float(row["uncertainty"]) for row in rows]
    assert spreads[0] < 1e-3 < min(spreads[1:])  # one color looks the same in all views


def test_a_model_of_other_things_is_a_sentence(store: Store, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", {"face": 1}, side=None)
    model = TrainedModel(folder / "model.keras", folder / "model.json", batch_size=2)
    model.metadata = model.metadata.model_copy(update={"heads": ("action_units",)})
    with pytest.raises(UserError, match="does not predict valence and arousal"):
        predict_affect(model, store.manifest, store.images, [], 1, tmp_path / "predictions.csv")
    assert not (tmp_path / "predictions.csv").exists()


def test_an_image_that_is_another_is_a_sentence(store: Store, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", {"face": 1}, side=None)
    model = TrainedModel(folder / "model.keras", folder / "model.json", batch_size=2)
    next(path for path in store.images.rglob("*") if path.is_file()).write_bytes(b"other")
    with pytest.raises(UserError, match="is missing or differs from the download"):
        predict_affect(model, store.manifest, store.images, [], 1, tmp_path / "predictions.csv")
    assert not (tmp_path / "predictions.csv").exists()
