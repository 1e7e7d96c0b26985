"""Runs: a catalogue entry with its seed, and for training inside DISFA its fold.

``resnet`` is the entry's first seed, ``resnet-seed1`` another one, ``resnet-disfa-fold2`` is trained on DISFA without
the subjects of fold 2 and scored on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from affectflow import facs
from affectflow.contracts.recipe import Recipe
from affectflow.core.errors import UserError

PATTERN = r"[a-z][a-z0-9_]*(?:-seed\d+)?(?:-disfa-fold[123])?"
FIRST_PATTERN = r"[a-z][a-z0-9_]*(?:-disfa-fold[123])?"
"""Of the first seed's runs, by which all seeds' are named together."""
_RUN = re.compile(r"([a-z][a-z0-9_]*)(?:-seed(\d+))?(?:-disfa-fold([123]))?")
FOLDS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Run:
    """A training job."""

    model: str
    seed: int
    fold: int | None

    def train_on(self, entry: Mapping[str, Any]) -> list[str]:
        """Names of the record folders that it learns from."""
        return [f"disfa-fold{self.fold}" if name == "disfa" else str(name) for name in entry["train_on"]]

    def recipe(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what decides the weights: the model's entry over the defaults, as of ``contracts.recipe.Recipe``."""
        entry = {**config["model_defaults"], **config["models"][self.model]}
        training = {**config["training"], **entry.get("training", {})}
        shares = dict(entry["train_on"]) if isinstance(entry["train_on"], Mapping) else None
        units = list(facs.SUBSETS[entry["action_units"]])
        values = {**entry, **training, "units": units, "shares": shares, "seed": training["seed"] + self.seed}
        return {key: values[key] for key in Recipe.model_fields if key != "weights"}


def all_runs(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names of all runs of a catalogue."""
    names = []
    for model, entry in models.items():
        for i, seed in enumerate(entry["seeds"]):
            name = f"{model}{f'-seed{seed}' if i else ''}"
            names += folds_of(name) if "disfa" in entry["train_on"] else [name]
    return names


def folds_of(name: str) -> list[str]:
    """The runs of all folds of DISFA that belong to one name, such as ``resnet`` or ``resnet-seed1``."""
    return [f"{name}-disfa-fold{fold}" for fold in FOLDS]


def of_folds(run: str) -> str | None:
    """The name under which a fold's run is pooled with the others; None for a run of no fold."""
    name, fold, _ = run.partition("-disfa-fold")
    return name if fold else None


def model_of(name: str, models: Mapping[str, Mapping[str, Any]]) -> str:
    """The catalogue entry of a run or of a name of :func:`folds_of`; raises :class:`UserError` where there is none."""
    match = _RUN.fullmatch(name)
    model = match.group(1) if match else name
    if model not in models:
        raise UserError(f"There is no model {model!r} in the configuration; known are {', '.join(models)}.")
    return model


def by_seed(first: str, models: Mapping[str, Mapping[str, Any]]) -> dict[int, str]:
    """The runs that differ from an entry's first in their seed alone, that one included, in the entry's order."""
    parsed = parse_run(first, models)
    fold = f"-disfa-fold{parsed.fold}" if parsed.fold is not None else ""
    seeds = models[parsed.model]["seeds"]
    return {seed: f"{parsed.model}{f'-seed{seed}' if i else ''}{fold}" for i, seed in enumerate(seeds)}


def parse_run(name: str, models: Mapping[str, Mapping[str, Any]]) -> Run:
    """Raises :class:`UserError` when the catalogue does not hold the run."""
    model = model_of(name, models)
    match = _RUN.fullmatch(name)
    if match is None or name not in all_runs(models):
        raise UserError(
            f"The model {model!r} has no run {name!r}; its runs are {', '.join(all_runs({model: models[model]}))} "
            f"(see models.{model}.seeds and train_on)."
        )
    seed = int(match.group(2)) if match.group(2) else int(models[model]["seeds"][0])
    return Run(model, seed, int(match.group(3)) if match.group(3) else None)
