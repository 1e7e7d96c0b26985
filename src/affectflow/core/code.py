"""A digest of the code that a stage executes, so that a changed module re-runs just the stages that use it.

A script's import closure inside this package is found by reading it, not by running it. What is hashed is what
runs: comments, docstrings and blank lines are left out, and the digest is the same on every Python version.
Standard library only, because every job computes it while it parses the workflow.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PACKAGE = "affectflow"
_ROOT = Path(__file__).parent.parent
_DOCSTRING_OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(script: Path, *modules: str) -> str:
    """Hex digest of ``script``, of everything in the package that it imports, and of ``modules``.

    ``modules`` names what the script imports by a computed name, such as the module of one data set. Data files
    of an imported sub-package count as part of it.
    """
    own = _read(script, "")
    imported = modules_digest(*modules, *own.imports)
    return hashlib.sha256(f"{own.runs}\n{imported}".encode()).hexdigest()[:20]


def modules_digest(*modules: str) -> str:
    """Hex digest of modules of the package and of everything in it that they import."""
    digest = hashlib.sha256()
    for name in sorted(_closure(frozenset(modules))):
        digest.update(name.encode())
        digest.update(_module_digest(name).encode())
    return digest.hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class _Code:
    """What runs of a file, and the modules of the package that it imports anywhere, with the packages above them."""

    runs: str
    imports: frozenset[str]


@cache
def _read(path: Path, package: str) -> _Code:
    """Of a file in ``package``, which is read and parsed once."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    names: set[str] = set()
    for node in ast.walk(tree):
        for name in _names(node, package):
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                names.update(n for i in range(1, len(parts) + 1) if _exists(n := ".".join(parts[:i])))
    return _Code(what_runs(source, tree), frozenset(names))


def what_runs(source: str, tree: ast.Module | None = None) -> str:
    """``source``, which is ``tree`` where it is parsed already, without comments, docstrings and blank lines."""
    hidden = _docstring_spans(source, tree or ast.parse(source))
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
        # Nothing but strings lies in a docstring, and of all tokens few are strings.
        if token.type == tokenize.STRING and any(start <= token.start and token.end <= end for start, end in hidden):
            continue
        if previous is None:
            kept.append(" " * token.start[1])
        elif previous[0] == token.start[0]:
            kept.append(lines[token.start[0] - 1][previous[1] : token.start[1]])
        else:
            kept.append(" ")
        kept.append(token.string)
        previous = token.end
    return "".join(kept)


def _docstring_spans(source: str, tree: ast.Module) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    spans = set()
    utf8 = [line.encode() for line in source.splitlines()]

    def column(line: int, offset: int) -> int:
        return len(utf8[line - 1][:offset].decode())  # ast counts bytes, tokenize characters

    for node in ast.walk(tree):
        if isinstance(node, _DOCSTRING_OWNERS) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            assert isinstance(text, ast.Expr)
            value = text.value
            assert value.end_lineno is not None and value.end_col_offset is not None
            spans.add(
                (
                    (value.lineno, column(value.lineno, value.col_offset)),
                    (value.end_lineno, column(value.end_lineno, value.end_col_offset)),
                )
            )
    return spans


@cache
def _closure(names: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _of_module(name).imports
    return frozenset(found)


@cache
def _module_digest(name: str) -> str:
    digest = hashlib.sha256(_of_module(name).runs.encode())
    path = _path(name)
    if path.name == "__init__.py" and name != _PACKAGE:
        for data in sorted(path.parent.iterdir()):
            if data.suffix in (".yaml", ".csv", ".json"):
                digest.update(data.name.encode() + data.read_bytes())
    return digest.hexdigest()


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
    base = _ROOT.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
