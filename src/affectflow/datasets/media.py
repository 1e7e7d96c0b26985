"""Readers of videos and images: one decodes them, one reads only metadata."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from affectflow.media.images import ImageError, decode_rgb
from affectflow.media.pixels import Decoded, Encoded, Image

log = logging.getLogger(__name__)

_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)


class Media:
    """A reader that decodes videos and images."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        """One sentence for each thing that is wrong with a set, but does not stop it."""
        self.opened: list[Path] = []
        """The videos and images that were read, in order."""

    def frames(self, video: Path, left_out: Counter[str]) -> Iterator[tuple[int, float, Image]]:
        """Yield index (from 1), time (in seconds) and image of each frame that can be read.

        Args:
            video: The file.
            left_out: Counts the frames that cannot be read, and those that the video has dropped.

        Raises:
            UserError: Where the file is not a video.
        """
        from affectflow.media.video import Incomplete  # PyAV is not needed for images

        self.opened.append(video)
        last = count = 0
        try:
            for last, time, image in self._frames(video):
                count += 1
                yield last, time, image
            dropped = last - count
        except Incomplete as error:
            self.report(str(error))
            left_out[f"frame of {video.name} that cannot be read"] += error.missing
            dropped = error.dropped
        if dropped:
            left_out[f"frame that {video.name} has dropped"] += dropped

    def report(self, problem: str) -> None:
        """Log something that is wrong with a set, and keep it for who inspects the set."""
        self.problems.append(problem)
        log.warning("%s", problem)

    def length(self, video: Path) -> int:
        """Return the number of frames of a video, including those that cannot be read."""
        from affectflow.media.video import Incomplete, frame_times

        try:
            return max((index for index, _ in frame_times(video)), default=0)
        except Incomplete as error:
            return error.frames + error.missing + error.dropped

    def end(self, video: Path) -> float:
        """Return the time of a video's last frame that can be read, in seconds; NaN without time stamps."""
        from affectflow.media.video import Incomplete, frame_times

        times = [float("nan")]
        with suppress(Incomplete):
            times.extend(time for _, time in frame_times(video))
        return times[-1]

    def _frames(self, video: Path) -> Iterator[tuple[int, float, Image]]:
        from affectflow.media.video import read_frames

        for frame in read_frames(video):
            yield frame.index, frame.time, Decoded(frame.rgb)

    def image(self, path: Path, left_out: Counter[str]) -> Image | None:
        """Return an image; None where the file is missing or cannot be decoded.

        Args:
            path: The file.
            left_out: Counts such files, by reason.
        """
        if not is_file(path):
            left_out["label without an image"] += 1
            return None
        self.opened.append(path)
        try:
            data = path.read_bytes()
            return Encoded(data, path.name, decode_rgb(data).pixels)
        except (ImageError, OSError) as error:
            left_out["image that cannot be decoded"] += 1
            self.report(f"{path} is left out: {error}")
        return None


class MetadataOnly(Media):
    """A reader that finds which frames and images there are, without decoding them.

    Images have no pixels, and damaged images are not detected.
    """

    def _frames(self, video: Path) -> Iterator[tuple[int, float, Image]]:
        from affectflow.media.video import frame_times

        for index, time in frame_times(video):
            yield index, time, Decoded(_NO_PIXELS)

    def image(self, path: Path, left_out: Counter[str]) -> Image | None:
        if is_file(path):
            self.opened.append(path)
            return Decoded(_NO_PIXELS)
        left_out["label without an image"] += 1
        return None


def is_file(path: Path) -> bool:
    """Return whether a path is a file, False also for a name that cannot be one."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # the name is too long or contains a null byte
        return False
