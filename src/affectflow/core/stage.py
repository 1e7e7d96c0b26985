"""Stages: typed functions that both a rule of the workflow and a command run.

A stage is declared once, as a function in a room's ``stages.py``. Its parameters are the names of its input and output
files, of its wildcards and of its settings; annotations say what they are. The workflow fills them by name from the
rule that runs it, the command line from its options, and both take settings from the configuration.

    @stage("records.assemble", "media.near_duplicates")
    def assemble_samples(
        labels: Path,
        samples: Output,
        shards: Annotated[int, Setting("records.shards")],
    ) -> str: ...

``@stage`` names the modules, or whole rooms, that decide the bytes of the outputs. Only these are in the digest that
re-runs the stage when its code changes (:mod:`affectflow.core.code`).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from affectflow.core.code import stage_digest

Result = str | None
"""What a stage returns: a summary for the log and for the terminal, or nothing."""
Stage = Callable[..., Result]
Function = TypeVar("Function", bound=Stage)
DECIDES = "decides"
"""Attribute that a stage has, and no other function."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The dotted key of the configuration that a parameter has its value from.

    An untracked setting does not decide what the stage writes, and re-runs nothing when it changes.
    """

    key: str
    tracked: bool = True


_OUTPUT = "output"
Output = Annotated[Path, _OUTPUT]
"""A file that the stage writes."""


def stage(*decides: str) -> Callable[[Function], Function]:
    """Declare a function a stage, and the modules (below ``affectflow``) that decide what it writes."""

    def declare(function: Function) -> Function:
        setattr(function, DECIDES, decides)
        return function

    return declare


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a stage.

    Attributes:
        name: As in the function.
        type: Its annotation without ``Annotated``.
        setting: The configuration's key, None where the value is given otherwise.
        output: Whether it is a file that the stage writes.
        default: ``inspect.Parameter.empty`` where there is none.
    """

    name: str
    type: Any
    setting: Setting | None
    output: bool
    default: Any

    def convert(self, value: Any) -> Any:
        """Convert a rule's or an option's value to the parameter's type.

        Snakemake has texts for paths and wildcards, and an empty list for a file that is not needed.
        """
        if isinstance(value, (list, tuple)) and not value and type(None) in get_args(self.type):
            return None
        if hasattr(value, "_plainstrings"):  # Snakemake's lists of files
            value = value._plainstrings()
        from pydantic import TypeAdapter  # takes a while, and is not needed to list the commands

        return TypeAdapter(self.type).validate_python(value)


@cache
def parameters(function: Stage) -> Mapping[str, Parameter]:
    """Return the parameters of a stage by name, in order."""
    hints = get_type_hints(function, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints[name]
        extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        setting = next((extra for extra in extras if isinstance(extra, Setting)), None)
        found[name] = Parameter(name, hint, setting, is_output(hint), parameter.default)
    return found


def is_output(annotation: Any) -> bool:
    """Return whether a parameter of this type, or of one of these types, is a file that is written."""
    return _OUTPUT in getattr(annotation, "__metadata__", ()) or any(map(is_output, get_args(annotation)))


def address(function: Stage) -> str:
    """Return ``module:function``, by which :func:`find` gets the stage again."""
    return f"{function.__module__}:{function.__name__}"


def find(stage_address: str) -> Stage:
    """Return the stage of an :func:`address`."""
    module, _, name = stage_address.partition(":")
    function: Stage = getattr(importlib.import_module(module), name)
    return function


def decides_of(function: Stage) -> tuple[str, ...]:
    """Return the modules and rooms that a stage declares as decisive, without the package's name."""
    declared: tuple[str, ...] = getattr(function, DECIDES)
    return declared


def code_of(function: Stage, *more: str) -> str:
    """Return the digest of the code that decides what a stage writes; ``more`` are further modules, in full."""
    return stage_digest(function.__module__, function.__name__, decides_of(function), *more)


def setting_of(config: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key.

    Args:
        config: The configuration.
        key: The key, such as ``demo.seed``.
    """
    value: Any = config
    for part in key.split("."):
        value = value[part]
    return value


def settings_of(function: Stage, config: Mapping[str, Any], untracked: bool = False) -> dict[str, Any]:
    """Return the values that a stage takes from the configuration, by parameter.

    Args:
        function: The stage.
        config: The configuration.
        untracked: Whether untracked settings are returned, too.
    """
    return {
        parameter.name: setting_of(config, parameter.setting.key)
        for parameter in parameters(function).values()
        if parameter.setting is not None and (parameter.setting.tracked or untracked)
    }
