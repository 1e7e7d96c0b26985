"""Folds by subject that the literature uses, each in a table ``subject,part`` beside the module of its set."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_facts


@dataclass(frozen=True, slots=True)
class Folds:
    """The subjects of each part of a data set; fold k tests part k and trains on the others.

    Attributes:
        title: Name of the data set, for messages.
        parts: Subjects by part.
    """

    title: str
    parts: dict[int, tuple[str, ...]]

    @classmethod
    def read(cls, title: str, table: Path) -> Folds:
        """Read a table of folds.

        Args:
            title: Name of the data set.
            table: The file.
        """
        parts: dict[int, tuple[str, ...]] = defaultdict(tuple)
        for row in read_facts(table, ("subject", "part")):
            parts[int(row["part"])] += (row["subject"],)
        return cls(title, dict(sorted(parts.items())))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of the set: ``all``, ``fold1-train``, ``fold1-test`` and so on."""
        return ("all", *(f"fold{fold}-{side}" for fold in self.parts for side in ("train", "test")))

    def subjects_of(self, split: str) -> tuple[str, ...] | None:
        """Return the subjects of a split such as ``fold1-train``; None for ``all``, which has every subject on disk.

        Raises :class:`UserError` for another split.
        """
        if split not in self.splits:
            raise UserError(f"{self.title} has no split {split!r}; use one of {', '.join(self.splits)}.")
        if split == "all":
            return None
        fold, _, side = split.removeprefix("fold").partition("-")
        tested = self.parts[int(fold)]
        if side == "test":
            return tested
        return tuple(subject for part in self.parts.values() for subject in part if subject not in tested)
