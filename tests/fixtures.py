"""Fixtures of many tests: images, CSV files as lists, a web on loopback."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.loopback import Web

Pixels = NDArray[np.uint8]


def _smooth(seed: int, size: int) -> Pixels:
    corners = np.random.default_rng(seed).integers(20, 236, (3, 3, 3), np.uint8)
    return np.asarray(Image.fromarray(corners).resize((size, size), Image.Resampling.BICUBIC))


@pytest.fixture(scope="session")
def smooth() -> Callable[..., Pixels]:
    """``smooth(seed, size)``: an image without fine detail, so that codecs leave it nearly as it is."""
    return _smooth


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., bytes]:
    """``jpeg(seed, size)``: the same as a plain JPEG."""

    def encode(seed: int = 0, size: int = 32) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(_smooth(seed, size)).save(buffer, "JPEG", quality=95, subsampling=0)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Path], list[dict[str, str]]]:
    """Rows of a CSV as mappings."""

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    return read


@pytest.fixture(scope="session")
def save_csv() -> Callable[[Path, Sequence[str], Sequence[Sequence[object]]], Path]:
    """Write a CSV, its folders too."""

    def save(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([columns, *rows])
        return path

    return save


@pytest.fixture
def site(jpeg: Callable[..., bytes]) -> Iterator[Web]:
    """A loopback web of one's own."""
    server = Web(jpeg(1, 64))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def web_of_module(jpeg: Callable[..., bytes]) -> Iterator[Web]:
    """A loopback web that the tests of a module share, for many short ones; :func:`emptied_web` is for each test."""
    server = Web(jpeg(1, 64))
    yield server
    server.stop()


@pytest.fixture
def emptied_web(web_of_module: Web) -> Web:
    """The module's web without what an earlier test left in it."""
    web_of_module.hits.clear()
    web_of_module.answers.clear()
    return web_of_module
