"""Prediction tables, and images and videos with predictions drawn in, of files, folders and cameras."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, groupby, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.media import jpeg
from affectflow.media.sources import UNKNOWN_KIND, Source
from affectflow.media.video import write_video
from affectflow.prediction.overlay import draw
from affectflow.prediction.predictor import NO_FACE, ImagePredictions, Predictor
from affectflow.prediction.summary import Summary
from affectflow.prediction.table import PredictionTable, Row, open_writer

if TYPE_CHECKING:
    from tqdm import tqdm

_SINGLE_IMAGE = ("image", "")
"""Kinds of sources that give one image, or a problem."""
WriteRows = Callable[[Source, ImagePredictions], list[Row]]
Show = Callable[[ImagePredictions, list[Row]], NDArray[np.uint8]]
"""Writes an image's rows, and returns them."""
_QUALITY, _CHROMA = 92, "4:4:4"
_MAX_RATE_DENOMINATOR = 1000


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written.

    Attributes:
        out: A ``.csv``, ``.json`` or ``.parquet`` file, or None for CSV on standard output.
        overlay: Folder for copies with predictions drawn in: JPEG for images, MP4 for videos; None for none.
        summary: CSV file of :class:`affectflow.prediction.summary.Summary`; None for none.
    """

    out: Path | None = None
    overlay: Path | None = None
    summary: Path | None = None


def write_predictions(
    predictor: Predictor,
    table: PredictionTable,
    sources: list[Source],
    outputs: Outputs,
    seconds: float | None = None,
    fps: float | None = None,
) -> list[str]:
    """Write predictions for all sources, with a bounded number of images in memory.

    Args:
        predictor: Model and detector.
        table: The table's columns.
        sources: Images, videos and cameras.
        outputs: What is written.
        seconds: Time limit for cameras.
        fps: Frames of a second of a video or camera that are read; None for all.

    Returns:
        A message for each source that could not be read completely. Files in a folder that are neither images nor
        videos have a row, but no message.
    """
    messages: dict[str, None] = {}
    overlay = outputs.overlay
    summary = Summary(table.columns, table.thresholds)
    if outputs.summary is not None and outputs.summary.suffix.lower() != ".csv":
        raise UserError(f"{outputs.summary} is not a .csv file; give the summary a name that ends in .csv.")
    if outputs.summary is not None and outputs.out is not None and outputs.summary.resolve() == outputs.out.resolve():
        raise UserError(f"{outputs.out} cannot be the predictions and their summary; name two files.")
    with ExitStack() as stack:
        # Opened first, so that a path that cannot be written is reported before hours of work.
        summarized = None if outputs.summary is None else stack.enter_context(atomic_write(outputs.summary))
        write_row = stack.enter_context(open_writer(outputs.out, table.columns))

        def write_rows(source: Source, image: ImagePredictions) -> list[Row]:
            rows = list(table.rows(image))
            for row in rows:
                write_row(row)
            summary.add(rows, source.name if source.kind not in _SINGLE_IMAGE else None)
            if image.problem and image.problem != NO_FACE and (source.named or image.problem != UNKNOWN_KIND):
                messages[f"{image.shown.source}: {image.problem}"] = None
            return rows

        def show(image: ImagePredictions, rows: list[Row]) -> NDArray[np.uint8]:
            return draw(image, rows if image.faces else [], table.thresholds)

        videos = any(source.kind not in _SINGLE_IMAGE for source in sources)
        bar = stack.enter_context(progress(None if videos else len(sources), "image", "predict"))
        for group in _groups(sources):
            images = (shown for source in group for shown in source.images(seconds, fps))
            predictions = _counted(predictor.predict(images, keep_pixels=overlay is not None), bar)
            # A group of several sources has one image per source; a video is a group of its own.
            pairs = zip(group if len(group) > 1 else repeat(group[0]), predictions, strict=False)
            if overlay is None:
                for source, image in pairs:
                    write_rows(source, image)
            elif group[0].kind in _SINGLE_IMAGE:
                for source, image in pairs:
                    _write_image(show, image, write_rows(source, image), overlay / source.name)
            else:
                drawn = _drawn(show, pairs, write_rows)
                _write_video(drawn, min(group[0].rate, fps or math.inf), overlay / group[0].name)
        if summarized is not None:
            summary.write(summarized)
    return list(messages)


def _counted(images: Iterator[ImagePredictions], bar: tqdm[Any]) -> Iterator[ImagePredictions]:
    for image in images:
        bar.update()
        yield image


def _groups(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Group consecutive single images, so that batches are full; videos and cameras are groups of one."""
    for single, group in groupby(sources, key=lambda source: source.kind in _SINGLE_IMAGE):
        if single:
            yield list(group)
        else:
            yield from ([source] for source in group)


def _drawn(
    show: Show, pairs: Iterable[tuple[Source, ImagePredictions]], write_rows: WriteRows
) -> Iterator[NDArray[np.uint8]]:
    for source, image in pairs:
        rows = write_rows(source, image)
        if image.pixels is not None:
            yield show(image, rows)


def _write_image(show: Show, image: ImagePredictions, rows: list[Row], path: Path) -> None:
    if image.pixels is not None:
        with atomic_write(path.with_name(f"{path.name}.jpg")) as partial:
            partial.write_bytes(jpeg.encode(show(image, rows), _QUALITY, _CHROMA))


def _write_video(images: Iterator[NDArray[np.uint8]], frame_rate: float, path: Path) -> None:
    first = next(images, None)
    if first is not None:
        rate = Fraction(frame_rate).limit_denominator(_MAX_RATE_DENOMINATOR)
        write_video(path.with_name(f"{path.name}.mp4"), chain([first], images), rate)
