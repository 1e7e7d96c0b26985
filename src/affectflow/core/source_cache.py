"""Remember what source files say, beside the files that Python compiles them to.

Parsing all of the package takes a second or more, and every start of snakemake needs it; on a cluster, that is twice
for each job. The cache is a file in ``__pycache__``, and like Python's own it is not written where that is switched off
(``PYTHONDONTWRITEBYTECODE``) or the folder may not be written; then every start parses anew.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from affectflow.core import source
from affectflow.core.source import Source

_MAX_ENTRIES = 2000
"""With more, those of former versions of the code are dropped."""


def recall(key: str, parse: Callable[[], Source]) -> Source:
    """Return what was remembered by a key; else parse, and remember it.

    Args:
        key: The key, which includes the digest of the content.
        parse: Called where nothing is remembered.
    """
    return _cache().recall(key, parse)


class SourceCache:
    """What is remembered in one file.

    Args:
        path: JSON file. What cannot be read is taken as empty.
        version: Of the form of entries and of the code that makes them; entries of another version are not used.
    """

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        self._version = version
        self._entries: dict[str, tuple[str, list[str], list[str]]] = self._load()
        self._used: set[str] = set()
        self._is_changed = False

    def _load(self) -> dict[str, tuple[str, list[str], list[str]]]:
        try:
            content = json.loads(self._path.read_bytes())
            return dict(content["entries"]) if content["version"] == self._version else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def recall(self, key: str, parse: Callable[[], Source]) -> Source:
        """Return what was remembered by a key, or parse; arguments as in :func:`recall`."""
        self._used.add(key)
        if key not in self._entries:
            found = parse()
            self._entries[key] = (found.runs, sorted(found.imports), sorted(found.on_import))
            self._is_changed = True
        runs, imports, on_import = self._entries[key]
        return Source(runs, frozenset(imports), frozenset(on_import))

    def save(self) -> None:
        """Write the file where anything is new; nothing happens where it cannot be written."""
        if not self._is_changed or sys.dont_write_bytecode:
            return
        is_full = len(self._entries) > _MAX_ENTRIES
        kept = {key: entry for key, entry in self._entries.items() if key in self._used or not is_full}
        text = json.dumps({"version": self._version, "entries": kept})
        # Jobs of a cluster that start together write it together, so each has a temporary file of its own.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            partial = self._path.with_name(f".{self._path.name}.{socket.gethostname()}.{os.getpid()}")
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, self._path)


@cache
def _cache() -> SourceCache:
    compiled = Path(importlib.util.cache_from_source(__file__))
    version = hashlib.sha256(Path(source.__file__).read_bytes()).hexdigest()
    found = SourceCache(compiled.with_name("affectflow_sources.json"), version)
    atexit.register(found.save)
    return found
