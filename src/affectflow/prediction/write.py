"""Files, folders, videos and cameras -> a table of predictions, and images with them drawn in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, groupby, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.media import jpeg
from affectflow.media.sources import UNKNOWN_KIND, Source
from affectflow.media.video import write_video
from affectflow.prediction.overlay import draw
from affectflow.prediction.predictor import NO_FACE, Predicted, Predictor
from affectflow.prediction.table import Row, Table, writer

_STILL = ("image", "")
Tell = Callable[[Source, Predicted], list[Row]]
"""Writes an image's rows, and returns them."""
_QUALITY, _CHROMA = 92, "4:4:4"
_FINEST_RATE = 1000  # of frames, as a denominator


def write_predictions(
    predictor: Predictor,
    table: Table,
    sources: list[Source],
    out: Path | None = None,
    overlay: Path | None = None,
    seconds: float | None = None,
) -> list[str]:
    """Write the rows of all sources, a bounded number of images in memory; returns a sentence for each that could not
    be read, or not to its end.

    ``out`` ends in ``.csv`` or ``.json``, or is None for standard output; ``overlay`` is a folder, in which a still
    becomes a JPEG and a video an MP4 of the same name; ``seconds`` limits cameras. Files in a folder that are neither
    image nor video are rows, and no trouble.
    """
    troubles: dict[str, None] = {}
    with writer(out, table.columns) as write_row:

        def tell(source: Source, one: Predicted) -> list[Row]:
            rows = list(table.rows(one))
            for row in rows:
                write_row(row)
            if one.problem and one.problem != NO_FACE and (source.named or one.problem != UNKNOWN_KIND):
                troubles[f"{one.shown.source}: {one.problem}"] = None
            return rows

        for together in _streams(sources):
            images = (shown for source in together for shown in source.images(seconds))
            found = predictor.over(images, keep_pixels=overlay is not None)
            # A still is one image, so that each source of several has one; a video is alone.
            pairs = zip(together if len(together) > 1 else repeat(together[0]), found, strict=False)
            if overlay is None:
                for source, one in pairs:
                    tell(source, one)
            elif together[0].kind in _STILL:
                for source, one in pairs:
                    _write_image(one, tell(source, one), overlay / source.name)
            else:
                _write_video(_drawn(pairs, tell), together[0], overlay / together[0].name)
    return list(troubles)


def _streams(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Images that follow each other together, so that batches are full; anything else by itself."""
    for images, some in groupby(sources, key=lambda source: source.kind in _STILL):
        if images:
            yield list(some)
        else:
            yield from ([source] for source in some)


def _drawn(pairs: Iterable[tuple[Source, Predicted]], tell: Tell) -> Iterator[NDArray[np.uint8]]:
    for source, one in pairs:
        rows = tell(source, one)
        if one.pixels is not None:
            yield draw(one, rows if one.readings else [])


def _write_image(one: Predicted, rows: list[Row], path: Path) -> None:
    if one.pixels is not None:
        with atomic_write(path.with_name(f"{path.name}.jpg")) as partial:
            partial.write_bytes(jpeg.encode(draw(one, rows if one.readings else []), _QUALITY, _CHROMA))


def _write_video(images: Iterator[NDArray[np.uint8]], source: Source, path: Path) -> None:
    first = next(images, None)
    if first is not None:
        rate = Fraction(source.rate).limit_denominator(_FINEST_RATE)
        write_video(path.with_name(f"{path.name}.mp4"), chain([first], images), rate)
