"""Digests of the code that decides what a stage writes, so that a changed module re-runs just the stages it affects.

The digest of a stage covers the modules that it imports and that it names as decisive
(:func:`affectflow.core.stage.stage`). What is hashed is what runs: comments, docstrings, blank lines, the wording of
user errors and of log lines are left out, and the digest is the same on every Python version. Modules are read, never
imported.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PACKAGE = "affectflow"
ROOT = Path(__file__).parent.parent
_DOCSTRING_OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_DATA = (".yaml", ".csv", ".json")
_LOGGERS = ("log", "logger", "logging")

NEUTRAL = {
    "core": "errors, files, cache keys, logs, parallel work, resuming after interruptions change no content",
    "contracts": "form of JSON files, named by the stages that write them; what these say is decided by the stages",
    "config": "values reach a stage as parameters, which re-run it themselves",
    "datasets.__init__": "the registry: the module that reads a data set is in the digest of the stages that open it",
    "cluster": "where and how long a job runs does not change what it writes",
    "media.process_settings": "limits and thread counts of libraries, kept while a call lasts, change no pixel",
    "tables.csv_files": "writes and reads any cell exactly; a table's columns belong to the stage that writes it",
    "tables.parquet": "writes and reads any value exactly; a table's schema belongs to the stage that writes it",
    "tables.arrow": "equal to pyarrow.array, which a test asserts",
    "tables.files": "which files are read reaches a stage as its input",
    "training.__init__": "sets Keras's backend, the same for all; versions of Keras are in the key of a training",
}
"""Modules and rooms that re-run nothing, with the reason; a stage may still name one of them as decisive."""

Span = tuple[tuple[int, int], tuple[int, int]]


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
    own = _runs_of_function(module, function)
    return hashlib.sha256(f"{own}\n{modules_digest(*found)}".encode()).hexdigest()[:20]


def is_decisive(module: str, decides: Iterable[str]) -> bool:
    """Whether a module, named in full, is among the declared ones, and not neutral unless it is named itself."""
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
    """Return the package's modules that a function imports, directly or not, in order, without empty packages."""
    body = next(
        node
        for node in ast.parse(_path(module).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    found = _closure(frozenset([*_imports(body, module.rpartition(".")[0]), *more]))
    return sorted(name for name in found if _of_module(name).runs.strip() or _data_of(name))


@dataclass(frozen=True, slots=True)
class _Code:
    """What runs of a file, and the modules of the package that it imports: anywhere, and when it is imported itself."""

    runs: str
    imports: frozenset[str]
    on_import: frozenset[str]


@cache
def _read(path: Path, package: str) -> _Code:
    """Read a file in ``package``, once."""
    return _parse(path.read_text(encoding="utf-8"), package)


@cache
def _parse(source: str, package: str) -> _Code:
    tree = ast.parse(source)
    at_the_top = ast.Module([node for node in tree.body if not isinstance(node, _DOCSTRING_OWNERS)], [])
    return _Code(what_runs(source, tree), frozenset(_imports(tree, package)), frozenset(_imports(at_the_top, package)))


def _imports(tree: ast.AST, package: str) -> set[str]:
    names: set[str] = set()
    for node in _walk_what_runs(tree):
        for name in _names(node, package):
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                known = [n for i in range(2, len(parts) + 1) if _exists(n := ".".join(parts[:i]))]
                names.update(known[-1:])
    return names


def _walk_what_runs(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the blocks that only type checkers read."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _runs_of_function(module: str, function: str) -> str:
    source = _path(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    lines = source.splitlines(keepends=True)[body.lineno - 1 : body.end_lineno]
    return what_runs("".join(lines))


def what_runs(source: str, tree: ast.Module | None = None) -> str:
    """Return ``source`` without comments, docstrings, blank lines, and the wording of user errors and log lines.

    Args:
        source: Python code.
        tree: The same, where it is parsed already.
    """
    hidden = _hidden_spans(source, tree or ast.parse(source))
    lines = source.splitlines()
    kept: list[str] = []
    previous: tuple[int, int] | None = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            continue
        if token.type == tokenize.NEWLINE:
            if previous is not None:
                kept.append("\n")
            previous = None
            continue
        if any(start <= token.start and token.end <= end for start, end in hidden):
            continue
        if previous is None:
            kept.append(" " * token.start[1])
        elif previous[0] == token.start[0]:
            between = lines[token.start[0] - 1][previous[1] : token.start[1]]
            kept.append(between if between.isspace() else "")
        else:
            kept.append(" ")
        kept.append(token.string)
        previous = token.end
    return "".join(kept)


def _hidden_spans(source: str, tree: ast.Module) -> list[Span]:
    utf8 = [line.encode() for line in source.splitlines()]

    def place(line: int, offset: int) -> tuple[int, int]:
        return line, len(utf8[line - 1][:offset].decode())  # ast counts bytes, tokenize characters

    def span(first: ast.expr, last: ast.expr) -> Span:
        assert last.end_lineno is not None and last.end_col_offset is not None
        return place(first.lineno, first.col_offset), place(last.end_lineno, last.end_col_offset)

    spans = []
    for node in ast.walk(tree):
        if isinstance(node, _DOCSTRING_OWNERS) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            assert isinstance(text, ast.Expr)
            spans.append(span(text.value, text.value))
        elif isinstance(node, ast.Call) and node.args and _is_user_error(node.func):
            spans.append(span(node.args[0], node.args[-1]))
        elif isinstance(node, ast.Expr) and isinstance(call := node.value, ast.Call) and _is_log_line(call):
            spans.append(span(call, call))
    return spans


def _is_user_error(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id == "UserError"


def _is_log_line(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.value.id in _LOGGERS
    return False


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


def _of_module(name: str) -> _Code:
    path = _path(name)
    return _read(path, name if path.name == "__init__.py" else name.rpartition(".")[0])


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            base = importlib.util.resolve_name("." * node.level + base, package)
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _exists(name: str) -> bool:
    return _path(name).is_file()


def _path(name: str) -> Path:
    base = ROOT.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
