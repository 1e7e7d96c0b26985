"""Drawing of predictions into images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow.facs.expression import THRESHOLD
from affectflow.prediction.predictor import ImagePredictions

_LINE = (90, 220, 120)
_TEXT = (255, 255, 255)
_SHADE = 0.45
_MAX_LINES = 7  # of text per face
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(
    predictions: ImagePredictions, rows: Sequence[Mapping[str, Any]], thresholds: Mapping[str, float]
) -> NDArray[np.uint8]:
    """Return a copy of an image with a box and the predictions of each face.

    Args:
        predictions: Predictions with the image's pixels.
        rows: The table's row of each face.
        thresholds: Probability from which an AU is present, and shown, by AU.

    Returns:
        uint8 [height, width, 3].
    """
    assert predictions.pixels is not None
    image = predictions.pixels.copy()
    height, width = image.shape[:2]
    unit = max(1.0, min(height, width) / 480)
    for prediction, row in zip(predictions.faces, rows, strict=True):
        if prediction.face is None:
            side = min(height, width)
            left, top, across, down = (width - side) / 2, (height - side) / 2, float(side), float(side)
        else:
            left, top, across, down = prediction.face.box
            corner, opposite = (round(left), round(top)), (round(left + across), round(top + down))
            cv2.rectangle(image, corner, opposite, _LINE, max(1, round(2 * unit)), cv2.LINE_AA)
        _write(image, captions(row, thresholds), left, top, across if prediction.face else 0.0, unit)
    return image


def captions(row: Mapping[str, Any], thresholds: Mapping[str, float]) -> list[str]:
    """Return lines of valence and arousal, the emotion, and the most probable of the AUs that are present.

    An AU has its probability, by how much that is above a neutral face's, and its intensity, as far as they are known.

    Args:
        row: The table's row of a face.
        thresholds: Probability from which an AU is present, by AU.
    """
    texts = []
    if row.get("valence") is not None:
        texts.append(f"V {row['valence']:+.2f}  A {row['arousal']:+.2f}")
    if row.get("emotion"):
        texts.append(row["emotion"])
    units = {name: row[name] for name in row if name.startswith("AU") and "_" not in name}
    present = [name for name in units if units[name] >= thresholds.get(name, THRESHOLD)]
    likely = sorted(present, key=lambda name: -units[name])
    for name in likely[: _MAX_LINES - len(texts)]:
        strength, change = row.get(f"{name}_intensity"), row.get(f"{name}_change")
        more = f" {change:+.2f}" if change is not None else ""
        more += f" ({strength:.1f})" if strength is not None else ""
        texts.append(f"{name} {units[name]:.2f}{more}")
    return texts


def _write(image: NDArray[np.uint8], texts: list[str], left: float, top: float, width: float, unit: float) -> None:
    """Draw lines of text on a darkened background beside a box: right of it, else left of it, else inside the image."""
    if not texts:
        return
    scale, thickness, step = 0.45 * unit, max(1, round(unit)), round(16 * unit)
    across = max(cv2.getTextSize(text, _FONT, scale, thickness)[0][0] for text in texts) + round(8 * unit)
    right_of, left_of = left + width + 4 * unit, left - across - 4 * unit
    beside = left_of if right_of + across > image.shape[1] and left_of >= 0 else right_of
    x = int(np.clip(beside if width else left, 0, max(0, image.shape[1] - across)))
    y = int(np.clip(top, 0, max(0, image.shape[0] - step * len(texts) - round(6 * unit))))
    background = image[y : y + step * len(texts) + round(6 * unit), x : x + across]
    background[:] = (background * _SHADE).astype(np.uint8)
    for i, text in enumerate(texts, start=1):
        position = (x + round(4 * unit), y + step * i)
        cv2.putText(image, text, position, _FONT, scale, _TEXT, thickness, cv2.LINE_AA)
