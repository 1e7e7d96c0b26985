"""Read images one after the other from image files, folders, videos and cameras."""

from __future__ import annotations

import math
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.media.images import FORMATS, ImageError, decode_rgb
from affectflow.media.pillow import is_tiled, open_image
from affectflow.media.pixels import Decoded, Image
from affectflow.media.video import frame_rate, read_frames
from affectflow.media.video_index import address

UNKNOWN_KIND = "neither an image nor a video"
_BROKEN_LINK = "a broken link"
_CAMERA_FORMAT = "v4l2"
_NOT_VIDEO_FORMATS = ("tty", "gif", "apng", "image2")  # what FFmpeg takes text and broken images for


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An image of a source, or the reason why there is none.

    Attributes:
        source: Path of the file or camera.
        image: The image; None where there is a problem.
        frame: Number of the frame from 1; 0 for an image file.
        time: Time of the frame in seconds; NaN for an image file.
        problem: Why there is no image, else empty.
    """

    source: str
    image: Image | None = None
    frame: int = 0
    time: float = float("nan")
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _ImageFile:
    """An image file that is read and decoded on demand."""

    path: Path

    def rgb(self) -> NDArray[np.uint8]:
        """Return the pixels, uint8 [height, width, 3]; raises :class:`ImageError` for a broken image."""
        try:
            return decode_rgb(self.path.read_bytes()).pixels
        except OSError as error:
            raise ImageError("unreadable", f"cannot be read ({error.strerror})") from None


@dataclass(slots=True)
class Source:
    """A file or camera to read images from."""

    path: Path
    name: str
    """A name that no other source has; for a file in a folder, its path from there."""
    named: bool = True
    """Whether its own path was given, instead of a folder that contains it."""
    problem: str = ""
    """Why it cannot be read, else empty."""
    kind: str = field(init=False, default="")
    """``image``, ``video``, ``camera``, or empty where there is a problem."""

    def __post_init__(self) -> None:
        if not self.problem:
            self.kind, self.problem = _kind_of(self.path)

    @property
    def rate(self) -> float:
        """Frames per second of a video; 25 for a camera or image."""
        return frame_rate(self.path) if self.kind == "video" else 25.0

    def images(self, seconds: float | None = None, fps: float | None = None) -> Iterator[Shown]:
        """Yield all images; a problem that ends a video comes last.

        Args:
            seconds: How long to read a camera; None for no end.
            fps: How many frames of a second of a video or camera are shown; None for all.
        """
        shown = self._all_images(seconds)
        return shown if fps is None or self.kind not in ("video", "camera") else _thinned(shown, fps, self.rate)

    def _all_images(self, seconds: float | None) -> Iterator[Shown]:
        source = str(self.path)
        match self.kind:
            case "image":
                yield Shown(source, _ImageFile(self.path))
            case "video":
                try:
                    for frame in read_frames(self.path):
                        yield Shown(source, Decoded(frame.rgb), frame.index, frame.time)
                except UserError as error:
                    yield Shown(source, problem=str(error))
            case "camera":
                yield from _camera(self.path, seconds)
            case _:
                yield Shown(source, problem=self.problem)


def _thinned(frames: Iterator[Shown], fps: float, rate: float) -> Iterator[Shown]:
    """Yield the frame nearest to the beginning of each part of a second, and every problem.

    Args:
        frames: The frames.
        fps: Parts of a second.
        rate: Frames of a second, by which frames without times are placed.
    """
    last = -math.inf
    for shown in frames:
        time = (shown.frame - 1) / rate if math.isnan(shown.time) else shown.time
        part = math.floor((time + 0.5 / rate) * fps)  # times may be rounded, in Matroska to milliseconds
        if shown.image is None or part > last:
            yield shown
            last = last if shown.image is None else part


def find_sources(paths: list[Path]) -> list[Source]:
    """Return the files and cameras at some paths; files in folders are sorted by name, without hidden ones.

    Links to folders are followed once. A file that cannot be read becomes a source with a problem. Raises
    :class:`UserError` for a path that does not exist.
    """
    found: list[Source] = []
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            raise UserError(f"{path} {reason}; give images, videos, folders or a camera such as /dev/video0.") from None
        if stat.S_ISDIR(mode):
            found += sorted(_files_below(path), key=lambda source: Path(source.name))
        else:
            found.append(Source(path, path.name))
    _make_names_unique(found)
    return found


def _files_below(folder: Path) -> Iterator[Source]:
    """Yield the files in a folder and its sub-folders."""
    errors: list[OSError] = []
    seen = set()

    def source(path: Path, problem: str = "") -> Source:
        return Source(path, str(path.relative_to(folder)), named=False, problem=problem)

    for here, folders, files in os.walk(folder, onerror=errors.append, followlinks=True):
        place = os.stat(here)
        if (place.st_dev, place.st_ino) in seen:  # reached before, through a link
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (source(Path(here, name)) for name in files if not name.startswith("."))
    for error in errors:
        yield source(Path(error.filename), f"a folder that cannot be read ({error.strerror})")


def _make_names_unique(sources: list[Source]) -> None:
    """Number sources of equal names, so that their output files differ."""
    taken: set[str] = set()
    for source in sources:
        path, number = Path(source.name), 2
        while source.name in taken:
            source.name = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
            number += 1
        taken.add(source.name)


def _kind_of(path: Path) -> tuple[str, str]:
    """Return the kind of a file, identified by content, and an empty text; or no kind and the problem."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISCHR(mode):
            return "camera", ""
        if not stat.S_ISREG(mode):
            return "", UNKNOWN_KIND  # reading a pipe could block
        with path.open("rb") as stream:
            beginning = stream.read(12)
    except FileNotFoundError:
        return "", _BROKEN_LINK
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    if is_tiled(beginning):
        return "image", ""
    try:
        with open_image(path, FORMATS):
            return "image", ""
    except Exception:  # Pillow raises many kinds on other files
        return ("video", "") if _is_video(path) else ("", UNKNOWN_KIND)


def _is_video(path: Path) -> bool:
    try:
        with av.open(address(path)) as container:
            name = container.format.name
            return bool(container.streams.video) and name not in _NOT_VIDEO_FORMATS and not name.endswith("_pipe")
    except (av.FFmpegError, OSError, ValueError):
        return False


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Provide an event that the first Ctrl-C sets, so that frames read so far are kept; the second one interrupts."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _camera(path: Path, seconds: float | None) -> Iterator[Shown]:
    """Yield the frames of a Video4Linux device as they arrive."""
    try:
        container = av.open(str(path), format=_CAMERA_FORMAT)
    except (av.FFmpegError, ValueError) as error:
        yield Shown(str(path), problem=f"gives no images ({error}); name a camera such as /dev/video0")
        return
    with container, _interruption() as interrupted:
        started: float | None = None
        frames = enumerate(container.decode(video=0), start=1)
        while True:
            try:
                index, frame = next(frames)
            except StopIteration:
                return
            except av.FFmpegError as error:  # such as an unplugged camera
                yield Shown(str(path), problem=f"gives no more images ({error.strerror})")
                return
            started = started or time.monotonic()
            since = time.monotonic() - started
            if interrupted.is_set() or (seconds is not None and since > seconds):
                return
            yield Shown(str(path), Decoded(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)), index, since)
