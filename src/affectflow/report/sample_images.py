"""Images of a benchmark with what was labelled and what was predicted, as the model saw them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.media import jpeg
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.records.example import decode_example
from affectflow.records.tfrecord import read_records
from affectflow.report.errors import errors_of
from affectflow.report.style import figure
from affectflow.tables.parquet import read_parquet

SHOW_ALL = "all"
LICENSED = "contains licensed images, not for distribution"
_SHOWN = 12
_COLUMNS = 6
_WIDTH = 30  # letters above an image
_OF_A_VIDEO = 2  # worst frames at most, which are much alike


def draw_samples(records: Sequence[Path], predictions: Path, card: Path, faces: str, out: Path) -> None:
    """The first images of a benchmark, of each video or person but two."""
    _draw("Images", records, predictions, card, faces, out, by_error=False)


def draw_worst(records: Sequence[Path], predictions: Path, card: Path, faces: str, out: Path) -> None:
    """The images on which the model errs most (:func:`affectflow.report.errors.errors_of`)."""
    _draw("Worst errors", records, predictions, card, faces, out, by_error=True)


def _draw(
    what: str, records: Sequence[Path], predictions: Path, card: Path, faces: str, out: Path, by_error: bool
) -> None:
    """Real faces are licensed, and shown only where ``faces`` is ``all``, which stamps the figure."""
    taught = json.loads(card.read_text(encoding="utf-8"))
    synthetic = taught["synthetic"]
    if not synthetic and faces != SHOW_ALL:
        with figure(out, 6, 1.2, f"{what} are of real people and not shown (report.faces)", False):
            return
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    errors = errors_of(table)
    order = np.argsort(-np.nan_to_num(errors, nan=-1.0), kind="stable") if by_error else np.arange(len(errors))
    rows = _spread(table, order)
    images = _images(records, set(table["source"].take(rows).to_pylist()))
    title = what + ("" if synthetic else f": {LICENSED}")
    height = max(1, -(-len(rows) // _COLUMNS))
    with figure(out, 9, 0.6 + 2.1 * height, title, synthetic) as drawing:
        grid = drawing.subplots(height, _COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, row in zip(grid, table.take(rows).to_pylist(), strict=False):
            axes.imshow(images[row["source"]])
            axes.set_title("\n".join(_texts(row, taught.get("thresholds", {}))), fontsize=6)


def _spread(table: pa.Table, order: Iterable[int]) -> list[int]:
    """The first rows in that order, of each video or person but few; those of images are all different."""
    sources = [video or subject or source for subject, video, source in _names(table)]
    taken: dict[str, int] = {}
    rows: list[int] = []
    for row in order:
        if len(rows) == _SHOWN:
            break
        one = sources[row]
        if taken.get(one, 0) < _OF_A_VIDEO:
            taken[one] = taken.get(one, 0) + 1
            rows.append(int(row))
    return rows


def _names(table: pa.Table) -> Iterable[tuple[str, str, str]]:
    return zip(*(table[name].to_pylist() for name in ("subject", "video", "source")), strict=True)


def _images(records: Sequence[Path], sources: set[str]) -> dict[str, NDArray[np.uint8]]:
    found = {}
    for data in (data for path in records for data in read_records(path)):
        feature = decode_example(data).features.feature
        source = feature["image/filename"].bytes_list.value[0].decode()
        if source in sources:
            found[source] = jpeg.decode(feature["image/encoded"].bytes_list.value[0])
    return found


def _texts(row: dict[str, Any], thresholds: dict[str, float]) -> list[str]:
    """Which it is; AUs by number, those that are predicted at validation's thresholds; valence and arousal."""
    units, probabilities = np.array(row["units"]), np.array(row["probabilities"], float)
    source = row["source"]
    texts = [source if len(source) <= _WIDTH else f"...{source[3 - _WIDTH :]}"]
    if (units != facs.UNKNOWN).any():
        labelled = [unit for unit in range(1, facs.COUNT + 1) if units[unit - 1] == facs.PRESENT]
        called = [
            unit
            for unit in range(1, facs.COUNT + 1)
            if units[unit - 1] != facs.UNKNOWN and probabilities[unit - 1] >= thresholds.get(facs.label(unit), np.inf)
        ]
        texts += fill(f"labelled {_list(labelled)}", _WIDTH).splitlines()
        texts += fill(f"predicted {_list(called)}", _WIDTH).splitlines()
    for name in ("valence", "arousal"):
        if not np.isnan(row[name]):
            texts.append(f"{name} {row[name]:.2f} / {row[f'predicted_{name}']:.2f}")
    return texts


def _list(units: list[int]) -> str:
    return " ".join(map(str, units)) or "none"
