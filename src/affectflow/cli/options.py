"""How commands are declared: a name, a function, a help text and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from affectflow.core.errors import UserError

Commands = Any
"""What ``add_subparsers`` returns."""
Command = Callable[[argparse.Namespace], None]
Option = tuple[str, dict[str, Any]]

_CONFIGURATIONS = Path("config.yaml"), Path("config/config.yaml")
"""What snakemake reads by itself: in a study's folder, or in affectflow's repository."""


def option(name: str, help: str | None = None, **settings: Any) -> Option:
    """Declare an option or, without dashes, a positional argument, with argparse's own settings."""
    return name, {**settings, **({"help": help} if help else {})}


def path(name: str, help: str | None = None, **settings: Any) -> Option:
    """Declare one that takes a path; with dashes it is required unless there is a default."""
    if name.startswith("--") and "default" not in settings:
        settings["required"] = True
    return option(name, help, type=Path, **settings)


CONFIGFILE = path(
    "--configfile",
    "a configuration; may be repeated, and the last has the last word; this folder's by default",
    action="append",
    default=[],
)


def add_command(commands: Commands, name: str, command: Command, help: str, *options: Option) -> None:
    """Add a command."""
    parser = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
    for flag, settings in options:
        parser.add_argument(flag, **settings)
    parser.set_defaults(command=command)


def configuration(options: argparse.Namespace) -> dict[str, Any]:
    """Return the configuration of a command: of the files that it names, or of this folder, or the defaults."""
    from affectflow import config

    here = [file for file in _CONFIGURATIONS if file.is_file()]
    return config.load(*(options.configfile or here[:1]))


def positive(text: str) -> int:
    """Convert a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def check_exists(file: Path, remedy: str) -> None:
    """Raise :class:`UserError` where a file does not exist."""
    if not file.exists():
        raise UserError(f"{file} does not exist; {remedy}.")
