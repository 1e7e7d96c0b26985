"""Open text files in the encoding that their content shows."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from affectflow.core.errors import UserError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the first half of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP = b"\x1f\x8b"
_HEAD = 4096  # bytes that show the encoding


@contextmanager
def open_text(path: Path | str) -> Iterator[IO[str]]:
    """Open a text file, also a compressed one (gzip): UTF-8, or UTF-16 or UTF-32 as its first bytes show.

    Line ends are kept as they are.

    Raises:
        UserError: The file cannot be read, also for errors of encoding, compression or CSV inside the block.
    """
    try:
        binary = _open_binary(Path(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path and its permissions.") from None
    with binary:
        try:
            stream = decoded(binary)
            yield stream
        except UnicodeError:
            line = _first_undecodable_line(Path(path), stream.encoding)
            where = f", line {line}," if line else ""
            raise UserError(f"{path}{where} is not UTF-8 text; save it as UTF-8.") from None
        except csv.Error as error:
            raise UserError(f"{path} is not CSV ({error}); correct it.") from None
        except (gzip.BadGzipFile, EOFError) as error:
            raise UserError(f"{path} is damaged ({error}); fetch it again.") from None


def decoded(binary: io.BufferedReader | io.BytesIO) -> io.TextIOWrapper:
    """Return a stream of text in the encoding that its first bytes show; line ends are kept as they are."""
    head = binary.getbuffer() if isinstance(binary, io.BytesIO) else binary.peek(_HEAD)
    return io.TextIOWrapper(binary, encoding=_encoding(bytes(head[:_HEAD])), newline="")


def _open_binary(path: Path) -> io.BufferedReader:
    stream = path.open("rb")
    if stream.peek(2)[:2] != _GZIP:
        return stream
    stream.close()
    return io.BufferedReader(gzip.open(path))


def _encoding(head: bytes) -> str:
    """Return the encoding of a file by its first bytes."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # Without a mark, every other byte of UTF-16 is 0 where the text is mostly ASCII.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if 2 * odd > half and 8 * even < half:
        return "utf-16-le"
    if 2 * even > half and 8 * odd < half:
        return "utf-16-be"
    return "utf-8"


def _first_undecodable_line(path: Path, encoding: str) -> int | None:
    if encoding not in ("utf-8", "utf-8-sig"):
        return None
    with _open_binary(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None
