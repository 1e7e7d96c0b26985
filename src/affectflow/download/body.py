"""A response's body as it comes in, within bounds."""

from __future__ import annotations

import zlib
from typing import Any

from affectflow.download.outcomes import Failed


class Body:
    """Collects a body; never holds more than ``limit`` bytes, however well they were compressed.

    ``encoding`` is the Content-Encoding. Raises :class:`Failed`.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self.size = 0
        self._raw = 0
        self._limit = limit
        self._chunks: list[bytes] = []
        self._inflate: Any = None
        if encoding:
            match encoding.strip().lower():
                case "identity":
                    pass
                case "gzip" | "x-gzip" | "deflate":
                    self._inflate = zlib.decompressobj(wbits=47)  # gzip or zlib, told by its first bytes
                case _:
                    raise Failed("bad_response", f"compressed in a way that was not asked for: {encoding[:40]!r}")

    def add(self, chunk: bytes) -> None:
        self._raw += len(chunk)
        if self._raw > self._limit:
            raise Failed("too_large", f"more than {self._limit} bytes")
        if self._inflate is not None:
            if self._inflate.eof:
                return
            try:
                chunk = self._inflate.decompress(chunk, self._limit - self.size + 1)
            except zlib.error as error:
                raise Failed("bad_response", f"badly compressed: {error}") from None
        self.size += len(chunk)
        if self.size > self._limit:
            raise Failed("too_large", f"more than {self._limit} bytes")
        self._chunks.append(chunk)

    def end(self) -> bytes:
        """The whole body."""
        if self._inflate is not None and self.size and not self._inflate.eof:
            raise Failed("truncated", f"the compressed body ends after {self.size} bytes")
        return b"".join(self._chunks)
