"""Describe a data set without opening it.

Each data set declares one :class:`DatasetInfo`, called ``INFO``, in its module. Everything that depends on the kind of
a data set is derived from it: configuration choices, rules, recognition of folders, model cards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from affectflow.core.errors import UserError

if TYPE_CHECKING:
    from affectflow.datasets.base import Dataset
    from affectflow.datasets.media import Media

ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL = "action_units", "intensities", "valence_arousal"
"""The heads of a model, by which the kinds of labels are named too."""
EXPRESSION = "expression"
"""Labels of a facial expression as a whole, which no head learns; models' AUs are scored against them by a table."""
BENCHMARK, TRAIN, SPLIT = "benchmark", "train", "split"
"""The values of ``data.<name>.use``."""
CONFIGURABLE_USES = (TRAIN, BENCHMARK, SPLIT)


@dataclass(frozen=True, slots=True)
class Option:
    """A further key of a data set in the configuration: its values, the default first, and what it means."""

    values: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """Facts about a data set, and the functions that open and recognize it.

    The module that declares it must import NumPy, PyArrow, OpenCV and PyAV inside functions: every job reads these
    facts while it parses the workflow.
    """

    name: str
    """Key in the configuration, and part of file names: lower case, without hyphens."""
    title: str
    """Name for readers."""
    heads: frozenset[str]
    """Kinds of labels: some of ``action_units``, ``intensities``, ``valence_arousal``."""
    heads_of: Callable[[Path, str], frozenset[str]] | None = None
    """Kinds of labels in a folder and one of its splits, where a user may have only some; None where all are there."""
    media: Literal["videos", "images"]
    """``videos`` where images are successive frames, even if they are stored as image files."""
    opens: Callable[[Path, str, Media], Dataset]
    """Opens a root and a split that were checked; raises :class:`UserError` where the layout does not fit."""
    recognize: Callable[[Path], bool] | None = None
    """Whether a folder has the layout of this set; also called for files where ``table_as_root``."""
    splits: tuple[str, ...]
    """The splits that can be opened, ``all`` first."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """Further keys in the configuration; a split ``all@right`` selects a value that is not the default."""
    uses: tuple[str, ...] = CONFIGURABLE_USES
    """What the set can be used for. One value leaves no choice, and no key ``use`` in the configuration."""
    folds: tuple[int, ...] = ()
    """Folds whose training sides are recorded one by one, with the splits ``fold1-train`` and ``fold1-test``."""
    subjects_of: Callable[[str], tuple[str, ...] | None] = lambda split: None
    """The subjects of a split of ``folds``; None for those of all subjects."""
    split_by: str = ""
    """What ``use: split`` divides the set by: ``subject``, ``video``."""
    fetched_from: str = ""
    """Where the workflow fetches a set that anyone may use, if its root is :attr:`fetched_to`; empty for other sets."""
    open_to_drawn: bool = False
    """Whether models that learned from drawn faces may be scored on the set, too, although it is real."""
    downloaded: bool = False
    """Whether the workflow downloads the set, instead of finding it in a folder of the user's."""
    table_as_root: bool = False
    """Whether the root may be a table instead of a folder."""
    ships_faces: bool = False
    """Whether the layout has a place for boxes or landmarks of faces."""
    shares_people_with: str | None = None
    """Another data set whose subjects, under the same names, occur in this one."""
    without_folds: tuple[int, ...] = ()
    """Folds of the set of ``shares_people_with``: the people whom one tests can be left out, with the splits
    ``all-fold1``, ``train-fold1`` and so on."""
    shares_videos_with: str | None = None
    """Another data set whose videos occur in this one, in part under other names."""
    layout: str
    """Folders and files that identify the root, in a few words."""
    terms: str
    """Owner and terms of use, for model cards."""
    citation: str
    where_to_ask: str = ""
    """Where access is granted, and what is needed."""

    def check_split(self, split: str) -> None:
        """Raise :class:`UserError` unless the set has this split, which may end in an option such as ``@right``."""
        base, at, value = split.partition("@")
        if base not in self.splits:
            raise UserError(f"{self.title} has no split {base!r}; use one of {', '.join(self.splits)}.")
        values = [value for option in self.options.values() for value in option.values]
        if at and value not in values:
            named = " or ".join(self.options) or "variant"
            raise UserError(f"{self.title} has no {named} {value!r}; use one of {', '.join(values) or base}.")

    def variant(self, settings: Mapping[str, object]) -> str:
        """Return what the options in ``settings`` append to a split: ``@right``, or nothing for the defaults."""
        chosen = ((settings[name], option.values[0]) for name, option in self.options.items())
        return "".join(f"@{value}" for value, default in chosen if value != default)

    def record_sets(self) -> tuple[str, ...]:
        """Return the folders of training records that can be made of the set, such as ``disfa-fold1``."""
        if self.folds:  # and the whole set, for models that are scored on another one
            return (self.name, *(f"{self.name}-fold{fold}" for fold in self.folds))
        if not {TRAIN, SPLIT} & set(self.uses):
            return ()
        return (self.name, *(f"{self.name}-fold{fold}" for fold in self.without_folds))

    @property
    def fetched_to(self) -> Path | None:
        """The folder that the workflow fetches the set into; None where it does not."""
        return Path("results") / self.name if self.fetched_from else None

    @property
    def root_key(self) -> str:
        """The configuration's key that says where the set is."""
        return f"data.{self.name}.tables" if self.downloaded else f"data.{self.name}.root"
