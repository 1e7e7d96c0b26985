"""Images of the user's own, listed with their labels in a CSV. Layout::

    labels.csv     image,AU1,AU12,...,valence,arousal,subject
    images/1.jpg   as the column image says, relative to the CSV

Every column but ``image`` may be missing. An AU is 1 (present), 0 (absent), or 999 or blank (unknown); valence and
arousal are from -1 to 1, or blank (unknown). ``subject`` keeps the images of a person on one side of a split.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, side_of
from affectflow.datasets.dataset_info import ACTION_UNITS, VALENCE_AROUSAL, DatasetInfo
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.tables.csv_files import open_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.media import Media

TABLE = "labels.csv"
_LABELS = {"1": facs.PRESENT, "0": facs.ABSENT, "999": facs.UNKNOWN, "": facs.UNKNOWN}
_AFFECT = ("valence", "arousal")
_ROWS_IN_PART = 64


@dataclass(frozen=True, slots=True)
class _Row:
    image: str
    subject: str
    units: NDArray[np.int8]
    affect: Mapping[str, float]

    @property
    def group(self) -> str:
        return self.subject or self.image


class Own(Dataset):
    """The images of a CSV in its order. ``train`` and ``test`` divide the subjects."""

    name = "own"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        """Read the CSV ``root``, or ``labels.csv`` in the folder ``root``."""
        super().__init__()
        table = root if root.is_file() else root / TABLE
        if not table.is_file():
            raise UserError(f"{root} has no {TABLE}; write one with the columns image,AU1,...,valence,arousal,subject.")
        self._media = media
        self._folder = table.parent
        self._rows = [row for row in _rows(table) if split == "all" or side_of(self.name, row.group) == split]
        if not self._rows:
            raise UserError(f"{table} has no image of the split {split!r}; add rows, or use it as a whole.")

    def groups(self) -> list[str]:
        return sorted({row.group for row in self._rows})

    def parts(self) -> list[str]:
        """Return the first rows of blocks of the table, which processes read independently."""
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


def _rows(table: Path) -> Iterator[_Row]:
    seen: set[str] = set()
    with open_text(table) as stream:
        reader = csv.DictReader(stream, restkey="")
        units = _columns(table, list(reader.fieldnames or ()))
        try:
            for cells in reader:
                where = f"{table}, line {reader.line_num}"
                if "" in cells or None in cells.values():
                    raise UserError(f"{where}: the number of cells differs from the header; correct the line.")
                row = _row(where, cells, units)
                if row.image in seen:
                    raise UserError(f"{where}: {row.image[:100]!r} already has a row; remove one of them.")
                seen.add(row.image)
                yield row
        except csv.Error as error:
            raise UserError(f"{table}, line {reader.line_num}, is not CSV ({error}); correct that line.") from None


def _columns(table: Path, header: list[str]) -> dict[str, int]:
    """Return the AU of each AU column; raises :class:`UserError` for a header that cannot be read."""
    units = {column: unit for column in header if (unit := facs.parse_label(column)) is not None}
    unknown = [column for column in header if column not in units and column not in ("image", "subject", *_AFFECT)]
    if "image" not in header or unknown or len({*units.values()}) < len(units) or len({*header}) < len(header):
        what = (
            f"the column {unknown[0]!r} is unknown" if unknown else "there must be a column image, and each column once"
        )
        raise UserError(f"{table}: {what}; the columns are image, AU1 to AU60, valence, arousal, subject.")
    return units


def _row(where: str, cells: Mapping[str, str], units: Mapping[str, int]) -> _Row:
    if not cells["image"].strip():
        raise UserError(f"{where}: no image in the column image; add it, or remove the line.")
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
        raise UserError(f"{where}: {name} is {text[:40]!r}, not a number between -1 and 1; correct it.")
    return value


def _recognize(path: Path) -> bool:
    if path.is_dir():
        return (path / TABLE).is_file()
    if path.suffix.lower() != ".csv":
        return False
    with open_text(path) as stream:
        return "image" in next(csv.reader([stream.readline()]), [])


INFO = DatasetInfo(
    name="own",
    title="your own images",
    heads=frozenset({ACTION_UNITS, VALENCE_AROUSAL}),
    media="images",
    opens=Own,
    recognize=_recognize,
    splits=("all", "train", "test"),
    split_by="subject",
    table_as_root=True,
    layout=f"{TABLE} with image,AU1,...,valence,arousal,subject; every column but image may be missing",
    terms="images of your own: their terms are yours to know",
    citation="",
)
