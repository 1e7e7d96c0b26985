"""Predictions drawn into the image that they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow.prediction.predictor import Predicted

_LINE = (90, 220, 120)
_INK = (255, 255, 255)
_SHADE = 0.45
_LINES = 7  # of text beside a face, at most
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(one: Predicted, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.uint8]:
    """A copy of the image, uint8 [height, width, 3], with a box and what was said for each face."""
    assert one.pixels is not None
    image = one.pixels.copy()
    height, width = image.shape[:2]
    unit = max(1.0, min(height, width) / 480)
    for reading, row in zip(one.readings, rows, strict=True):
        if reading.face is None:
            side = min(height, width)
            left, top, across, down = (width - side) / 2, (height - side) / 2, float(side), float(side)
        else:
            left, top, across, down = reading.face.box
            corner, opposite = (round(left), round(top)), (round(left + across), round(top + down))
            cv2.rectangle(image, corner, opposite, _LINE, max(1, round(2 * unit)), cv2.LINE_AA)
        _write(image, _texts(row), left, top, unit)
    return image


def _texts(row: Mapping[str, Any]) -> list[str]:
    """Valence and arousal, the emotion, and the most probable AUs."""
    texts = []
    if row.get("valence") is not None:
        texts.append(f"V {row['valence']:+.2f}  A {row['arousal']:+.2f}")
    if row.get("emotion"):
        texts.append(row["emotion"])
    units = {name: row[name] for name in row if name.startswith("AU") and not name.endswith("_intensity")}
    likely = sorted((name for name in units if units[name] >= 0.5), key=lambda name: -units[name])
    for name in likely[: _LINES - len(texts)]:
        strength = row.get(f"{name}_intensity")
        texts.append(f"{name} {units[name]:.2f}" + (f" ({strength:.1f})" if strength is not None else ""))
    return texts


def _write(image: NDArray[np.uint8], texts: list[str], left: float, top: float, unit: float) -> None:
    """Lines of text on a darker ground, at the top left of a box and inside the image."""
    if not texts:
        return
    scale, thickness, step = 0.45 * unit, max(1, round(unit)), round(16 * unit)
    across = max(cv2.getTextSize(text, _FONT, scale, thickness)[0][0] for text in texts) + round(8 * unit)
    x = int(np.clip(left, 0, max(0, image.shape[1] - across)))
    y = int(np.clip(top, 0, max(0, image.shape[0] - step * len(texts) - round(6 * unit))))
    ground = image[y : y + step * len(texts) + round(6 * unit), x : x + across]
    ground[:] = (ground * _SHADE).astype(np.uint8)
    for i, text in enumerate(texts, start=1):
        place = (x + round(4 * unit), y + step * i)
        cv2.putText(image, text, place, _FONT, scale, _INK, thickness, cv2.LINE_AA)
