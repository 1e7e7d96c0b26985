"""Photographs, folders of them, videos and cameras -> images one after the other."""

from __future__ import annotations

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
from PIL import Image as Pillow

from affectflow.core.errors import UserError
from affectflow.media.images import FORMATS, ImageError, decode_rgb
from affectflow.media.pixels import Decoded, Image
from affectflow.media.video import address, frame_rate, read_frames

STRANGER = "neither an image nor a video"
_NOT_DECODED = "a HEIC or AVIF image, which is not read; convert it to JPEG or PNG"
_NOWHERE = "a link that leads nowhere"
_CAMERA_FORMAT = "v4l2"
_NO_VIDEOS = ("tty", "gif", "apng", "image2")  # texts and broken images
# ISO/IEC 23008-12, section 10, and AVIF 1.1, section 6: FFmpeg takes the first tile of such an image for a video.
_TILED = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An image, or why there is none. ``frame`` counts from 1 and ``time`` is in seconds; 0 and NaN for an image."""

    source: str
    image: Image | None = None
    frame: int = 0
    time: float = float("nan")
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _ImageFile:
    """An image's file, read and decoded when its pixels are wanted."""

    path: Path

    def rgb(self) -> NDArray[np.uint8]:
        """Raises :class:`ImageError` for a broken image."""
        try:
            return decode_rgb(self.path.read_bytes()).pixels
        except OSError as error:
            raise ImageError("unreadable", f"cannot be read ({error.strerror})") from None


@dataclass(slots=True)
class Source:
    """One file, or one camera, of those that were asked for."""

    path: Path
    name: str
    """Its own, unlike the others'; of a folder's files, their path from there."""
    named: bool = True
    """Whether it was asked for itself, and not for lying in a folder."""
    problem: str = ""
    """Why it cannot be read at all."""
    kind: str = field(init=False, default="")
    """``image``, ``video``, ``camera`` or empty where there is a problem."""

    def __post_init__(self) -> None:
        if not self.problem:
            self.kind, self.problem = _kind_of(self.path)

    @property
    def rate(self) -> float:
        """Frames a second of a video or camera."""
        return frame_rate(self.path) if self.kind == "video" else 25.0

    def images(self, seconds: float | None = None) -> Iterator[Shown]:
        """All of them; of a camera those of some seconds, or without an end. What cannot be read is told, and the
        last."""
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


def find_sources(paths: list[Path]) -> list[Source]:
    """The files and cameras at some paths, those of folders in order of their names, hidden ones left out.

    Folders that are links are followed, once. What cannot be read is a source with a problem. Raises
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
            found += sorted(_below(path), key=lambda source: Path(source.name))
        else:
            found.append(Source(path, path.name))
    _tell_apart(found)
    return found


def _below(folder: Path) -> Iterator[Source]:
    """What lies in a folder and in those in it."""
    lost: list[OSError] = []
    seen = set()

    def source(path: Path, problem: str = "") -> Source:
        return Source(path, str(path.relative_to(folder)), named=False, problem=problem)

    for here, folders, files in os.walk(folder, onerror=lost.append, followlinks=True):
        place = os.stat(here)
        if (place.st_dev, place.st_ino) in seen:  # by way of a link
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (source(Path(here, name)) for name in files if not name.startswith("."))
    for error in lost:
        yield source(Path(error.filename), f"a folder that cannot be read ({error.strerror})")


def _tell_apart(sources: list[Source]) -> None:
    """Give those of one name others, so that what is drawn of one does not take the place of another's."""
    taken: set[str] = set()
    for source in sources:
        path, number = Path(source.name), 2
        while source.name in taken:
            source.name = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
            number += 1
        taken.add(source.name)


def _kind_of(path: Path) -> tuple[str, str]:
    """By content, never by name; or the reason why it has none."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISCHR(mode):
            return "camera", ""
        if not stat.S_ISREG(mode):
            return "", STRANGER  # a pipe would keep us waiting
        with path.open("rb") as stream:
            beginning = stream.read(12)
    except FileNotFoundError:
        return "", _NOWHERE
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    if beginning[4:8] == b"ftyp" and beginning[8:] in _TILED:
        return "", _NOT_DECODED
    try:
        with Pillow.open(path, formats=FORMATS):
            return "image", ""
    except Exception:  # Pillow raises many kinds on what is no image
        return ("video", "") if _is_video(path) else ("", STRANGER)


def _is_video(path: Path) -> bool:
    try:
        with av.open(address(path)) as container:
            name = container.format.name
            return bool(container.streams.video) and name not in _NO_VIDEOS and not name.endswith("_pipe")
    except (av.FFmpegError, OSError, ValueError):
        return False


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Set by Ctrl-C, which is how a camera is left; what was seen until then is kept. The second is as any other."""
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
    """Frames as they come, through Video4Linux."""
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
            except av.FFmpegError as error:  # such as a camera that is unplugged
                yield Shown(str(path), problem=f"gives no more images ({error.strerror})")
                return
            started = started or time.monotonic()
            since = time.monotonic() - started
            if interrupted.is_set() or (seconds is not None and since > seconds):
                return
            yield Shown(str(path), Decoded(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)), index, since)
