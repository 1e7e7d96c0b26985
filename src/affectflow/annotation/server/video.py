"""The videos that can be traced: the batches', or those of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from affectflow.annotation.server.image import Image
from affectflow.annotation.trace_log import cut_of
from affectflow.annotation.videos import video_name
from affectflow.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Reel:
    """A video as a browser plays it: a file, the seconds at which each frame is shown, and the video's cut (see
    :func:`affectflow.annotation.trace_log.cut_of`)."""

    path: Path
    times: Sequence[float]
    cut: str


@dataclass(frozen=True)
class Video:
    """``name`` is what traces call it, ``title`` what the page does; it is looked at when it is wanted."""

    name: str
    title: str
    _look: Callable[[], Reel] = field(repr=False)

    @cached_property
    def reel(self) -> Reel:
        """Raises :class:`UserError` for a video that cannot be read."""
        try:
            return self._look()
        except OSError as error:
            raise UserError(f"{self.name} cannot be read or converted ({error.strerror or error}).") from None


def batch_videos(batches: Mapping[int, Sequence[Image]], folder: Path, rate: float) -> list[Video]:
    """``rate`` in frames a second."""

    def look(number: int, images: Sequence[Image]) -> Reel:
        times = [frame / rate for frame in range(len(images))]
        return Reel(folder / video_name(number), times, cut_of([one.image_sha256 for one in images]))

    return [
        Video(video_name(number), f"batch {number}", partial(look, number, images))
        for number, images in batches.items()
    ]


def own_videos(videos: Iterable[tuple[str, Path]], store: Path) -> list[Video]:
    """Of :func:`affectflow.annotation.own_videos.find_videos`; what browsers do not play is converted into ``store``."""

    def look(path: Path) -> Reel:
        from affectflow.annotation.own_videos import FORM, digest_of, playable  # imports the decoder

        digest = digest_of(path)
        shown, times = playable(path, store / f"{digest[:32]}-{FORM}.mp4")
        return Reel(shown, times, cut_of([digest]))

    return [Video(name, name, partial(look, path)) for name, path in videos]
