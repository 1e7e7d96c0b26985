"""Videos of a folder that are traced as they are, rather than batches of images."""

from __future__ import annotations

import fcntl
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.media.sources import find_sources
from affectflow.media.video import Incomplete, frame_rate, frame_times, read_frames, video_encoding, write_video

digest_of = file_sha256
FORM = 1
"""Of conversions; another number makes them anew."""
_PLAYED = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"h264", "vp9", "av1"},
    "matroska,webm": {"vp8", "vp9", "av1"},
}
"""Codecs that Chromium, Firefox and Safari play, by container as FFmpeg names it."""


def find_videos(folder: Path) -> dict[str, Path]:
    """The videos below a folder, known by their content, by their path from there.

    Raises :class:`UserError` where there is none, and for two of one name: labels are named after videos, without
    folder and ending.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one with videos.")
    found = {source.name: source.path for source in find_sources([folder]) if source.kind == "video"}
    if not found:
        raise UserError(f"{folder} holds no video; name a folder with some.")
    stems: dict[str, str] = {}
    for name in found:
        if stems.setdefault(stem_of(name), name) != name:
            raise UserError(f"{stems[stem_of(name)]} and {name} in {folder} have one name; rename one of them.")
    return found


def stem_of(name: str) -> str:
    """Of a video's name, in any case of letters, what labels are named after."""
    return Path(name).stem.lower()


def times_of(path: Path) -> tuple[list[float], int]:
    """The seconds at which each frame of a video is shown, from 0, and how many of them the file still has.

    Those that are cut off, and all of a video without time stamps, are where the video's rate puts them. Raises
    :class:`UserError` for what is no video.
    """
    times: list[float] = []
    missing = 0
    try:
        times.extend(frame_times(path))
    except Incomplete as error:
        missing = error.missing
    spacing = 1 / frame_rate(path)
    if not all(map(math.isfinite, times)):
        times = [frame * spacing for frame in range(len(times))]
    ends = times[-1] if times else -spacing
    all_times = times + [ends + frame * spacing for frame in range(1, missing + 1)]
    return [time - all_times[0] for time in all_times], len(times)


def playable(path: Path, converted: Path) -> tuple[Path, Sequence[float]]:
    """A file that browsers play, with every frame that a video still has at its place, and the seconds at which each is
    shown.

    It is the video itself where that can be, else a conversion to H.264, without sound. Raises :class:`UserError` for
    what is no video, and :class:`OSError` where it cannot be converted.
    """
    times, held = times_of(path)
    if _is_played(path):
        return path, times[:held]
    converted.parent.mkdir(parents=True, exist_ok=True)
    with converted.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several servers, or pages of one, may want it
        if not converted.is_file():
            write_video(converted, every_frame(path, held), Fraction(frame_rate(path)), times=times[:held])
    return converted, times[:held]


def _is_played(path: Path) -> bool:
    """By every browser, and beginning with its first frame: pages tell frames apart by counting from there."""
    form = video_encoding(path)
    # Professional footage has more colors than most browsers show.
    if form.codec not in _PLAYED.get(form.container, set()) or form.pixels not in ("yuv420p", "yuvj420p"):
        return False
    with suppress(Incomplete):
        return next(read_frames(path)).index == 1
    return False


def every_frame(path: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    """In place of one that cannot be decoded, the one before; at the beginning, the one after."""
    shown = 0
    last: NDArray[np.uint8] | None = None
    with suppress(Incomplete):
        for frame in read_frames(path):
            for _ in range(frame.index - shown - 1):
                yield frame.rgb if last is None else last
            yield frame.rgb
            shown, last = frame.index, frame.rgb
    if last is not None:
        yield from repeat(last, count - shown)
