"""The user's own videos, which are traced as they are: finding, timing and conversion for browsers."""

from __future__ import annotations

import fcntl
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.core.cache import cache_key
from affectflow.core.code import modules_digest
from affectflow.core.errors import UserError
from affectflow.media.sources import find_sources
from affectflow.media.video import Incomplete, frame_rate, frame_times, read_frames, video_encoding, write_video

log = logging.getLogger(__name__)

_VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".3gp", ".avi", ".mkv", ".webm"),
    *(".flv", ".wmv", ".mpg", ".mpeg", ".ts", ".mts"),
)
_PLAYABLE_CODECS = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"h264", "vp9", "av1"},
    "matroska,webm": {"vp8", "vp9", "av1"},
}
"""Codecs that Chromium, Firefox and Safari play, by FFmpeg's name of the container."""


def find_videos(folder: Path) -> dict[str, Path]:
    """Find the videos below a folder by their content, and return them by their path relative to it.

    Raises:
        UserError: There is no video, or two have the same name without folder and suffix, after which labels are named.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name a folder of videos.")
    sources = find_sources([folder])
    for source in sources:
        if source.problem and source.path.suffix.lower() in _VIDEO_SUFFIXES:
            log.warning("%s is not used, because it is damaged or not a video; fetch it again", source.path)
    found = {source.name: source.path for source in sources if source.kind == "video"}
    if not found:
        raise UserError(f"{folder} has no videos; name a folder of videos.")
    stems: dict[str, str] = {}
    for name in found:
        if stems.setdefault(stem_of(name), name) != name:
            raise UserError(f"{stems[stem_of(name)]} and {name} in {folder} have the same name; rename one of them.")
    return found


def stem_of(name: str) -> str:
    """Return a video's name without folder and suffix, in lower case, so that it compares in any case of letters."""
    return Path(name).stem.lower()


def times_of(path: Path) -> tuple[list[float], int]:
    """Return the times of a video's frames, and how many of the frames the file still has.

    Frames that are missing from a truncated file, and all frames of a video without time stamps, get the times that
    follow from its frame rate.

    Returns:
        [frames] in seconds from 0, and the number of frames that can be decoded.

    Raises:
        UserError: The file is not a video.
    """
    places: dict[int, float] = {}
    missing = 0
    try:
        for index, time in frame_times(path):
            places[index] = time
    except Incomplete as error:
        missing = max(0, error.frames + error.missing - max(places, default=0))
    spacing = 1 / frame_rate(path)
    count = max(places, default=0)
    if all(map(math.isfinite, places.values())):
        times = [float(time) for time in np.interp(range(1, count + 1), list(places), list(places.values()))]
    else:
        times = [frame * spacing for frame in range(count)]
    end = times[-1] if times else -spacing
    all_times = times + [end + frame * spacing for frame in range(1, missing + 1)]
    return [time - all_times[0] for time in all_times], len(times)


def conversion_key() -> str:
    """Return the cache key of converted videos; those of another one are made again."""
    return cache_key(code=modules_digest(__name__, "affectflow.media.video", "affectflow.media.video_index"))[:8]


def playable(path: Path, converted: Path) -> tuple[Path, Sequence[float]]:
    """Return a file that browsers play, with every frame that can be decoded at its place.

    It is the video itself if possible, else a conversion to H.264 without sound.

    Args:
        path: The video.
        converted: Where a conversion is written.

    Returns:
        The file, and the times of its frames in seconds.

    Raises:
        UserError: The file is not a video.
        OSError: The conversion cannot be written.
    """
    times, decodable = times_of(path)
    if _is_playable(path):
        return path, times[:decodable]
    converted.parent.mkdir(parents=True, exist_ok=True)
    with converted.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several servers or pages may request it
        if not converted.is_file():
            frames = every_frame(path, decodable)
            write_video(converted, frames, Fraction(frame_rate(path)), times=times[:decodable])
    return converted, times[:decodable]


def _is_playable(path: Path) -> bool:
    """Return whether every browser plays a video, beginning with its first frame, from which the page counts frames."""
    form = video_encoding(path)
    # Most browsers do not show the bit depths and color formats of professional footage.
    if form.codec not in _PLAYABLE_CODECS.get(form.container, set()) or form.pixels not in ("yuv420p", "yuvj420p"):
        return False
    with suppress(Incomplete):
        return next(read_frames(path)).index == 1
    return False


def every_frame(path: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video, uint8 [height, width, 3].

    A frame that cannot be decoded is replaced by the one before, and at the beginning by the one after.

    Args:
        path: The video.
        count: How many frames are yielded.
    """
    yielded = 0
    last: NDArray[np.uint8] | None = None
    with suppress(Incomplete):
        for frame in read_frames(path):
            for _ in range(frame.index - yielded - 1):
                yield frame.rgb if last is None else last
            yield frame.rgb
            yielded, last = frame.index, frame.rgb
    if last is not None:
        yield from repeat(last, count - yielded)
