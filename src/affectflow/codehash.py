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
from functools import cache
from pathlib import Path

_PACKAGE = "affectflow"
_ROOT = Path(__file__).parent
_DOCSTRING_OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(script: Path, *modules: str) -> str:
    """Hex digest of ``script``, of everything in the package that it imports, and of ``modules``.

    ``modules`` names what the script imports by a computed name, such as the module of one data set. Data files
    of an imported sub-package count as part of it.
    """
    own = what_runs(script.read_text(encoding="utf-8"))
    imported = modules_digest(*modules, *_imported(script, package=""))
    return hashlib.sha256(f"{own}\n{imported}".encode()).hexdigest()[:20]


def modules_digest(*modules: str) -> str:
    """Hex digest of modules of the package and of everything in it that they import."""
    digest = hashlib.sha256()
    for name in sorted(_closure(frozenset(modules))):
        digest.update(name.encode())
        digest.update(_module_digest(name).encode())
    return digest.hexdigest()[:20]


def what_runs(source: str) -> str:
    """``source`` without comments, docstrings and blank lines."""
    hidden = _docstring_spans(source)
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
            kept.append(lines[token.start[0] - 1][previous[1] : token.start[1]])
        else:
            kept.append(" ")
        kept.append(token.string)
        previous = token.end
    return "".join(kept)


def _docstring_spans(source: str) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    spans = set()
    utf8 = [line.encode() for line in source.splitlines()]

    def column(line: int, offset: int) -> int:
        return len(utf8[line - 1][:offset].decode())  # ast counts bytes, tokenize characters

    for node in ast.walk(ast.parse(source)):
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
        if name in found:
            continue
        found.add(name)
        path = _path(name)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting |= _imported(path, package)
    return frozenset(found)


@cache
def _module_digest(name: str) -> str:
    path = _path(name)
    digest = hashlib.sha256(what_runs(path.read_text(encoding="utf-8")).encode())
    if path.name == "__init__.py" and name != _PACKAGE:
        for data in sorted(path.parent.iterdir()):
            if data.suffix in (".yaml", ".csv", ".json"):
                digest.update(data.name.encode() + data.read_bytes())
    return digest.hexdigest()


@cache
def _imported(path: Path, package: str) -> set[str]:
    """Modules of the package that a file imports anywhere, with the packages on the way to them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for name in _names(node, package):
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                names.update(n for i in range(1, len(parts) + 1) if _exists(n := ".".join(parts[:i])))
    return names


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
