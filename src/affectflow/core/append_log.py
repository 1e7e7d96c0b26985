"""A file of one annotator's to which lines of JSON are appended, each on the disk before it counts.

Whatever ends the process costs at most the line that it was writing. The first line says what the file is, so that
:mod:`affectflow.annotation.formats` knows it among those of other tools.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from affectflow.core.errors import UserError

FORM = "affectflow-annotation"
VERSION = 1
_NAME = re.compile(r"\w[\w .@+-]{0,63}")


class AppendLog(ABC):
    """One process has it at a time; the file begins with the first line."""

    file_name: str
    """Within the annotator's folder."""
    of: str
    """What is annotated, as the first line says it."""

    def __init__(self, path: Path, annotator: str) -> None:
        """Raises :class:`UserError` where another process writes it, or it is no such file."""
        self._path, self._annotator = path, annotator
        self._stream: io.FileIO | None = None
        if path.exists():
            self._open()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    @abstractmethod
    def _restore(self, lines: Sequence[str]) -> None:
        """Take up what the file holds; raises :class:`UserError` for what it cannot hold."""

    def _open(self) -> io.FileIO:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            stream = io.FileIO(self._path, "a+")
        except OSError as error:
            raise UserError(f"{self._path} cannot be written ({error.strerror}); choose another folder.") from None
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise UserError(f"{self._path} is being written by another annotation server; end that first.") from None
        stream.seek(0)
        data = stream.readall()
        try:
            self._restore(whole_lines(self._path, data))
        except UserError:
            stream.close()
            raise
        stream.truncate(data.rfind(b"\n") + 1)  # what a kill broke off
        self._stream = stream
        return stream

    def _append(self, facts: Mapping[str, Any]) -> None:
        """Raises :class:`UserError` where it cannot be kept; then it does not come back later."""
        made = {**facts, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        stream = self._stream or self._open()
        end = stream.seek(0, os.SEEK_END)
        first = {FORM: VERSION, "of": self.of, "annotator": self._annotator}
        data = b"".join(json.dumps(line).encode() + b"\n" for line in ([first] if end == 0 else []) + [made])
        try:
            if stream.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(stream.fileno())
        except OSError as error:
            stream.truncate(end)
            raise UserError(f"{self._path} cannot be written ({error.strerror}).") from None


def whole_lines(path: Path, data: bytes) -> list[str]:
    """All but one that was broken off; raises :class:`UserError` for what is no UTF-8."""
    try:
        return data[: data.rfind(b"\n") + 1].decode().split("\n")[:-1]
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text any more; restore the file.") from None


def facts_of(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each line but the first, with its number; raises :class:`UserError` for what is no such line."""
    for number, line in enumerate(lines, start=1):
        try:
            facts = json.loads(line)
        except ValueError as error:
            raise broken(path, number, error) from None
        if not isinstance(facts, dict) or (number == 1 and facts.get(FORM) != VERSION):
            raise broken(path, number, "not of this version")
        if number > 1:
            yield number, facts


def broken(path: Path, number: int, reason: object) -> UserError:
    """The error of a line."""
    return UserError(f"{path}, line {number}: it is no line of an annotation ({reason}); restore the file.")


def place_of(folder: Path, annotator: str, file_name: str) -> Path:
    """Where an annotator's file lies; raises :class:`UserError` for what cannot be a name."""
    if not _NAME.fullmatch(annotator):
        raise UserError(f"{annotator[:70]!r} cannot be a name; use up to 64 letters, digits, spaces and . @ + - _.")
    return folder / annotator / file_name
