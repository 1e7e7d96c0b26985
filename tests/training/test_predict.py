"""Predictions look at the crops that training saw, and say which."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

keras = pytest.importorskip("keras")

from affectflow.datasets.base import Dataset  # noqa: E402
from affectflow.evaluation.predictions import predict  # noqa: E402
from affectflow.faces.face import Face  # noqa: E402
from affectflow.faces.table import FACES_SCHEMA, GIVEN, NO_FACE, face_cells  # noqa: E402
from affectflow.records.picture import PictureForm  # noqa: E402
from affectflow.sample import Picture, Sample  # noqa: E402
from affectflow.tables import write_parquet  # noqa: E402

SIZE = 24
FACE = Face((20.0, 4.0, 20.0, 24.0))


class Film(Dataset):
    """Seven frames, ten a second, each another noise."""

    name = "film"

    def groups(self) -> list[str]:
        return ["f"]

    def parts(self) -> list[str]:
        return ["f"]

    def samples_of(self, part: str) -> Iterator[Sample]:
        for frame in range(1, 8):
            pixels = np.random.default_rng(frame).integers(0, 256, (40, 60, 3), dtype=np.uint8)
            yield Sample(Picture(pixels), "film", f"f/{frame}", "f", video="f", frame=frame, time=frame / 10)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[NDArray[np.uint8]]:
    """What a model was shown, batch by batch."""
    shown: list[NDArray[np.uint8]] = []

    def model(pixels: NDArray[np.uint8], training: bool) -> Mapping[str, NDArray[np.float32]]:
        shown.append(pixels.copy())
        zeros = np.zeros((len(pixels), 2), np.float32)
        return {"valence_arousal": zeros, "intensities": zeros + np.array([1.5, 2.5], np.float32)}

    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: model)
    return shown


@pytest.mark.parametrize("hold_s, crops", [(0.2, ["face", "face", "held", "held", "centre", "centre", "face"])])
def test_frames_are_cropped_as_records_are(
    tmp_path: Path, seen: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch, hold_s: float, crops: list[str]
) -> None:
    card = tmp_path / "model.json"
    card.write_text(json.dumps({"units": [], "intensity_units": [4, 12], "heads": ["intensities"], "image_size": SIZE}))
    lost = (3, 4, 5, 6)
    rows = [
        {"source": f"f/{frame}", "sha256": "", **(face_cells(NO_FACE) if frame in lost else face_cells(GIVEN, FACE))}
        for frame in range(1, 8)
    ]
    write_parquet(tmp_path / "faces", FACES_SCHEMA, rows)
    frames = predict(
        *(Film(), tmp_path / "model.keras", card, tmp_path / "faces", hold_s, 3),
        *(tmp_path / "out.parquet", tmp_path / "left_out.csv"),
    )
    assert frames == 7
    assert pq.read_table(tmp_path / "out.parquet")["crop"].to_pylist() == crops
    intensities = pq.read_table(tmp_path / "out.parquet")["predicted_intensities"].to_pylist()
    assert all(row[3] == 1.5 and row[11] == 2.5 and np.isnan(row[0]) for row in intensities)
    stored: list[NDArray[np.uint8]] = []
    monkeypatch.setattr("affectflow.jpeg.encode", lambda pixels, *_: stored.append(pixels) or b"")
    for sample, crop in zip(Film().samples(), crops, strict=True):
        face = None if crop == "centre" else FACE
        PictureForm(SIZE, 95, "4:4:4").jpeg(Sample(sample.image, "film", sample.source, "f", face=face))
    assert np.array_equal(np.concatenate(seen)[:7], np.stack(stored))
