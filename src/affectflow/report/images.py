"""Images of a benchmark with labels and predictions, as the model received them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.media import jpeg
from affectflow.records.example import decode_example
from affectflow.records.tfrecord import read_records
from affectflow.report.panel import Panel, ShownImage

_IMAGES = 12
_MAX_PER_VIDEO = 2
"""Frames of one video look alike."""
_SIDE, _QUALITY = 128, 80
"""Of embedded images; larger ones are made smaller."""


def sample_panel(records: Sequence[Path], predictions: pa.Table, thresholds: Mapping[str, float]) -> Iterator[Panel]:
    """Yield the first images of a benchmark, at most two of a video or person; nothing without images.

    Args:
        records: TFRecord files with the images.
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        thresholds: probability from which an AU counts as predicted, by AU.
    """
    look_for = "The first images of the test split. Labels that look wrong here are wrong in training too."
    yield from _panel("Sample images", look_for, range(len(predictions)), records, predictions, thresholds)


def worst_panel(
    records: Sequence[Path], predictions: pa.Table, errors: NDArray[np.float64], thresholds: Mapping[str, float]
) -> Iterator[Panel]:
    """Yield the images with the largest error of the model; other arguments as for :func:`sample_panel`.

    Args:
        records: TFRecord files with the images.
        predictions: table of predictions.
        errors: of :func:`affectflow.report.errors.errors_of`, [rows].
        thresholds: by AU.
    """
    ranked = np.argsort(-np.nan_to_num(errors, nan=-1.0), kind="stable")  # those without error last
    look_for = "The images with the largest error, at most two of a video. Is the label wrong, the crop, or the model?"
    yield from _panel("Worst images", look_for, ranked, records, predictions, thresholds)


def _panel(
    title: str,
    look_for: str,
    order: Iterable[int],
    records: Sequence[Path],
    predictions: pa.Table,
    thresholds: Mapping[str, float],
) -> Iterator[Panel]:
    rows = predictions.take(_select(predictions, order)).to_pylist()
    images = _read_images(records, {row["source"] for row in rows})
    if rows:
        shown = tuple(_shown(row, images[row["source"]], thresholds) for row in rows)
        yield Panel(title=title, look_for=look_for, images=shown, wide=True)


def _select(table: pa.Table, order: Iterable[int]) -> list[int]:
    """Return the first rows in ``order``, at most two of a video, or of a person for images without a video."""
    columns = (table[name].to_pylist() for name in ("video", "subject", "source"))
    groups = [video or subject or source for video, subject, source in zip(*columns, strict=True)]
    counts: dict[str, int] = {}
    rows: list[int] = []
    for row in order:
        if len(rows) == _IMAGES:
            break
        group = groups[row]
        if counts.get(group, 0) < _MAX_PER_VIDEO:
            counts[group] = counts.get(group, 0) + 1
            rows.append(int(row))
    return rows


def _read_images(records: Sequence[Path], sources: set[str]) -> dict[str, NDArray[np.uint8]]:
    images = {}
    for data in (data for path in records for data in read_records(path)):
        feature = decode_example(data).features.feature
        source = feature["image/filename"].bytes_list.value[0].decode()
        if source in sources:
            images[source] = jpeg.decode(feature["image/encoded"].bytes_list.value[0])
    return images


def _shown(row: Mapping[str, Any], image: NDArray[np.uint8], thresholds: Mapping[str, float]) -> ShownImage:
    units, probabilities = np.array(row["units"]), np.array(row["probabilities"], float)
    limits = np.array([thresholds.get(facs.label(unit), np.inf) for unit in range(1, facs.COUNT + 1)])
    predicted = (probabilities >= limits) & (units != facs.UNKNOWN)
    present = (units == facs.PRESENT) & ~np.isnan(probabilities)
    return ShownImage(
        source=row["source"],
        jpeg=_thumbnail(image),
        found=_names(present & predicted),
        missed=_names(present & ~predicted),
        false_alarms=_names(predicted & ~present),
        affect={
            name: (round(row[name], 2), round(row[f"predicted_{name}"], 2))
            for name in ("valence", "arousal")
            if not np.isnan(row[name]) and not np.isnan(row[f"predicted_{name}"])
        },
    )


def _names(units: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(facs.LABELS[place] for place in np.flatnonzero(units))


def _thumbnail(image: NDArray[np.uint8]) -> str:
    side = max(image.shape[:2])
    if side > _SIDE:
        height, width = (max(1, round(length * _SIDE / side)) for length in image.shape[:2])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return base64.b64encode(jpeg.encode(image, _QUALITY, "4:2:0")).decode()
