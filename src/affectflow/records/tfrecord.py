"""The TFRecord container: length, masked CRC-32C of the length, data, masked CRC-32C of the data.

After ``tensorflow/core/lib/io/record_writer.cc``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from crc32c import crc32c

from affectflow.core.errors import UserError

HEAD = 12  # bytes before a record's data: length and its checksum
FOOT = 4  # bytes behind it: its checksum


def _masked(data: bytes | memoryview) -> int:
    crc: int = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def write_record(stream: IO[bytes], data: bytes) -> int:
    """Append a record; returns the bytes written."""
    length = struct.pack("<Q", len(data))
    return stream.write(b"".join((length, struct.pack("<I", _masked(length)), data, struct.pack("<I", _masked(data)))))


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file; raises :class:`UserError` with the byte offset where a checksum or the length is wrong."""
    with path.open("rb") as stream:
        for offset, length in _places(path, stream):
            data = stream.read(length + FOOT)
            if len(data) < length + FOOT or not checked(data):
                raise UserError(f"{path} is damaged in the record at byte {offset - HEAD}; delete it and run again.")
            yield data[:-FOOT]


def record_places(path: Path) -> Iterator[tuple[int, int]]:
    """Where each record's data begins in a file, and its length; raises :class:`UserError` where a length is wrong.

    The data itself is not read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        for offset, length in _places(path, stream):
            if offset + length + FOOT > size:
                raise UserError(f"{path} is damaged in the record at byte {offset - HEAD}; delete it and run again.")
            yield offset, length


def checked(data: bytes) -> bool:
    """Whether a record's data and the checksum behind it agree."""
    return int.from_bytes(data[-FOOT:], "little") == _masked(memoryview(data)[:-FOOT])


def _places(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, int]]:
    """As :func:`record_places`; whoever takes a place may read from it on."""
    offset = 0
    while header := stream.read(HEAD):
        length = int.from_bytes(header[:8], "little")
        if len(header) < HEAD or int.from_bytes(header[8:], "little") != _masked(header[:8]):
            raise UserError(f"{path} is damaged at byte {offset}; delete it and run again.")
        yield offset + HEAD, length
        offset += HEAD + length + FOOT
        stream.seek(offset)
