"""Read what runs of a source file, and what it imports, without importing it.

Comments, docstrings, blank lines, and the wording of user errors and log lines do not run. The answer is the same on
every Python version.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_DOCSTRING_OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_LOGGERS = ("log", "logger", "logging")
Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Source:
    """What runs of a file or function, and the names that it imports: anywhere, and when it is imported itself.

    A name may be of a module, or of something in a module: ``package.module.function``.
    """

    runs: str
    imports: frozenset[str]
    on_import: frozenset[str]


def read_source(text: str, package: str) -> Source:
    """Return what a module says.

    Args:
        text: The module's source.
        package: The package that it is in, to which its relative imports refer.
    """
    tree = ast.parse(text)
    at_the_top = ast.Module([node for node in tree.body if not isinstance(node, _DOCSTRING_OWNERS)], [])
    return Source(what_runs(text, tree), _imports(tree, package), _imports(at_the_top, package))


def read_function(text: str, package: str, function: str) -> Source:
    """Return what one function at the top of a module says; arguments as for :func:`read_source`."""
    body = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == function)
    lines = text.splitlines(keepends=True)[body.lineno - 1 : body.end_lineno]
    return Source(what_runs("".join(lines)), _imports(body, package), frozenset())


def _imports(tree: ast.AST, package: str) -> frozenset[str]:
    return frozenset(name for node in _walk_what_runs(tree) for name in _names(node, package))


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


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            base = importlib.util.resolve_name("." * node.level + base, package)
        yield from (f"{base}.{alias.name}" for alias in node.names)
