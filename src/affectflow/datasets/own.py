"""Anyone's own images: a CSV of images and labels. Layout::

    labels.csv       image,AU1,AU12,...,valence,arousal,subject
    images/1.jpg   where the column image says, relative to the CSV

All columns but ``image`` may be missing. AUs are 1 present, 0 absent, 999 or blank unknown; valence and arousal lie in
[-1, 1], blank is unknown. ``subject`` keeps a person's images on one side of a split.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, side_of
from affectflow.datasets.media import Media
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.tables.csv_files import open_text

TABLE = "labels.csv"
_LABELS = {"1": facs.PRESENT, "0": facs.ABSENT, "999": facs.UNKNOWN, "": facs.UNKNOWN}
_AFFECT = ("valence", "arousal")
_ROWS_IN_PART = 64


@dataclass(frozen=True, slots=True)
class _Row:
    image: str
    subject: str
    units: np.ndarray
    affect: Mapping[str, float]

    @property
    def group(self) -> str:
        return self.subject or self.image


class Own(Dataset):
    """The images of a CSV in its order."""

    name = "own"

    def __init__(self, table: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        self._folder = table.parent
        self._rows = [row for row in _rows(table) if split == "all" or side_of(self.name, row.group) == split]
        if not self._rows:
            raise UserError(f"{table} holds no image of the split {split!r}; add rows, or use it as a whole.")

    def groups(self) -> list[str]:
        return sorted({row.group for row in self._rows})

    def parts(self) -> list[str]:
        """By rows of the table, so that large ones can be shared out."""
        return [f"{first}" for first in range(0, len(self._rows), _ROWS_IN_PART)]

    def samples_of(self, part: str) -> Iterator[Sample]:
        for row in self._rows[int(part) : int(part) + _ROWS_IN_PART]:
            if not (row.units != facs.UNKNOWN).any() and all(map(math.isnan, row.affect.values())):
                self.left_out["image without labels"] += 1
            elif (image := self._media.image(self._folder / row.image, self.left_out)) is not None:
                yield Sample(
                    image=image,
                    dataset=self.name,
                    source=row.image,
                    group=row.group,
                    subject=row.subject,
                    units=row.units,
                    valence=row.affect["valence"],
                    arousal=row.affect["arousal"],
                )


def open_dataset(root: Path, split: str, media: Media) -> Own:
    """``root`` is the CSV or the folder of a ``labels.csv``; ``split`` is ``all``, ``train`` or ``test``."""
    if split not in ("all", "train", "test"):
        raise UserError(f"Images of one's own have no split {split!r}; known are all, train and test.")
    table = root if root.is_file() else root / TABLE
    if not table.is_file():
        raise UserError(f"{root} holds no {TABLE}; write one with the columns image,AU1,...,valence,arousal,subject.")
    return Own(table, split, media)


def _rows(table: Path) -> Iterator[_Row]:
    seen: set[str] = set()
    with open_text(table) as stream:
        reader = csv.DictReader(stream, restkey="")
        units = _columns(table, list(reader.fieldnames or ()))
        try:
            for cells in reader:
                where = f"{table}, line {reader.line_num}"
                if "" in cells or None in cells.values():
                    raise UserError(f"{where}: it has not as many cells as the header; correct it.")
                row = _row(where, cells, units)
                if row.image in seen:
                    raise UserError(f"{where}: {row.image[:100]!r} has a row already; remove one of them.")
                seen.add(row.image)
                yield row
        except csv.Error as error:
            raise UserError(f"{table}, line {reader.line_num}, is not CSV ({error}); correct that line.") from None


def _columns(table: Path, header: list[str]) -> dict[str, int]:
    """The AU of each column that names one; raises :class:`UserError` for a header that cannot be."""
    units = {column: unit for column in header if (unit := facs.parse_label(column)) is not None}
    strange = [column for column in header if column not in units and column not in ("image", "subject", *_AFFECT)]
    if "image" not in header or strange or len({*units.values()}) < len(units) or len({*header}) < len(header):
        what = f"does not know the column {strange[0]!r}" if strange else "needs a column image, and each column once"
        raise UserError(f"{table}: affectflow {what}; name them image, AU1 to AU60, valence, arousal, subject.")
    return units


def _row(where: str, cells: Mapping[str, str], units: Mapping[str, int]) -> _Row:
    if not cells["image"].strip():
        raise UserError(f"{where}: no image is named; remove the line.")
    labels = unknown_units()
    for column, unit in units.items():
        text = cells[column].strip()
        if text not in _LABELS:
            raise UserError(f"{where}: {column} is {text[:40]!r}, not 0, 1, 999 or blank; correct it.")
        labels[unit - 1] = _LABELS[text]
    affect = {name: _affect(where, name, cells.get(name, "").strip()) for name in _AFFECT}
    return _Row(os.path.normpath(cells["image"].strip()), cells.get("subject", "").strip(), labels, affect)


def _affect(where: str, name: str, text: str) -> float:
    try:
        value = float(text or "nan")
    except ValueError:
        value = math.inf
    if abs(value) > 1:
        raise UserError(f"{where}: {name} is {text[:40]!r}, no number between -1 and 1; correct it.")
    return value
