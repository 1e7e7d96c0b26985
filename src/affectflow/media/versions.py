"""Versions of the libraries that decide decoded and encoded bytes, for cache keys."""

from __future__ import annotations

from importlib.metadata import version

IMAGE_LIBRARIES = ("opencv-python-headless", "pillow", "pillow-heif", "simplejpeg")
"""Distributions that decode, warp and encode images, and find faces in them."""


def library_versions(*more: str) -> dict[str, str]:
    """Return the installed version of each of ``IMAGE_LIBRARIES`` and of ``more`` distributions."""
    return {name: version(name) for name in (*IMAGE_LIBRARIES, *more)}
