"""The TFRecord container: length, masked CRC-32C of the length, data, masked CRC-32C of the data.

After ``tensorflow/core/lib/io/record_writer.cc``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from crc32c import crc32c

from affectflow.errors import UserError


def _masked(data: bytes) -> int:
    crc: int = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def write_record(stream: IO[bytes], data: bytes) -> int:
    """Append a record; returns the bytes written."""
    length = struct.pack("<Q", len(data))
    return stream.write(b"".join((length, struct.pack("<I", _masked(length)), data, struct.pack("<I", _masked(data)))))


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file; raises :class:`UserError` with the byte offset where a checksum or the length is wrong."""
    with path.open("rb") as stream:
        offset = 0
        while header := stream.read(12):
            length = int.from_bytes(header[:8], "little")
            if len(header) < 12 or int.from_bytes(header[8:], "little") != _masked(header[:8]):
                raise UserError(f"{path} is damaged at byte {offset}; delete it and run again.")
            data = stream.read(length)
            checksum = stream.read(4)
            if len(checksum) < 4 or int.from_bytes(checksum, "little") != _masked(data):
                raise UserError(f"{path} is damaged in the record at byte {offset}; delete it and run again.")
            offset += 16 + length
            yield data
