"""Images of the user's own, listed with their labels in a CSV. Layout::

    labels.csv     image,AU1,AU12,...,valence,arousal,subject
    images/1.jpg   as the column image says, relative to the CSV

Every column but ``image`` may be missing, and further ones are not used. An AU is 1 (present), 0 (absent), or 999 or
missing (unknown); valence and arousal are from -1 to 1, or missing (unknown). ``subject`` keeps the images of a person
on one side of a split. Names of images may be written as on Windows or macOS.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, side_of
from affectflow.datasets.dataset_info import ACTION_UNITS, VALENCE_AROUSAL, DatasetInfo
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.media.name_index import NameIndex, normalized
from affectflow.tables.cells import is_missing, parse_number
from affectflow.tables.delimited import find_header, open_table, split_line
from affectflow.tables.text import open_text
from affectflow.tables.workbook import is_workbook

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.media import Media

log = logging.getLogger(__name__)

TABLE = "labels.csv"
_LABELS = {1.0: facs.PRESENT, 0.0: facs.ABSENT, 999.0: facs.UNKNOWN}
_AFFECT = ("valence", "arousal")
_OTHERS = "AU1 to AU60, valence, arousal, subject"
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
        self._missing = ""  # the first image without a file, which is logged
        rows = list(_rows(table))
        self._check_spellings(table, rows)
        self._rows = [row for row in rows if split == "all" or side_of(self.name, row.group) == split]
        if not self._rows:
            raise UserError(f"{table} has no image of the split {split!r}; add rows, or use it as a whole.")

    def _check_spellings(self, table: Path, rows: Sequence[_Row]) -> None:
        """Raise :class:`UserError` where two rows are of one file, spelled in other letters."""
        alike: dict[str, list[_Row]] = {}
        for row in rows:
            alike.setdefault(row.image.casefold(), []).append(row)
        for several in (found for found in alike.values() if len(found) > 1):
            files: dict[Path, str] = {}
            for row in several:
                if (other := files.setdefault(self._path_of(row.image), row.image)) != row.image:
                    raise UserError(
                        f"{table} has rows of {other!r} and of {row.image!r}, one file; remove one of them."
                    )

    def groups(self) -> list[str]:
        return sorted({row.group for row in self._rows})

    def parts(self) -> list[str]:
        """Return the first rows of blocks of the table, which processes read independently."""
        return [f"{first}" for first in range(0, len(self._rows), _ROWS_IN_PART)]

    def samples_of(self, part: str) -> Iterator[Sample]:
        for row in self._rows[int(part) : int(part) + _ROWS_IN_PART]:
            if not (row.units != facs.UNKNOWN).any() and all(map(math.isnan, row.affect.values())):
                self.left_out["image without labels"] += 1
            elif (image := self._media.image(self._path_of(row.image), self.left_out)) is not None:
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

    def _path_of(self, image: str) -> Path:
        """Return the file of an image; where it has another spelling, the one that is meant."""
        from affectflow.datasets.media import is_file  # NumPy and Pillow

        path = self._folder / image
        if is_file(path):
            return path
        found = self._names.find(image)
        if found is None and not self._missing:
            self._missing = image
            nearest = self._names.nearest(image)
            hint = f"; the most similar name there is {nearest!r}" if nearest else ""
            log.warning("%s has no file %r%s", self._folder, image[:100], hint)
        return path if found is None else self._folder / found

    @cached_property
    def _names(self) -> NameIndex:
        return NameIndex.of_folder(self._folder)


def _rows(table: Path) -> Iterator[_Row]:
    seen: set[str] = set()
    with open_table(table, _is_known, f"the column image, and {_OTHERS}") as opened:
        columns = _columns(table, opened.header)
        for line, cells in opened.rows:
            where = f"{table}, line {line}"
            row = _row(where, {name: cells[place].strip() for name, place in columns.items()}, opened.delimiter)
            place = normalized(os.path.join(table.parent, row.image))
            if place in seen:
                raise UserError(f"{where}: {row.image[:100]!r} already has a row; remove one of them.")
            seen.add(place)
            yield row


def _name_of(column: str) -> str | None:
    """Return the name under which a column is used: ``image``, ``subject``, ``AU12``, ...; None for another one."""
    unit = facs.parse_label(column)
    if unit is not None:
        return facs.label(unit)
    return column.lower() if column.lower() in ("image", "subject", *_AFFECT) else None


def _is_known(column: str) -> bool:
    return _name_of(column) is not None


def _columns(table: Path, header: Sequence[str]) -> dict[str, int]:
    """Return the place of each column that is used; raise :class:`UserError` for a header that cannot be read."""
    columns: dict[str, int] = {}
    for place, column in enumerate(header):
        name = _name_of(column)
        if name is not None and columns.setdefault(name, place) != place:
            both = f"{header[columns[name]]} and {column}"
            raise UserError(f"{table} has the column {name} twice, as {both}; remove one of them.")
    if "image" not in columns or not columns.keys() - {"image", "subject"}:
        missing = "image" if "image" not in columns else "with labels"
        raise UserError(
            f"{table} has no column {missing}; its columns are {', '.join(filter(None, header))[:200]}, and expected "
            f"are image, {_OTHERS}."
        )
    for place, column in enumerate(header):
        if place and not column and _name_of(header[place - 1]) is not None and header[place - 1].lower() != "image":
            raise UserError(
                f"{table} has a column without a name behind {header[place - 1]}, as where an AU has one column "
                "for each side or coder; keep one column for each AU, and name it."
            )
    # A table that pandas wrote has its index in a column without a name.
    unused = [column for column in header if column and _name_of(column) is None and column != "Unnamed: 0"]
    if unused:
        log.warning("%s has columns that are not used: %s", table, ", ".join(unused)[:200])
    return columns


def _row(where: str, cells: Mapping[str, str], delimiter: str) -> _Row:
    if not cells["image"]:
        raise UserError(f"{where}: no image in the column image; add it, or remove the line.")
    labels = unknown_units()
    for name, cell in cells.items():
        unit = facs.parse_label(name)
        if unit is not None:
            try:
                value = parse_number(cell, delimiter)
            except ValueError:
                value = -math.inf
            if not math.isnan(value):
                if value not in _LABELS:
                    raise UserError(f"{where}: {name} is {cell[:40]!r}, not 0, 1, 999 or blank; correct it.")
                labels[unit - 1] = _LABELS[value]
    affect = {name: _affect(where, name, cells.get(name, ""), delimiter) for name in _AFFECT}
    subject = cells.get("subject", "")
    person = "" if is_missing(subject) else normalize("NFC", subject)
    return _Row(os.path.normpath(cells["image"]), person, labels, affect)


def _affect(where: str, name: str, cell: str, delimiter: str) -> float:
    try:
        value = parse_number(cell, delimiter)
    except ValueError:
        value = math.inf
    if abs(value) > 1:
        raise UserError(f"{where}: {name} is {cell[:40]!r}, not a number between -1 and 1; correct it.")
    return value


def _recognize(path: Path) -> bool:
    if path.is_dir():
        return (path / TABLE).is_file()
    if is_workbook(path):
        return False
    with open_text(path) as stream:
        first = list(islice(stream, 20))
    found = find_header(first, _is_known)
    return found is not None and "image" in map(_name_of, map(str.strip, split_line(first[found[0]], found[1])))


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
