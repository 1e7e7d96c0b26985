"""Find files by names as other programs and systems write them."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

_MAX_COMPARED = 20_000  # names, among which the nearest is looked for


def normalized(name: str) -> str:
    r"""Return a name with ``/`` for ``\``, without ``./``, in the composed form of Unicode."""
    text = unicodedata.normalize("NFC", name.strip().replace("\\", "/"))
    return os.path.normpath(text) if text else ""


class NameIndex:
    r"""Names that others are matched with.

    A name matches as it is; else with ``/`` for ``\`` and in any form of Unicode; else in any case of letters, where
    only one name is then equal. macOS decomposes letters with accents, and Windows writes ``\`` and any case.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._forms: dict[str, list[str]] = {}
        self._folded: dict[str, list[str]] = {}
        for name in names:
            self._exact.add(name)
            form = normalized(name)
            self._forms.setdefault(form, []).append(name)
            self._folded.setdefault(form.casefold(), []).append(name)

    @classmethod
    def of_folder(cls, folder: Path) -> NameIndex:
        """Return the files below a folder by their paths in it, without hidden ones."""
        return cls(files_below(folder))

    def find(self, name: str) -> str | None:
        """Return the name that one matches; None where there is none, or several."""
        if name in self._exact:
            return name
        form = normalized(name)
        for candidates in (self._forms.get(form), self._folded.get(form.casefold())):
            if candidates is not None:
                return candidates[0] if len(candidates) == 1 else None
        return None

    def nearest(self, name: str) -> str:
        """Return the most similar name for a message, "" where none is similar."""
        form = normalized(name).casefold()
        known = list(islice(self._folded, _MAX_COMPARED))
        same_file = [text for text in known if PurePosixPath(text).name == PurePosixPath(form).name]
        found = same_file or difflib.get_close_matches(form, known, n=1)
        return self._folded[found[0]][0] if found else ""


def files_below(folder: Path) -> Iterator[str]:
    """Yield the names of all files below a folder, relative to it and in order, but for hidden ones."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield os.path.relpath(os.path.join(parent, name), folder)
