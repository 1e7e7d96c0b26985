"""The data sets, each a module that yields samples. A new one is a module and a line here."""

from __future__ import annotations

import importlib
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset
from affectflow.datasets.media import Media

_MODULES = {
    "emotionet": "affectflow.datasets.emotionet",
    "disfa": "affectflow.datasets.disfa",
    "amfed": "affectflow.datasets.amfed",
    "disfaplus": "affectflow.datasets.disfaplus",
    "affwild": "affectflow.datasets.affwild",
    "affwild2": "affectflow.datasets.affwild2",
    "own": "affectflow.datasets.own",
}


def names() -> tuple[str, ...]:
    """The data sets that can be opened."""
    return tuple(_MODULES)


def module_of(name: str) -> str:
    """The module that reads a data set; its code is part of the stages that open the set."""
    return _MODULES[name]


def get_dataset(name: str, root: Path, split: str = "all", media: Media | None = None) -> Dataset:
    """Open a data set; ``media`` says how videos and images are read (decoded).

    Raises :class:`UserError` for an unknown name, a missing folder or an unknown split.
    """
    if name not in _MODULES:
        raise UserError(f"There is no data set {name!r}; known are {', '.join(_MODULES)}.")
    if not root.is_dir() and not (name == "own" and root.is_file()):
        raise UserError(f"{root} is no folder; correct the root of {name} in the configuration.")
    dataset: Dataset = importlib.import_module(_MODULES[name]).open_dataset(root, split, media or Media())
    return dataset
