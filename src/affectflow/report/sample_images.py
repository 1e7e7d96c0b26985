"""Figures of a benchmark's images with labels and predictions, as the model received them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.media import jpeg
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.records.example import decode_example
from affectflow.records.tfrecord import read_records
from affectflow.report.errors import errors_of
from affectflow.report.style import figure
from affectflow.tables.parquet import read_parquet

SHOW_ALL = "all"
"""The setting ``report.faces`` with which images of real people are shown."""
LICENSED = "contains licensed images, not for distribution"
_IMAGES = 12
_COLUMNS = 6
_WIDTH = 30
"""Characters of a line above an image."""
_MAX_PER_VIDEO = 2
"""Frames of one video look alike."""


def draw_samples(records: Sequence[Path], predictions: Path, metadata: Path, faces: str, out: Path) -> None:
    """Draw the first images of a benchmark, at most two of a video or person.

    Args:
        records: TFRecord files with the images.
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        metadata: the run's ``model.json``.
        faces: ``report.faces``; images of real people are shown with :data:`SHOW_ALL` only.
        out: figure.
    """
    _draw_images("Images", _in_order, records, predictions, metadata, faces, out)


def draw_worst(records: Sequence[Path], predictions: Path, metadata: Path, faces: str, out: Path) -> None:
    """Draw the images with the largest error of the model; arguments as for :func:`draw_samples`."""
    _draw_images("Worst errors", _by_error, records, predictions, metadata, faces, out)


def _in_order(table: pa.Table) -> NDArray[np.int64]:
    return np.arange(len(table))


def _by_error(table: pa.Table) -> NDArray[np.int64]:
    """Return the rows by descending error; rows without one are last."""
    return np.argsort(-np.nan_to_num(errors_of(table), nan=-1.0), kind="stable")


def _draw_images(
    title: str,
    rank: Callable[[pa.Table], NDArray[np.int64]],
    records: Sequence[Path],
    predictions: Path,
    metadata: Path,
    faces: str,
    out: Path,
) -> None:
    """Draw the first images in the order of ``rank``, or a note where faces of real people must not be shown."""
    trained = ModelMetadata.read(metadata)
    synthetic = trained.synthetic
    if not synthetic and faces != SHOW_ALL:
        with figure(out, 6, 1.2, f"{title} are of real people and not shown (report.faces)", False):
            return
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    rows = _select(table, rank(table))
    images = _read_images(records, set(table["source"].take(rows).to_pylist()))
    height = max(1, -(-len(rows) // _COLUMNS))
    with figure(out, 9, 0.6 + 2.1 * height, title + ("" if synthetic else f": {LICENSED}"), synthetic) as drawing:
        grid = drawing.subplots(height, _COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, row in zip(grid, table.take(rows).to_pylist(), strict=False):
            axes.imshow(images[row["source"]])
            axes.set_title("\n".join(_caption(row, trained.thresholds)), fontsize=6)


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


def _caption(row: Mapping[str, Any], thresholds: Mapping[str, float]) -> list[str]:
    """Return lines with the source, labelled and predicted AUs (at validation thresholds), valence and arousal."""
    units, probabilities = np.array(row["units"]), np.array(row["probabilities"], float)
    source = row["source"]
    lines = [source if len(source) <= _WIDTH else f"...{source[3 - _WIDTH :]}"]
    if (units != facs.UNKNOWN).any():
        labelled = [unit for unit in range(1, facs.COUNT + 1) if units[unit - 1] == facs.PRESENT]
        predicted = [
            unit
            for unit in range(1, facs.COUNT + 1)
            if units[unit - 1] != facs.UNKNOWN and probabilities[unit - 1] >= thresholds.get(facs.label(unit), np.inf)
        ]
        lines += fill(f"labelled {_list(labelled)}", _WIDTH).splitlines()
        lines += fill(f"predicted {_list(predicted)}", _WIDTH).splitlines()
    for name in ("valence", "arousal"):
        if not np.isnan(row[name]):
            lines.append(f"{name} {row[name]:.2f} / {row[f'predicted_{name}']:.2f}")
    return lines


def _list(units: Sequence[int]) -> str:
    return " ".join(map(str, units)) or "none"
