"""Read a table of what is known of a benchmark's people, such as their gender and age."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.datasets.conditions import Conditions
from affectflow.media.name_index import NameIndex, normalized
from affectflow.tables.cells import is_missing, parse_number
from affectflow.tables.delimited import open_table

log = logging.getLogger(__name__)

KEYS = ("subject", "video")
"""The first of these columns that a table has says whom a row is of."""
_MEASURED = ("crop", *(field.name for field in fields(Conditions)))
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,3}$", re.IGNORECASE)
_MAX_VALUES = 8
"""Of a text; a column with more, such as names, makes no groups."""
_THIRDS = ("lower third", "middle third", "upper third")


@dataclass(frozen=True, slots=True)
class SubjectTable:
    """What is known of people, or of the people in videos.

    Attributes:
        path: The file.
        key: ``subject`` or ``video``.
        columns: The group of each subject or video, by column; one whose cell is missing is in none.
    """

    path: Path
    key: str
    columns: Mapping[str, Mapping[str, str]]

    def values(self, column: str, names: Sequence[str]) -> list[str]:
        """Return the group of each frame.

        Args:
            column: A column of the table.
            names: The subject or video of each frame, as ``key`` says, [frames].

        Returns:
            "" where the table does not say, [frames].
        """
        of = self.columns[column]
        index = NameIndex(of)
        rows = {name: index.find(_name(self.key, name)) for name in set(names)}
        return [of[row] if (row := rows[name]) is not None else "" for name in names]

    def check(self, names: Sequence[str]) -> None:
        """Raise :class:`UserError` unless a row of the table is of one of the names."""
        rows = {name for of in self.columns.values() for name in of}
        index = NameIndex(rows)
        if rows and not any(index.find(_name(self.key, name)) is not None for name in set(names)):
            known = min(filter(None, names), default="")
            hint = f"; they are such as {known!r}" if known else f", which have no {self.key}"
            raise UserError(f"{self.path}: no {self.key} is one of the benchmark's{hint}. Correct the column.")


def read_subjects(path: Path) -> SubjectTable:
    """Read a table ``subject,gender,age,...`` (or ``video,...``), with a row for each person (or video).

    The values of a text are groups. Numbers are divided into thirds of the people where there are more than eight.

    Args:
        path: The file, delimited as :func:`affectflow.tables.delimited.open_table` says.

    Raises:
        UserError: The table has no column ``subject`` or ``video``, or no other one, names somebody or a column twice,
            or has a column of a name that other conditions have.
    """
    names: dict[str, int] = {}
    cells_of: dict[str, dict[str, str]] = {}
    with open_table(path, lambda name: name.lower() in KEYS, "a column subject or video, and others") as table:
        header = [name.lower() for name in table.header]
        key = next(key for key in KEYS if key in header)
        others = {name: place for place, name in enumerate(table.header) if name and header[place] != key}
        taken = next((name for name in header if header.count(name) > 1 or name in _MEASURED), None)
        if taken:
            problem = "occurs twice" if header.count(taken) > 1 else "is the name of what is measured of crops"
            raise UserError(f"{path}: the column {taken!r} {problem}; rename it.")
        if not others:
            raise UserError(f"{path} has no column but {key}; add others, such as gender or age.")
        cells_of = {name: {} for name in others}
        for line, cells in table.rows:
            name = _name(key, cells[header.index(key)])
            if not name or name.casefold() in names:
                earlier = names.get(name.casefold())
                problem = f"{name!r} is also in line {earlier}" if name else f"the {key} is missing"
                raise UserError(f"{path}, line {line}: {problem}; give each {key} one row.")
            names[name.casefold()] = line
            for column, place in others.items():
                if not is_missing(cells[place]):
                    cells_of[column][name] = cells[place].strip()
        delimiter = table.delimiter
    groups = {column: _groups(path, column, cells, delimiter) for column, cells in cells_of.items()}
    return SubjectTable(path, key, {column: of for column, of in groups.items() if of})


def _name(key: str, text: str) -> str:
    """Return a name as it is compared: that of a video without its suffix."""
    name = normalized(text)
    return _SUFFIX.sub("", name) if key == "video" else name


def _groups(path: Path, column: str, cells: Mapping[str, str], delimiter: str) -> dict[str, str]:
    spelled: dict[str, str] = {}
    groups = {name: spelled.setdefault(cell.casefold(), cell) for name, cell in cells.items()}
    if len(spelled) <= _MAX_VALUES:
        return groups
    try:
        numbers = {name: parse_number(cell, delimiter) for name, cell in cells.items()}
    except ValueError:
        log.warning("%s: %s has %d different values and makes no groups", path, column, len(spelled))
        return {}
    return _thirds(numbers)


def _thirds(numbers: Mapping[str, float]) -> dict[str, str]:
    """Divide people into thirds by a number; equal numbers stay together."""
    ordered = sorted(numbers.values())
    ends = [ordered[math.ceil(len(ordered) * part / 3) - 1] for part in (1, 2)]
    part_of = {name: sum(number > end for end in ends) for name, number in numbers.items()}
    titles = {}
    for part, title in enumerate(_THIRDS):
        among = [numbers[name] for name, of in part_of.items() if of == part]
        if among:
            titles[part] = f"{title}, {min(among):g} to {max(among):g}"
    return {name: titles[part] for name, part in part_of.items()}
