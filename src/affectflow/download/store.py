"""Store images under their final names in hashed sub-folders, after checking them."""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from affectflow.core.errors import UserError
from affectflow.download.client import Response
from affectflow.download.lists import Row
from affectflow.download.outcomes import OK, Failed, Outcome
from affectflow.media import file_names as names

_THREADS = 2
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)
_BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIF"),
}


class Store:
    """A folder of images; a context manager. A file with its final name is always complete."""

    def __init__(self, folder: Path, max_pixels: int, decode: bool) -> None:
        """Prepare the folder.

        Args:
            folder: The folder.
            max_pixels: Images with more pixels are refused.
            decode: Whether images are decoded to check them; if not, only their signatures are.
        """
        self._folder = str(folder)
        self._max_pixels = max_pixels
        self._decode = decode
        self._folders: set[str] = set()

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="images")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown()

    def holds(self, row: Row, size: int) -> bool:
        """Check whether a row's image is stored with the right size.

        Args:
            row: The row.
            size: Size of the image in bytes.
        """
        try:
            return os.stat(f"{self._folder}/{names.folder(row.file_name)}/{row.file_name}").st_size == size
        except OSError:
            return False

    async def save(self, row: Row, response: Response) -> Outcome:
        """Check a body and store it; raise :class:`Failed` if it is not a complete image.

        Decoding takes milliseconds and runs in threads. Without it, switching to a thread would take longer than the
        rest.

        Args:
            row: The row that was fetched.
            response: The response with the body.
        """
        try:
            if self._decode:
                outcome = await asyncio.get_running_loop().run_in_executor(self._threads, self.keep, row, response.body)
            else:
                outcome = self.keep(row, response.body)
        except Failed as failed:
            raise Failed(failed.outcome, failed.detail, response.status, response.final_url) from None
        outcome.http_status, outcome.final_url, outcome.detail = response.status, response.final_url, response.detail
        return outcome

    def keep(self, row: Row, body: bytes) -> Outcome:
        """Check an image and store it; raise :class:`Failed` if it is not a complete one.

        Args:
            row: The row that it belongs to.
            body: The encoded image.
        """
        try:
            outcome = _examine(body, self._max_pixels) if self._decode else _check_signature(body)
        except MemoryError:
            raise UserError("This machine ran out of memory; lower download.max_pixels and run again.") from None
        if row.sha256 not in ("", outcome.sha256):
            raise Failed("changed", f"the image's SHA-256 is {outcome.sha256}, expected is {row.sha256}")
        folder = f"{self._folder}/{names.folder(row.file_name)}"
        path = f"{folder}/{row.file_name}"
        try:
            if folder not in self._folders:
                os.makedirs(folder, exist_ok=True)
                self._folders.add(folder)
            partial = f"{folder}/.{row.file_name}.partial"
            try:
                _write(partial, body)
                os.rename(partial, path)
            except OSError:
                if os.path.exists(partial):
                    os.unlink(partial)
                raise
        except OSError as error:
            raise UserError(f"{path} cannot be written ({error.strerror}); free disk space and run again.") from None
        return outcome


def _write(path: str, body: bytes) -> None:
    """Write a file without a stream, which would take a third of the time in addition."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        written = os.write(file, body)
        while written < len(body):
            written += os.write(file, memoryview(body)[written:])
    finally:
        os.close(file)


def _check_signature(body: bytes) -> Outcome:
    """Check the signature at a body's start; raise :class:`Failed` if it is not an image's."""
    return Outcome(OK, bytes=len(body), sha256=hashlib.sha256(body).hexdigest(), format=_format(body))


def _examine(body: bytes, max_pixels: int) -> Outcome:
    """Decode a body; raise :class:`Failed` if it is not a usable image."""
    from affectflow.media import images  # loads NumPy and Pillow

    try:
        image = images.examine(body, max_pixels)
    except images.ImageError as error:
        raise Failed(error.reason, str(error)) from None
    return Outcome(
        OK,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        format=image.format,
        width=image.width,
        height=image.height,
        dhash=image.dhash.hex(),
    )


def _format(body: bytes) -> str:
    for signature, name in _SIGNATURES:
        if body.startswith(signature):
            return name
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    if body[4:8] == b"ftyp" and body[8:12] in _BRANDS:
        return _BRANDS[body[8:12]]
    raise Failed("not_an_image", "not an image in a known format" if body else "the body is empty")
