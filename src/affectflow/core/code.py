"""Digests of the code that decides what a stage writes, so that a changed module re-runs just the stages it affects.

The digest of a stage covers the modules that it imports and that it names as decisive
(:func:`affectflow.core.stage.stage`). What is hashed is what runs (:mod:`affectflow.core.source`). Modules are read,
never imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from affectflow.core.source import Source, read_function, read_source
from affectflow.core.source_cache import recall

_PACKAGE = "affectflow"
ROOT = Path(__file__).parent.parent
_DATA = (".yaml", ".csv", ".json", ".j2", ".css", ".js")

NEUTRAL = {
    "core": "errors, files, cache keys, logs, parallel work, resuming after interruptions change no content",
    "contracts": "form of JSON files, named by the stages that write them; what these say is decided by the stages",
    "config": "values reach a stage as parameters, which re-run it themselves",
    "datasets.__init__": "the registry: the module that reads a data set is in the digest of the stages that open it",
    "cluster": "where and how long a job runs does not change what it writes",
    "media.process_settings": "limits and thread counts of libraries, kept while a call lasts, change no pixel",
    "tables.csv_files": "writes and reads any cell exactly; a table's columns belong to the stage that writes it",
    "tables.text": "opens any text exactly, or refuses it",
    "tables.cells": "numbers of other programs' tables: read exactly, or refused",
    "tables.delimited": "reads any cell exactly, or refuses the table",
    "tables.workbook": "reads any cell exactly, or refuses the workbook",
    "tables.xlsx": "reads any cell exactly, or refuses the workbook",
    "tables.parquet": "writes and reads any value exactly; a table's schema belongs to the stage that writes it",
    "tables.arrow": "equal to pyarrow.array, which a test asserts",
    "tables.files": "which files are read reaches a stage as its input",
    "training.__init__": "sets Keras's backend, the same for all; versions of Keras are in the key of a training",
}
"""Modules and rooms that re-run nothing, with the reason; a stage may still name one of them as decisive."""


def modules_digest(*modules: str) -> str:
    """Return the hex digest of modules of the package, named in full; imports are not followed."""
    digest = hashlib.sha256()
    for name in sorted(set(modules)):
        digest.update(name.encode())
        digest.update(_module_digest(name).encode())
    return digest.hexdigest()[:20]


def stage_digest(module: str, function: str, decides: Iterable[str], *more: str) -> str:
    """Return the hex digest of a stage: its own function and the decisive modules that it imports.

    Args:
        module: The module of the stage's function, in full.
        function: The function's name.
        decides: Modules or rooms without the package's name.
        more: Further modules, in full, that are imported by a computed name, such as that of one data set.
    """
    declared = tuple(decides)
    found = [name for name in closure_of(module, function, *more) if is_decisive(name, declared)]
    own = _of_function(module, function).runs
    return hashlib.sha256(f"{own}\n{modules_digest(*found)}".encode()).hexdigest()[:20]


def is_decisive(module: str, decides: Iterable[str]) -> bool:
    """Return whether a module is among the declared ones, and not neutral unless it is named itself.

    Args:
        module: The module, in full.
        decides: Modules or rooms without the package's name.
    """
    name = _short(module)
    return name in (declared := tuple(decides)) or (_below(name, declared) and not is_neutral(module))


def is_neutral(module: str) -> bool:
    """Whether a module, named in full, is on the list of modules that re-run nothing."""
    return _below(_short(module), NEUTRAL)


def _short(module: str) -> str:
    """Return a module's name without the package's; ``room.__init__`` of a room itself."""
    name = module.removeprefix(f"{_PACKAGE}.")
    return f"{name}.__init__" if _path(module).name == "__init__.py" else name


def _below(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def closure_of(module: str, function: str, *more: str) -> list[str]:
    """Return the package's modules that a function imports, directly or not, in order, without empty packages.

    Args:
        module: The module of the function, in full.
        function: The function's name.
        more: Further modules, in full, that count as imported.
    """
    own = _of_function(module, function)
    found = _closure(own.imports.union(more))
    return sorted(name for name in found if _of_module(name).runs.strip() or _data_of(name))


@cache
def _read(path: Path, package: str, function: str = "") -> Source:
    """Read a file in ``package``, or one function of it, once; what it imports are modules of the package."""
    content = path.read_bytes()

    def parse() -> Source:
        text = path.read_text(encoding="utf-8")
        return read_function(text, package, function) if function else read_source(text, package)

    found = recall(f"{hashlib.sha256(content).hexdigest()} {package} {function}", parse)
    return Source(found.runs, _modules(found.imports), _modules(found.on_import))


def _modules(names: Iterable[str]) -> frozenset[str]:
    """Return the modules of the package behind imported names, which may also be names of functions in a module."""
    modules: set[str] = set()
    for name in names:
        parts = name.split(".")
        if parts[0] == _PACKAGE:
            known = [n for i in range(2, len(parts) + 1) if _exists(n := ".".join(parts[:i]))]
            modules.update(known[-1:])
    return frozenset(modules)


@cache
def _closure(names: frozenset[str]) -> frozenset[str]:
    """Return modules with all that they import, and the packages above them with what these import when imported."""
    found: set[str] = set()
    above: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _of_module(name).imports
            for package in _packages_above(name):
                if package not in above:
                    above.add(package)
                    waiting |= _of_module(package).on_import
    return frozenset(found | above)


def _packages_above(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:i]) for i in range(2, len(parts)))


@cache
def _module_digest(name: str) -> str:
    digest = hashlib.sha256(_of_module(name).runs.encode())
    for data in _data_of(name):
        digest.update(data.name.encode() + data.read_bytes())
    return digest.hexdigest()


def _data_of(name: str) -> list[Path]:
    """Return the data files of a module: those it names, or all of a folder without other modules."""
    path = _path(name)
    siblings = sorted(path.parent.iterdir())
    data = [sibling for sibling in siblings if sibling.suffix in _DATA]
    if [sibling.name for sibling in siblings if sibling.suffix == ".py"] == ["__init__.py"]:
        return data
    runs = _of_module(name).runs
    return [one for one in data if one.name in runs]


@cache
def _of_module(name: str) -> Source:
    path = _path(name)
    return _read(path, name if path.name == "__init__.py" else name.rpartition(".")[0])


def _of_function(module: str, function: str) -> Source:
    return _read(_path(module), module.rpartition(".")[0], function)


@cache
def _exists(name: str) -> bool:
    return _path(name).is_file()


@cache
def _path(name: str) -> Path:
    base = ROOT.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
