"""Append-only log of one annotator: lines of JSON, each of which is on disk before it counts.

If the process is killed, at most the line that it was writing is lost. The first line identifies the file, so that
:mod:`affectflow.annotation.formats` can tell it from the files of other tools.
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
    """An append-only log that one process writes at a time; the file is created with its first line."""

    file_name: str
    """Name of the file in the annotator's folder."""
    of: str
    """What is annotated, as given in the first line."""

    def __init__(self, path: Path, annotator: str) -> None:
        """Open the log if the file exists.

        Raises:
            UserError: Another process is writing it, or it is not such a log.
        """
        self._path, self._annotator = path, annotator
        self._stream: io.FileIO | None = None
        if path.exists():
            self._open()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    @abstractmethod
    def _restore(self, lines: Sequence[str]) -> None:
        """Restore the state from the lines of the file; raises :class:`UserError` for an invalid line."""

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
            raise UserError(
                f"{self._path} is being written by another annotation server; stop that server first."
            ) from None
        stream.seek(0)
        data = stream.readall()
        try:
            self._restore(whole_lines(self._path, data))
        except UserError:
            stream.close()
            raise
        stream.truncate(data.rfind(b"\n") + 1)  # an incomplete last line of a killed process
        self._stream = stream
        return stream

    def _append(self, facts: Mapping[str, Any]) -> None:
        """Append a line; raises :class:`UserError` if it cannot be written, and then leaves no part of it."""
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
            raise UserError(
                f"{self._path} cannot be written ({error.strerror}); free disk space or check the permissions."
            ) from None


def whole_lines(path: Path, data: bytes) -> list[str]:
    """Return the complete lines; raises :class:`UserError` if they are not UTF-8."""
    try:
        return data[: data.rfind(b"\n") + 1].decode().split("\n")[:-1]
    except UnicodeDecodeError:
        raise UserError(f"{path} is damaged: it is not UTF-8 text; restore the file from a backup.") from None


def facts_of(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield number and content of each line but the first; raises :class:`UserError` for an invalid line."""
    for number, line in enumerate(lines, start=1):
        try:
            facts = json.loads(line)
        except ValueError as error:
            raise broken(path, number, error) from None
        if not isinstance(facts, dict) or (number == 1 and facts.get(FORM) != VERSION):
            raise broken(path, number, "it has another version")
        if number > 1:
            yield number, facts


def broken(path: Path, number: int, reason: object) -> UserError:
    """Return the error for an invalid line."""
    return UserError(
        f"{path}, line {number}: this is not a line of an annotation log ({reason}); restore the file from a backup."
    )


def place_of(folder: Path, annotator: str, file_name: str) -> Path:
    """Return the path of an annotator's log; raises :class:`UserError` if the name is invalid."""
    if not _NAME.fullmatch(annotator):
        raise UserError(f"{annotator[:70]!r} is not a valid name; use up to 64 letters, digits, spaces and . @ + - _.")
    return folder / annotator / file_name
