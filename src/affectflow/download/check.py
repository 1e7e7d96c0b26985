"""Bytes -> what image they are. Told by content alone, and decoded to the end unless the settings say otherwise."""

from __future__ import annotations

import hashlib

from affectflow.download.outcomes import OK, Failed, Outcome

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
    from affectflow import images  # NumPy and Pillow are large, and needed only here

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
    raise Failed("not_an_image", "no picture in a known format" if body else "the body is empty")
