"""Mistakes in the words given to snakemake that it takes in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from affectflow.config import read
from affectflow.core.errors import UserError

_CONFIGFILE = ("--configfile", "--configfiles")


def check_command_line(words: Sequence[str]) -> None:
    """Raise :class:`UserError` where ``--configfile`` is given twice, of which snakemake would use the last alone."""
    before_targets = words[: words.index("--")] if "--" in words else words
    given = [number for number, word in enumerate(before_targets) if word.partition("=")[0] in _CONFIGFILE]
    if len(given) < 2:
        return
    files = [file for number in given for file in _values(before_targets, number)]
    raise UserError(
        "Snakemake uses only the last of several --configfile options; give all files after one, later files override "
        "earlier ones: "
        f"--configfile {' '.join(files)}"
    )


def _values(words: Sequence[str], number: int) -> Iterable[str]:
    _, equals, value = words[number].partition("=")
    if equals:
        return [value]
    rest = words[number + 1 :]
    end = next((i for i, word in enumerate(rest) if word.startswith("-")), len(rest))
    return [word for word in rest[:end] if word.endswith((".yaml", ".yml", ".json"))]


def check_configuration_files(files: Iterable[str | Path]) -> None:
    """Raise :class:`UserError` where a configuration file has a key twice, of which snakemake would lose the first."""
    for file in files:
        if str(file).endswith((".yaml", ".yml")):
            read(file)


def configuration_files(words: Sequence[str]) -> list[str]:
    """Return the configuration files that snakemake's command line names, or the study's own."""
    numbers = [number for number, word in enumerate(words) if word.partition("=")[0] in _CONFIGFILE]
    return [file for number in numbers for file in _values(words, number)] or [
        name for name in ("config.yaml",) if Path(name).is_file()
    ]


def retyped(values: object) -> object:
    """Return the values of ``--config``, inside of which snakemake leaves numbers as texts."""
    if isinstance(values, dict):
        return {key: retyped(value) for key, value in values.items()}
    if isinstance(values, list):
        return [retyped(value) for value in values]
    return yaml.safe_load(values) if isinstance(values, str) and values else values
