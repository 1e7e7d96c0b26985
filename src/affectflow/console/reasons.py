"""Why a job runs, in a few words, from the text that Snakemake gives as its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PARAMS = re.compile(
    r"Params have changed since last execution: Union of exclusive params before and now across all output: "
    r"before: (?P<before>.*) now: (?P<now>.*?) (?:;|\)|$)",
    re.DOTALL,
)
_FILES = re.compile(r"(Updated input files): ([^;]*)")
FIRST = "it has no result yet"
_NOTHING = "<nothing exclusive>"
_MOST_FILES, _MOST_CHANGES, _LONGEST = 2, 3, 40
_DIGEST = re.compile(r"[0-9a-f]{20}|[0-9a-f]{64}")
_NAMES = {
    "code": "affectflow's code",
    "content": "the data set",
    "split": "the split",
    "root": "the folder",
}
"""Params that are no setting."""


def why(reason: str, params: Mapping[str, Any]) -> str:
    """Return a reason in a few words.

    Args:
        reason: As Snakemake words it.
        params: What the job's params are now, by name, or by key of the configuration.
    """
    if reason.startswith("Forced"):
        return "it was asked for"
    if "Incomplete output files" in reason:
        return "it was interrupted before"
    found = list(_changes(reason, params))
    if not found and "Missing output files" in reason:
        return FIRST
    if not found and "Input files updated by another job" in reason:
        return "its input was made again"
    return "; ".join(found) or reason[:_LONGEST]


def _changes(reason: str, params: Mapping[str, Any]) -> Iterator[str]:
    if found := _PARAMS.search(reason):
        yield from _of_params(_values(found["before"]), _values(found["now"]), params)
    if found := _FILES.search(reason):
        files = [file for file in found[2].split(", ") if file]
        if files:
            more = f" and {len(files) - _MOST_FILES} more" if len(files) > _MOST_FILES else ""
            yield f"{', '.join(files[:_MOST_FILES])}{more} changed"
    if "Set of input files has changed" in reason:
        yield "it has other input files"
    if "Code has changed" in reason:
        yield "its code changed"
    if "Software environment" in reason:
        yield "its software environment changed"


def _values(text: str) -> list[Any]:
    """Return the values of a list that Snakemake joined with commas."""
    if text == _NOTHING:
        return []
    try:
        return list(ast.literal_eval(f"({text},)"))
    except (SyntaxError, ValueError):
        return []


def _of_params(before: list[Any], now: list[Any], params: Mapping[str, Any]) -> Iterator[str]:
    """Name the new values, with the old one where it is the only one of its kind (Snakemake keeps no names)."""
    said: list[str] = []
    for value in now:
        name = next((name for name, one in params.items() if one == value and type(one) is type(value)), "")
        olds, news = ([one for one in values if _kind(one) == _kind(value)] for values in (before, now))
        paired = len(olds) == len(news) == 1
        said += _change(name, olds[0] if paired else None, value, known=paired)
    if before and not now:
        said.append("a setting is gone")
    yield from said[:_MOST_CHANGES]
    if len(said) > _MOST_CHANGES:
        yield f"{len(said) - _MOST_CHANGES} more settings changed"


def _change(name: str, old: Any, new: Any, known: bool) -> list[str]:
    if isinstance(new, dict) and isinstance(old, dict):
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return [change for key in keys for change in _change(str(key), old.get(key), new.get(key), known=True)]
    named = _NAMES.get(name) or name or "a setting"
    texts = [repr(one) if isinstance(one, str) else str(one) for one in (old, new)]
    if _kind(new) == "digest" or max(map(len, texts)) > _LONGEST:
        return [f"{named} changed"]
    return [f"{named} was {texts[0]}, is {texts[1]}" if known else f"{named} is {texts[1]} now"]


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "digest" if _DIGEST.fullmatch(value) else "text"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__
