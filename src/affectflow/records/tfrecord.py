"""Read and write TFRecord files.

A record is its length, the masked CRC-32C of the length, the data, and the masked CRC-32C of the data, as in
``tensorflow/core/lib/io/record_writer.cc``.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from crc32c import crc32c

from affectflow.core.errors import UserError

HEAD = 12  # bytes before a record's data: length and its checksum
FOOT = 4  # bytes after a record's data: its checksum


def _masked(data: bytes | memoryview) -> int:
    crc: int = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def write_record(stream: IO[bytes], data: bytes) -> int:
    """Append a record; returns the number of bytes written.

    Args:
        stream: The TFRecord file, open for writing.
        data: The record's data.
    """
    length = struct.pack("<Q", len(data))
    return stream.write(b"".join((length, struct.pack("<I", _masked(length)), data, struct.pack("<I", _masked(data)))))


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file; raises :class:`UserError` with the offset of a wrong checksum or length."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        for offset, length in _places(path, stream):
            data = stream.read(length + FOOT) if offset + length + FOOT <= size else b""
            if len(data) < length + FOOT or not checked(data):
                raise UserError(f"{path} is damaged in the record at byte {offset - HEAD}; delete it and run again.")
            yield data[:-FOOT]


def record_places(path: Path) -> Iterator[tuple[int, int]]:
    """Yield offset and length of the data of each record, without reading the data.

    Raises :class:`UserError` where a length is wrong.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        for offset, length in _places(path, stream):
            if offset + length + FOOT > size:
                raise UserError(f"{path} is damaged in the record at byte {offset - HEAD}; delete it and run again.")
            yield offset, length


def checked(data: bytes) -> bool:
    """Return whether a record's data match the checksum after them."""
    return int.from_bytes(data[-FOOT:], "little") == _masked(memoryview(data)[:-FOOT])


def _places(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Yield as :func:`record_places`, with the stream at the data, which the caller may read."""
    offset = 0
    while header := stream.read(HEAD):
        length = int.from_bytes(header[:8], "little")
        if len(header) < HEAD or int.from_bytes(header[8:], "little") != _masked(header[:8]):
            raise UserError(f"{path} is damaged at byte {offset}; delete it and run again.")
        yield offset + HEAD, length
        offset += HEAD + length + FOOT
        stream.seek(min(offset, sys.maxsize))
