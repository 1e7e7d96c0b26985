"""One annotator's judgements of pictures, a line of JSON each, appended as they are made.

Whatever ends the process costs at most the line that it was writing. The first line says what the file is, so that
:mod:`affectflow.annotation.exports` knows it among those of other tools.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from affectflow.errors import UserError

FORM = "affectflow-annotation"
VERSION = 1
FILE_NAME = "stills.jsonl"
NOT_A_FACE, CANNOT_SAY = "not_a_face", "cannot_say"
VERDICTS = ("", NOT_A_FACE, CANNOT_SAY)
_NAME = re.compile(r"\w[\w .@+-]{0,63}")
_LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of a picture; ``valence`` and ``arousal`` in [-1, 1], or a verdict why there are none. ``seconds`` it took."""

    batch: int
    frame: int
    file_name: str
    image_sha256: str
    valence: float | None
    arousal: float | None
    verdict: str = ""
    note: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Raises :class:`ValueError` for what is none."""
        one = cls(**{name: facts[name] for name in cls.__slots__ if name in facts})
        texts, whole = (one.file_name, one.image_sha256, one.note), (one.batch, one.frame)
        if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in whole):
            raise ValueError("the picture or the note is none")
        values = (one.valence, one.arousal)
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool) and -1 <= v <= 1]
        if one.verdict not in VERDICTS or len(one.note) > _LONGEST_NOTE:
            raise ValueError("the verdict or the note is none")
        if len(numbers) != (0 if one.verdict else 2) or (one.verdict and values != (None, None)):
            raise ValueError("valence and arousal are no numbers from -1 to 1")
        return one


class Journal:
    """One process has it at a time; the file begins with the first judgement."""

    def __init__(self, path: Path, annotator: str) -> None:
        """Raises :class:`UserError` where another process writes it, or it is no journal."""
        self._path, self._annotator = path, annotator
        self._stream: io.FileIO | None = None
        self._made: list[Judgement] = []
        if path.exists():
            self._open()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    @property
    def judgements(self) -> dict[str, Judgement]:
        """The latest of each picture, by its SHA-256: a batch that is cut anew may have another in its place."""
        return {one.image_sha256: one for one in self._made}

    def judge(self, one: Judgement) -> None:
        """Keep a judgement; it is on the disk when this returns. Raises :class:`UserError` where it cannot be."""
        self._append({"kind": "judge", "at": _now(), **asdict(one)})
        self._made.append(one)

    def undo(self) -> Judgement | None:
        """Take the last one back, as far as there are any; an earlier one of the same picture counts again."""
        if not self._made:
            return None
        self._append({"kind": "undo", "at": _now()})
        return self._made.pop()

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
        complete = data.rfind(b"\n") + 1
        stream.truncate(complete)  # what a kill broke off
        self._made = judgements_of(self._path, data[:complete].decode("utf-8", "replace").split("\n")[:-1])
        self._stream = stream
        return stream

    def _append(self, facts: Mapping[str, Any]) -> None:
        stream = self._stream or self._open()
        end = stream.seek(0, os.SEEK_END)
        first = {FORM: VERSION, "annotator": self._annotator}
        lines = [*([first] if end == 0 else []), facts]
        data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        try:
            if stream.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(stream.fileno())
        except OSError as error:
            stream.truncate(end)
            raise UserError(f"{self._path} cannot be written ({error.strerror}).") from None


def read_journal(path: Path) -> dict[str, Judgement]:
    """The latest judgement of each picture, by its SHA-256, of a journal that another process may be writing."""
    data = path.read_bytes()
    lines = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace").split("\n")[:-1]
    return {one.image_sha256: one for one in judgements_of(path, lines)}


def judgements_of(path: Path, lines: list[str]) -> list[Judgement]:
    """Those that were not taken back, in the order in which they were made; raises :class:`UserError`."""
    made: list[Judgement] = []
    for number, line in enumerate(lines, start=1):
        try:
            facts = json.loads(line)
            if number == 1:
                if facts.get(FORM) != VERSION:
                    raise ValueError("no journal of this version")
            elif facts["kind"] == "undo":
                made.pop()
            else:
                made.append(Judgement.of(facts))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise UserError(
                f"{path}, line {number}: it is no line of an annotation ({error}); restore the file."
            ) from None
    return made


def place_of(folder: Path, annotator: str) -> Path:
    """Where an annotator's journal lies; raises :class:`UserError` for what cannot be a name."""
    if not _NAME.fullmatch(annotator):
        raise UserError(f"{annotator[:70]!r} cannot be a name; use up to 64 letters, digits, spaces and . @ + - _.")
    return folder / annotator / FILE_NAME


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
