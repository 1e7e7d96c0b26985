"""Where images lie: checked bodies under their final names, in hashed sub-folders."""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from affectflow.core.errors import UserError
from affectflow.download.client import Answer
from affectflow.download.lists import Row
from affectflow.download.outcomes import OK, Failed, Outcome
from affectflow.media import file_names as names

_THREADS = 2


class Store:
    """A folder of images; a context manager. An image's name appears when the whole image is there."""

    def __init__(self, folder: Path, max_pixels: int, decode: bool) -> None:
        self._folder = str(folder)
        self._max_pixels = max_pixels
        self._decode = decode
        self._made: set[str] = set()

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="images")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown()

    def holds(self, row: Row, size: int) -> bool:
        """Whether a row's image of ``size`` bytes is there."""
        try:
            return os.stat(f"{self._folder}/{names.folder(row.file_name)}/{row.file_name}").st_size == size
        except OSError:
            return False

    async def keep(self, row: Row, answer: Answer) -> Outcome:
        """Check a body and store it. Raises :class:`Failed` where it is no whole image.

        Decoding takes milliseconds, so it is done in threads; what is left without it takes less than handing it over.
        """
        try:
            if self._decode:
                outcome = await asyncio.get_running_loop().run_in_executor(self._threads, self._keep, row, answer.body)
            else:
                outcome = self._keep(row, answer.body)
        except Failed as failed:
            raise Failed(failed.outcome, failed.detail, answer.status, answer.final_url) from None
        outcome.http_status, outcome.final_url, outcome.detail = answer.status, answer.final_url, answer.detail
        return outcome

    def _keep(self, row: Row, body: bytes) -> Outcome:
        try:
            outcome = check(body, self._max_pixels, self._decode)
        except MemoryError:
            raise UserError("This machine ran out of memory; lower download.max_pixels and run again.") from None
        if row.sha256 not in ("", outcome.sha256):
            raise Failed("changed", f"the image's SHA-256 is {outcome.sha256}, wanted is {row.sha256}")
        folder = f"{self._folder}/{names.folder(row.file_name)}"
        path = f"{folder}/{row.file_name}"
        try:
            if folder not in self._made:
                os.makedirs(folder, exist_ok=True)
                self._made.add(folder)
            partial = f"{folder}/.{row.file_name}.partial"
            try:
                _write(partial, body)
                os.rename(partial, path)
            except OSError:
                if os.path.exists(partial):
                    os.unlink(partial)
                raise
        except OSError as error:
            raise UserError(f"{path} cannot be written ({error.strerror}); make room and run again.") from None
        return outcome


def _write(path: str, body: bytes) -> None:
    """As ``open`` and ``write`` do it, without the third of the time that a stream takes."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        written = os.write(file, body)
        while written < len(body):
            written += os.write(file, memoryview(body)[written:])
    finally:
        os.close(file)


_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)


def check(body: bytes, max_pixels: int, decode: bool) -> Outcome:
    """What ``body`` is; raises :class:`Failed` where it is no usable image.

    Without ``decode`` only the signature at its start is looked at.
    """
    if not decode:
        return Outcome(OK, bytes=len(body), sha256=hashlib.sha256(body).hexdigest(), format=_format(body))
    from affectflow.media import images  # NumPy and Pillow are large, and needed only here

    try:
        seen = images.examine(body, max_pixels)
    except images.ImageError as error:
        raise Failed(error.reason, str(error)) from None
    return Outcome(
        OK,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        format=seen.format,
        width=seen.width,
        height=seen.height,
        dhash=seen.dhash.hex(),
    )


def _format(body: bytes) -> str:
    for signature, name in _SIGNATURES:
        if body.startswith(signature):
            return name
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    raise Failed("not_an_image", "no image in a known format" if body else "the body is empty")
