"""Films of a folder that are traced as they are, rather than batches of pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from affectflow.errors import UserError
from affectflow.fingerprint import file_sha256
from affectflow.prediction.pictures import find_sources
from affectflow.video import Incomplete, address, frame_rate, frame_times, read_frames, write_video

digest_of = file_sha256
_PLAYED = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"h264", "vp9", "av1"},
    "matroska,webm": {"vp8", "vp9", "av1"},
}
"""Codecs that Chromium, Firefox and Safari play, by container as FFmpeg names it."""
_FINEST_RATE = 1001


def find_clips(folder: Path) -> dict[str, Path]:
    """The films below a folder, known by their content, by their path from there.

    Raises :class:`UserError` where there is none, and for two of one name: labels are named after films, without
    folder and ending.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one with films.")
    found = {source.name: source.path for source in find_sources([folder]) if source.kind == "film"}
    if not found:
        raise UserError(f"{folder} holds no film; name a folder with some.")
    stems: dict[str, str] = {}
    for name in found:
        if stems.setdefault(stem_of(name), name) != name:
            raise UserError(f"{stems[stem_of(name)]} and {name} in {folder} have one name; rename one of them.")
    return found


def stem_of(name: str) -> str:
    """Of a film's name, in any case of letters, what labels are named after."""
    return Path(name).stem.lower()


def times_of(path: Path) -> list[float]:
    """The seconds at which each frame of a film is shown, from 0; NaN for those that a film once had and that are cut
    off. Raises :class:`UserError` for what is no film."""
    times: list[float] = []
    try:
        times.extend(frame_times(path))
    except Incomplete as error:
        times += [math.nan] * error.missing
    return [time - times[0] for time in times]


def playable(path: Path, converted: Path) -> tuple[Path, Sequence[float]]:
    """A file that browsers play, with every frame of a film at its place, and the seconds at which each is shown.

    It is the film itself where that can be, else a conversion to H.264 of a constant rate, without sound. Raises
    :class:`UserError` for what is no film.
    """
    if _is_played(path):
        return path, [time for time in times_of(path) if not math.isnan(time)]
    rate = Fraction(frame_rate(path)).limit_denominator(_FINEST_RATE)
    if not converted.is_file():
        converted.parent.mkdir(parents=True, exist_ok=True)
        write_video(converted, _every_frame(path), rate)
    return converted, [float(frame / rate) for frame in range(sum(1 for _ in frame_times(converted)))]


def _is_played(path: Path) -> bool:
    with av.open(address(path)) as container:
        stream = container.streams.video[0]
        played = _PLAYED.get(container.format.name, set())
        # Professional footage has more colours than most browsers show.
        return stream.codec_context.name in played and stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")


def _every_frame(path: Path) -> Iterator[NDArray[np.uint8]]:
    """In place of one that cannot be decoded, the one before."""
    shown = 0
    try:
        for frame in read_frames(path):
            for _ in range(max(1, frame.index - shown)):
                yield frame.rgb
            shown = frame.index
    except Incomplete:
        return
