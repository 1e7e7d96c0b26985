"""The data sets: each is one module with one ``INFO``, and one line here.

Nothing in this file imports a data set before it is requested, so that the code digest of a job covers only the sets
that it opens (see :func:`module_of`); :func:`affectflow.datasets.opening.get_dataset` opens them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.errors import UserError

if TYPE_CHECKING:
    from affectflow.datasets.dataset_info import DatasetInfo

_MODULES = {
    # In the order in which a folder is compared with them: layouts that one folder name identifies come first.
    "disfa": "affectflow.datasets.disfa",
    "amfed": "affectflow.datasets.amfed",
    "bp4d": "affectflow.datasets.bp4d",
    "affwild2": "affectflow.datasets.affwild2",
    "affwild": "affectflow.datasets.affwild",
    "own": "affectflow.datasets.own",
    "london": "affectflow.datasets.london",  # by names of images, which a table of one's own may list, too
    "disfaplus": "affectflow.datasets.disfaplus",
    "emotionet": "affectflow.datasets.emotionet",
}


def names() -> tuple[str, ...]:
    """Return the names of all data sets."""
    return tuple(_MODULES)


def module_of(name: str) -> str:
    """Return the module that reads a data set, for the code digest of the stages that open the set."""
    return _MODULES[name]


def info(name: str) -> DatasetInfo:
    """Return the facts about a data set; raises :class:`UserError` for an unknown name."""
    if name not in _MODULES:
        raise UserError(f"There is no data set {name!r}; use one of {', '.join(_MODULES)}.")
    found: DatasetInfo = importlib.import_module(_MODULES[name]).INFO
    return found


def benchmarks() -> tuple[str, ...]:
    """Return the data sets that models can be scored on."""
    return tuple(name for name in _MODULES if {"benchmark", "split"} & set(info(name).uses))


def training_sets() -> tuple[str, ...]:
    """Return the data sets that models can be trained on."""
    return tuple(name for name in _MODULES if info(name).downloaded or info(name).record_sets())


def folder_sets() -> tuple[str, ...]:
    """Return the data sets that the user has in a folder: all but those that the workflow downloads."""
    return tuple(name for name in _MODULES if not info(name).downloaded)


def record_sets() -> tuple[str, ...]:
    """Return the folders of training records that the sets of :func:`folder_sets` can give, such as ``disfa-fold1``."""
    return tuple(records for name in folder_sets() for records in info(name).record_sets())


def people_of(name: str) -> str:
    """Return the data set whose names of people a set uses: DISFA for DISFA+, whose subjects are some of DISFA's."""
    return info(name).shares_people_with or name


def may_share_videos(one: str, other: str) -> bool:
    """Return whether a set holds videos of another one: Aff-Wild2 those of Aff-Wild, in part under other names.

    Args:
        one: Name of a data set.
        other: Name of another one.
    """
    return one != other and (info(one).shares_videos_with == other or info(other).shares_videos_with == one)


def recognize(path: Path) -> str | None:
    """Return the name of the first data set whose layout a folder (or table) has; None where it has none of them."""
    for name in _MODULES:
        one = info(name)
        may_be_root = path.is_dir() or (one.table_as_root and path.is_file())
        if may_be_root and one.recognize is not None and one.recognize(path):
            return name
    return None
