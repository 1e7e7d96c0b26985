"""Append-only log files that survive a kill at any byte.

:class:`AppendFile` is what all logs share: one writer at a time, a torn last line dropped, a full disk reported. A log
that does not flush each line to the disk frames its lines with a checksum (:func:`frame`, :func:`framed_lines`), so
that lines which a power failure damaged are skipped. :class:`AppendLog` is the log of one annotator: lines of JSON,
each flushed to the disk, after a header by which :mod:`affectflow.annotation.formats` recognizes the file.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from affectflow.core.errors import UserError

FORM = "affectflow-annotation"
"""The key of the header line, with the format's version as value."""
VERSION = 1
_NAME = re.compile(r"\w[\w .@+-]{0,63}")
_BLOCK = 1 << 16
_FRAME = b'{"crc32": "%08x", %b\n'
FRAME_LENGTH = 22
"""Bytes of a framed line before its entry."""


class AppendFile:
    """A locked file to which lines are appended; an incomplete line is never kept."""

    def __init__(self, path: Path, writer: str, sync: bool) -> None:
        """Open and lock a file; its content is not changed before the first :meth:`append`.

        Args:
            path: The file; it and its folder are created if missing.
            writer: What writes such files, for the message when another process holds the lock.
            sync: Whether each line is flushed to the disk, which protects it from a power failure and takes
                milliseconds. A kill of the process costs no complete line either way.

        Raises:
            UserError: If the file cannot be written, or another process is writing it.
        """
        self._path, self._sync = path, sync
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = io.FileIO(path, "a+")
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end = self._end_of_lines()
        except OSError as error:
            self._stream.close()
            if isinstance(error, BlockingIOError):
                raise UserError(f"{path} is being written by another {writer}; wait for it, or end it.") from None
            raise self._unwritable(error) from None
        self._torn = True  # until the first append has dropped what may follow the last complete line

    @property
    def is_empty(self) -> bool:
        """Whether there is no complete line."""
        return self._end == 0

    def read(self) -> bytes:
        """Read the whole file, including a torn last line."""
        self._stream.seek(0)
        return self._stream.readall()

    def append(self, data: bytes) -> None:
        """Append complete lines; raise :class:`UserError` and leave the file as it was if that fails."""
        if self._sync and not self._is_in_place():
            raise UserError(f"{self._path} was moved or deleted while it was open; put it back, or start again.")
        try:
            if self._torn:
                self._stream.truncate(self._end)
                self._torn = False
            if self._stream.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._sync:
                os.fsync(self._stream.fileno())
        except OSError as error:
            with suppress(OSError):
                self._stream.truncate(self._end)
            raise self._unwritable(error) from None
        self._end += len(data)

    def _is_in_place(self) -> bool:
        """Return whether the path still leads to the open file, or what is appended would be lost with it."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._stream.fileno()))
        except OSError:
            return False

    def close(self) -> None:
        """Close the file, which also unlocks it."""
        self._stream.close()

    def _end_of_lines(self) -> int:
        """Find the position after the last newline, from the end of the file."""
        end = self._stream.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _BLOCK)
            self._stream.seek(start)
            newline = self._stream.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
        return 0

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"{self._path} cannot be written ({error.strerror}); free disk space or use another folder, and try again."
        )


def frame(entry: str) -> bytes:
    """Make a line of JSON from an object's text, with the CRC-32 of all that follows it as the first member."""
    rest = entry[1:].encode()
    return _FRAME % (zlib.crc32(rest), rest)


def framed_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the position in bytes and the text of each line made by :func:`frame`; skip torn and damaged lines."""
    position = 0
    with path.open("rb") as stream:
        for line in stream:
            rest = line[FRAME_LENGTH:-1]
            if line == _FRAME % (zlib.crc32(rest), rest):
                yield position, line
            position += len(line)


class AppendLog(ABC):
    """The log of one annotator; one process writes it at a time, and the first entry creates the file."""

    file_name: str
    """Within the annotator's folder."""
    of: str
    """What is annotated, as the header names it."""

    def __init__(self, path: Path, annotator: str) -> None:
        """Restore an existing log.

        Raises:
            UserError: If another process is writing the file, or it is not such a log.
        """
        self._path, self._annotator = path, annotator
        self._file: AppendFile | None = None
        if path.exists():
            self._open()

    def close(self) -> None:
        """Close the file if it was opened."""
        if self._file is not None:
            self._file.close()

    @abstractmethod
    def _restore(self, lines: Sequence[str]) -> None:
        """Restore the state from a file's lines; raise :class:`UserError` for lines that are not valid."""

    def _open(self) -> AppendFile:
        file = AppendFile(self._path, "annotation server", sync=True)
        try:
            self._restore(whole_lines(self._path, file.read()))
        except UserError:
            file.close()
            raise
        self._file = file
        return file

    def _append(self, facts: Mapping[str, Any]) -> None:
        """Append an entry with the time; raise :class:`UserError` if it cannot be stored, and then store none of it."""
        entry = {**facts, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        file = self._file or self._open()
        header = [{FORM: VERSION, "of": self.of, "annotator": self._annotator}] if file.is_empty else []
        file.append(b"".join(json.dumps(line).encode() + b"\n" for line in (*header, entry)))


def whole_lines(path: Path, data: bytes) -> list[str]:
    """Split a log's content into lines without a torn last one; raise :class:`UserError` if it is not UTF-8.

    Args:
        path: The file, for messages.
        data: Its content.
    """
    try:
        return data[: data.rfind(b"\n") + 1].decode().split("\n")[:-1]
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text, though it was written as such; restore it from a backup.") from None


def facts_of(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the number and content of each line after the header; raise :class:`UserError` for invalid lines.

    Args:
        path: The file, for messages.
        lines: Its lines, the header first.
    """
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
    """Make the error for an invalid line.

    Args:
        path: The file.
        number: Number of the line, from 1.
        reason: What is wrong with it: a phrase or an exception.
    """
    return UserError(f"{path}, line {number}: not a valid annotation ({reason}); restore the file from a backup.")


def place_of(folder: Path, annotator: str, file_name: str) -> Path:
    """Return the path of an annotator's log; raise :class:`UserError` for a name that cannot be a folder's.

    Args:
        folder: Folder of the logs, with a sub-folder for each annotator.
        annotator: Name of the annotator.
        file_name: Name of the log in the sub-folder.
    """
    if not _NAME.fullmatch(annotator):
        raise UserError(f"{annotator[:70]!r} cannot be a name; use up to 64 letters, digits, spaces and . @ + - _.")
    return folder / annotator / file_name
