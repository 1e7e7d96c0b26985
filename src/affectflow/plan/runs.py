"""Runs: an entry of the catalogue with its seed and, for training inside a data set that has folds, its fold.

``resnet`` is the entry's first seed, ``resnet-seed1`` another one, ``resnet-disfa-fold2`` is trained on DISFA without
the subjects of fold 2 and scored on them, ``resnet-without-affwild`` is trained on the entry's other data sets and
scored on Aff-Wild.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from affectflow import datasets, facs
from affectflow.config.catalogue import Model
from affectflow.contracts.recipe import Recipe
from affectflow.core.errors import UserError

_WITH_FOLDS = [name for name in datasets.names() if datasets.info(name).folds]
_FOLDED, _ALL = "|".join(_WITH_FOLDS), "|".join(datasets.names())
MODEL_PATTERN = r"[a-z][a-z0-9_]*"
_SEED, _FOLD, _WITHOUT = r"-seed\d+", rf"-(?:{_FOLDED})-fold\d+", rf"-without-(?:{_ALL})"
PATTERN = f"{MODEL_PATTERN}(?:{_SEED})?(?:{_FOLD}|{_WITHOUT})?"
FIRST_PATTERN = f"{MODEL_PATTERN}(?:{_FOLD}|{_WITHOUT})?"
"""Of the first seed's runs, by which all seeds' are named together."""
_RUN = re.compile(rf"({MODEL_PATTERN})(?:-seed(\d+))?(?:-({_FOLDED})-fold(\d+)|-without-({_ALL}))?")


class Catalogued(Protocol):
    """What the names of runs depend on."""

    @property
    def train_on(self) -> Collection[str]:
        """Data sets that the model is trained on."""

    @property
    def seeds(self) -> list[int]:
        """Seeds of the model's trainings."""

    @property
    def leave_one_out(self) -> bool:
        """Whether a run without each of the data sets is trained, too."""


class Fold(NamedTuple):
    """A fold of a data set; its training records are in a folder of its name, such as ``disfa-fold2``."""

    dataset: str
    number: int

    def __str__(self) -> str:
        return f"{self.dataset}-fold{self.number}"


@dataclass(frozen=True, slots=True)
class Run:
    """A training job."""

    model: str
    seed: int
    fold: Fold | None
    left_out: str | None = None
    """The data set that it is scored on, and learns nothing from."""

    def sets(self, entry: Catalogued) -> list[str]:
        """Return the data sets that it learns from: without the one that is left out, and those that share with it."""
        return list(entry.train_on) if self.left_out is None else _others(entry, self.left_out)

    def train_on(self, entry: Catalogued) -> list[str]:
        """Return the names of the record folders that it learns from, without the people whom its fold tests."""
        if self.fold is None:
            return self.sets(entry)
        of_fold = {self.fold.dataset: str(self.fold)}
        for name in entry.train_on:
            facts = datasets.info(name)
            if facts.shares_people_with == self.fold.dataset and self.fold.number in facts.without_folds:
                of_fold[name] = f"{name}-fold{self.fold.number}"
        return [of_fold.get(name, name) for name in entry.train_on]

    def recipe(self, model: Model) -> dict[str, Any]:
        """Return what decides the weights, but for the file of initial ones, as of ``contracts.recipe.Recipe``."""
        fitting = model.fitting.model_dump()
        units = list(facs.SUBSETS[model.action_units])
        shares = model.shares and {name: model.shares[name] for name in self.sets(model)}
        values = {**model.model_dump(), **fitting, "units": units, "shares": shares}
        values["seed"] = model.fitting.seed + self.seed
        return {key: values[key] for key in Recipe.model_fields if key != "weights"}


def all_runs(models: Mapping[str, Catalogued]) -> list[str]:
    """Return the names of all runs of a catalogue."""
    names = []
    for model, entry in models.items():
        folded = _folded(model, entry)
        for i, seed in enumerate(entry.seeds):
            name = f"{model}{f'-seed{seed}' if i else ''}"
            names += folds_of(name, folded) if folded else [name]
            names += without_each(name, entry) if entry.leave_one_out else []
    return names


def without_each(name: str, entry: Catalogued) -> list[str]:
    """Return the runs that leave out one data set each, of those that the others are enough without.

    Args:
        name: A run without its fold, such as ``resnet`` or ``resnet-seed1``.
        entry: The run's entry in the catalogue.
    """
    return [f"{name}-without-{left_out}" for left_out in entry.train_on if _others(entry, left_out)]


def _others(entry: Catalogued, left_out: str) -> list[str]:
    """Return an entry's data sets that share neither people nor videos with one that is left out."""
    return [
        name
        for name in entry.train_on
        if datasets.people_of(name) != datasets.people_of(left_out) and not datasets.may_share_videos(name, left_out)
    ]


def folds_of(name: str, dataset: str) -> list[str]:
    """Return the runs of all folds of a data set that belong to one name.

    Args:
        name: A run without its fold, such as ``resnet`` or ``resnet-seed1``.
        dataset: Name of the data set.
    """
    return [f"{name}-{Fold(dataset, number)}" for number in datasets.info(dataset).folds]


def of_folds(run: str) -> str | None:
    """Return the name under which a fold's run is pooled with the others; None for a run of no fold."""
    name = re.sub(f"{_FOLD}$", "", run)
    return name if name != run else None


def left_out_of(run: str) -> str | None:
    """Return the data set that a run leaves out; None for other runs."""
    match = _RUN.fullmatch(run)
    return match.group(5) if match else None


def model_of(name: str, models: Mapping[str, Catalogued]) -> str:
    """Return the entry that a run belongs to; raises :class:`UserError` where there is none.

    Args:
        name: Name of a run, or a name of :func:`folds_of`.
        models: The catalogue's entries by name.
    """
    match = _RUN.fullmatch(name)
    model = match.group(1) if match else name
    if model not in models:
        raise UserError(f"There is no model {model!r} in the configuration; known are {', '.join(models)}.")
    return model


def by_seed(first: str, models: Mapping[str, Catalogued]) -> dict[int, str]:
    """Return the runs that differ from an entry's first in their seed alone, that one included, in order.

    Args:
        first: Name of the run of the entry's first seed, with its fold if it has one.
        models: The catalogue's entries by name.
    """
    parsed = parse_run(first, models)
    fold = f"-{parsed.fold}" if parsed.fold else f"-without-{parsed.left_out}" if parsed.left_out else ""
    seeds = models[parsed.model].seeds
    return {seed: f"{parsed.model}{f'-seed{seed}' if i else ''}{fold}" for i, seed in enumerate(seeds)}


def parse_run(name: str, models: Mapping[str, Catalogued]) -> Run:
    """Return the run of a name; raises :class:`UserError` when the catalogue does not have it.

    Args:
        name: Name of the run.
        models: The catalogue's entries by name.
    """
    model = model_of(name, models)
    match = _RUN.fullmatch(name)
    entry = models[model]
    known = all_runs({model: entry})
    if not entry.leave_one_out:  # they are made for whoever asks for them
        names = (model, *(f"{model}-seed{number}" for number in entry.seeds[1:]))
        known += [run for of_seed in names for run in without_each(of_seed, entry)]
    if match is None or name not in known:
        raise UserError(
            f"The model {model!r} has no run {name!r}; its runs are {', '.join(known)} "
            f"(see models.{model}.seeds and train_on)."
        )
    _, seed, dataset, number, left_out = match.groups()
    fold = Fold(dataset, int(number)) if dataset else None
    return Run(model, int(seed) if seed else entry.seeds[0], fold, left_out)


def _folded(model: str, entry: Catalogued) -> str | None:
    """Return the data set with folds that a model learns from."""
    folded = [name for name in entry.train_on if name in _WITH_FOLDS]
    if len(folded) > 1:
        raise UserError(
            f"models.{model}.train_on names {' and '.join(folded)}, which have folds each; leave all but one out."
        )
    return folded[0] if folded else None
