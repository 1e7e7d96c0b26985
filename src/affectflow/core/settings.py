"""Typed settings of the configuration: their base, and types that come up often."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A map of the configuration: no unknown keys, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=(), allow_inf_nan=False)


def unique(values: Any) -> Any:
    """Return a list as it is; raise :class:`ValueError` where it names something twice."""
    if isinstance(values, list) and len({str(value) for value in values}) < len(values):
        raise ValueError("it names something twice")
    return values


def canonical_path(path: str) -> str:
    """Return the one spelling of a path, so that another spelling of the same place re-runs nothing.

    ``~`` and variables such as ``$HOME`` are expanded. Below the working directory it is relative, elsewhere absolute;
    symbolic links are kept.
    """
    if "\0" in path:
        raise ValueError("no path has a null character")
    full = os.path.abspath(os.path.expanduser(os.path.expandvars(path)))
    for here in _working_directories():
        if full == here or full.startswith(os.path.join(here, "")):
            return os.path.relpath(full, here)
    return full


def _working_directories() -> list[str]:
    """Return the working directory by its own name, and by the name of a symbolic link that the shell went through."""
    here, logical = os.getcwd(), os.environ.get("PWD", "")
    same = os.path.isabs(logical) and os.path.isdir(logical) and os.path.samefile(logical, here)
    return [here, os.path.normpath(logical)] if same else [here]


Text = Annotated[str, Field(min_length=1)]
PathText = Annotated[str, Field(min_length=1), AfterValidator(canonical_path)]
"""A file or folder, as :func:`canonical_path` spells it."""
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Head = Literal["action_units", "intensities", "valence_arousal"]
