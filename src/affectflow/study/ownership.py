"""Results belong to one study: to drawn or real data, and to the places that these lie at.

The first job writes ``results/study.json``. The workflow refuses a configuration of other data before it plans
anything, so that one that was named by mistake, or not named, overwrites nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from affectflow import datasets
from affectflow.contracts.study import StudyFile
from affectflow.core.errors import UserError
from affectflow.datasets import synthetic

STUDY = Path("results/study.json")
"""Relative to the working directory, as all results."""
_ELSEWHERE = (
    "run it in a folder of its own ('affectflow init FOLDER' makes one, 'snakemake --directory FOLDER' uses one)"
)
_TABLES, _ROOT = "tables", "root"

Roots = dict[str, list[str]]


def check_ownership(config: Mapping[str, Any]) -> None:
    """Raise :class:`UserError` where the results in the working directory were made from other data.

    Args:
        config: A complete configuration (:func:`affectflow.config.complete`).
    """
    _claimed(config)


def claim_results(config: Mapping[str, Any]) -> None:
    """Write down whose the results are, where that is not known yet; raises as :func:`check_ownership`."""
    claimed = _claimed(config)
    if claimed.roots and (not STUDY.is_file() or StudyFile.read(STUDY) != claimed):
        STUDY.parent.mkdir(parents=True, exist_ok=True)
        claimed.write(STUDY)


def _claimed(config: Mapping[str, Any]) -> StudyFile:
    """Return whose the results are with those of a configuration."""
    roots = _roots(config)
    of_one_kind = [path for name, paths in roots.items() if not datasets.info(name).open_to_drawn for path in paths]
    drawn = any(synthetic.is_drawn(Path(path)) for path in of_one_kind)
    kind: Literal["drawn", "real"] = "drawn" if drawn else "real"
    before = StudyFile.read(STUDY) if STUDY.is_file() else None
    if before is None and synthetic.DEMO.is_dir():
        before = StudyFile(data="drawn", roots={})  # the demo's, whose file was deleted
    if before is None or not roots:
        return before or StudyFile(data=kind, roots=roots if of_one_kind else {})
    if of_one_kind and before.data != kind:
        raise UserError(_other_kind(drawn, roots))
    for name, paths in roots.items():
        known = before.roots.get(name, ())
        if known and not set(known) & set(paths):  # a further table is the same study
            raise UserError(
                f"results/ was made from {_key(name)} {_quoted(known)}, and the configuration has {_quoted(paths)}; "
                f"{_ELSEWHERE}, or, if the same data has only moved, delete {STUDY}."
            )
    return StudyFile(data=kind if of_one_kind else before.data, roots={**before.roots, **roots})


def _roots(config: Mapping[str, Any]) -> Roots:
    """Return the places of the data sets that a configuration has."""
    found: Roots = {}
    for name in datasets.names():
        section = config["data"].get(name) or {}
        paths = section.get(_TABLES) or ([section[_ROOT]] if section.get(_ROOT) else [])
        if paths:
            found[name] = list(paths)
    return found


def _other_kind(drawn: bool, roots: Roots) -> str:
    if drawn:
        return (
            "results/ was made from your data, and the configuration that was read is the demo's (or names drawn "
            f"data); give yours with --configfile, or {_ELSEWHERE}."
        )
    name, paths = next(iter(roots.items()))
    return (
        f"results/ was made by the demo, from drawn data, and the configuration has {_key(name)} {_quoted(paths)}; "
        f"{_ELSEWHERE}, or delete results/."
    )


def _key(name: str) -> str:
    return datasets.info(name).root_key


def _quoted(paths: Any) -> str:
    return ", ".join(f"'{path}'" for path in paths)
