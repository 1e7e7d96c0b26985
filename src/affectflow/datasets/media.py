"""How videos and images are read: decoded, or only looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectflow.media.images import ImageError, decode_rgb
from affectflow.media.pixels import Decoded, Encoded, Image

_NOTHING = np.zeros((0, 0, 3), np.uint8)


class Media:
    """Decodes everything. ``problems`` gathers sentences about videos of which a part only could be read."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def frames(self, video: Path, left_out: Counter[str]) -> Iterator[tuple[int, float, Image]]:
        """Index from 1, time in seconds and image of each frame.

        What can be read of it; the rest is counted in ``left_out``. Raises :class:`UserError`
        for what is no video.
        """
        from affectflow.media.video import Incomplete  # images do without

        try:
            yield from self._frames(video)
        except Incomplete as error:
            self.problems.append(str(error))
            left_out[f"frame of {video.name} that cannot be read"] += error.missing

    def length(self, video: Path) -> int:
        """How many frames a video has, or had before it was cut."""
        from affectflow.media.video import Incomplete, frame_times

        try:
            return sum(1 for _ in frame_times(video))
        except Incomplete as error:
            return error.frames + error.missing

    def _frames(self, video: Path) -> Iterator[tuple[int, float, Image]]:
        from affectflow.media.video import read_frames

        for frame in read_frames(video):
            yield frame.index, frame.time, Decoded(frame.rgb)

    def image(self, path: Path, left_out: Counter[str]) -> Image | None:
        """An image; None, and a reason in ``left_out``, where there is none or it cannot be decoded."""
        if not _is_file(path):
            left_out["label without an image"] += 1
            return None
        try:
            data = path.read_bytes()
            return Encoded(data, path.name, decode_rgb(data).pixels)
        except (ImageError, OSError):
            left_out["image that cannot be decoded"] += 1
        return None


class MetadataOnly(Media):
    """Looks which frames and images there are. Images are empty, and that a still is broken goes unseen."""

    def _frames(self, video: Path) -> Iterator[tuple[int, float, Image]]:
        from affectflow.media.video import frame_times

        for index, time in enumerate(frame_times(video), start=1):
            yield index, time, Decoded(_NOTHING)

    def image(self, path: Path, left_out: Counter[str]) -> Image | None:
        if _is_file(path):
            return Decoded(_NOTHING)
        left_out["label without an image"] += 1
        return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
