"""The films that can be traced: the batches', or those of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from affectflow.annotation.server.image import Picture
from affectflow.annotation.trace_log import cut_of
from affectflow.annotation.videos import video_name
from affectflow.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Reel:
    """A film as a browser plays it: a file, the seconds at which each frame is shown, and the film's cut (see
    :func:`affectflow.annotation.trace_log.cut_of`)."""

    path: Path
    times: Sequence[float]
    cut: str


@dataclass(frozen=True)
class Film:
    """``name`` is what traces call it, ``title`` what the page does; it is looked at when it is wanted."""

    name: str
    title: str
    _look: Callable[[], Reel] = field(repr=False)

    @cached_property
    def reel(self) -> Reel:
        """Raises :class:`UserError` for a film that cannot be read."""
        try:
            return self._look()
        except OSError as error:
            raise UserError(f"{self.name} cannot be read or converted ({error.strerror or error}).") from None


def batch_films(batches: Mapping[int, Sequence[Picture]], folder: Path, rate: float) -> list[Film]:
    """``rate`` in frames a second."""

    def look(number: int, pictures: Sequence[Picture]) -> Reel:
        times = [frame / rate for frame in range(len(pictures))]
        return Reel(folder / video_name(number), times, cut_of([one.image_sha256 for one in pictures]))

    return [
        Film(video_name(number), f"batch {number}", partial(look, number, pictures))
        for number, pictures in batches.items()
    ]


def clip_films(clips: Iterable[tuple[str, Path]], store: Path) -> list[Film]:
    """Of :func:`affectflow.annotation.own_videos.find_clips`; what browsers do not play is converted into ``store``."""

    def look(path: Path) -> Reel:
        from affectflow.annotation.own_videos import FORM, digest_of, playable  # imports the decoder

        digest = digest_of(path)
        shown, times = playable(path, store / f"{digest[:32]}-{FORM}.mp4")
        return Reel(shown, times, cut_of([digest]))

    return [Film(name, name, partial(look, path)) for name, path in clips]
