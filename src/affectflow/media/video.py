"""Read frames of videos by index and time, and write videos, with PyAV."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError

_TOLERANCE_S = 1.0  # between the announced end and the beginning of the last frame
_SAME_TIME_S = 1e-6
_TIME_BASE = Fraction(1, 90_000)  # seconds; of written videos without a constant rate


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded frame: its index from 1, the container's time in seconds, and upright pixels."""

    index: int
    time: float
    rgb: NDArray[np.uint8]
    """uint8 [height, width, 3]."""


class Incomplete(UserError):
    """A truncated or damaged video: ``frames`` could be read and ``missing`` could not."""

    def __init__(self, path: Path, frames: int, missing: int, reason: str = "") -> None:
        super().__init__(f"{path} gives {frames} of its {frames + missing} frames{reason}; fetch it again.")
        self.frames = frames
        self.missing = missing
        self._arguments = (path, frames, missing, reason)

    def __reduce__(self) -> tuple[type[Incomplete], tuple[Path, int, int, str]]:
        return type(self), self._arguments  # for pickling between processes


def address(path: Path) -> str:
    """Return a file's name for FFmpeg, which would take ``video:1.mp4`` as a protocol."""
    return f"file:{path}"


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield all frames in order of presentation, one in memory at a time, upright.

    The index of a frame is its position in the container, also where frames before it cannot be decoded.

    Raises:
        UserError: Where the file is not a video.
        Incomplete: After the last frame that can be read, where frames are missing.
    """
    scan = _scan(path)
    frames, index, time, reason = 0, 0, 0.0, scan.reason
    try:
        with _opened(path) as container:
            for decoded in _decoded(container):
                frames += 1
                index = max(index + 1, scan.places.get(decoded.pts, 0))
                time = _time_of(decoded)
                yield Frame(index, time, _pixels_of(decoded))
    except av.FFmpegError as error:
        reason = f" ({error.strerror})"
    scan.check(path, frames, time, reason, held=len(scan.places))


def frame_times(path: Path) -> Iterator[float]:
    """Yield the time of each frame in seconds without decoding; raises as :func:`read_frames`."""
    scan = _scan(path)
    yield from scan.times
    scan.check(path, len(scan.times), scan.times[-1] if scan.times else 0.0, scan.reason)


@dataclass(frozen=True, slots=True)
class VideoEncoding:
    """Container, codec and pixel format of a video, in FFmpeg's names."""

    container: str
    codec: str
    pixels: str


def video_encoding(path: Path) -> VideoEncoding:
    """Return how a video is encoded; raises :class:`UserError` where the file is not a video."""
    with _opened(path) as container:
        codec = container.streams.video[0].codec_context
        return VideoEncoding(container.format.name, codec.name, str(codec.pix_fmt))


def frame_rate(path: Path) -> float:
    """Return the container's average frames per second, or 25 where it has none.

    Raises :class:`UserError` where the file is not a video.
    """
    with _opened(path) as container:
        return float(container.streams.video[0].average_rate or 25)


def frame_number(path: Path, index: int) -> Frame:
    """Return the frame with an index, as :func:`read_frames` gives it, decoded from the key frame before it.

    Raises :class:`UserError` where the video has no such frame.

    Args:
        path: The video.
        index: Number of the frame, from 1.
    """
    scan = _scan(path)
    if not 1 <= index <= len(scan.timestamps):
        raise UserError(f"{path} has the frames 1 to {len(scan.timestamps)}, but not {index}; give one of them.")
    wanted = scan.timestamps[index - 1]
    if wanted is not None and wanted in scan.places:
        with _readable(path), _opened(path) as container:
            container.seek(wanted, stream=container.streams.video[0])
            for decoded in container.decode(video=0):
                if decoded.pts is None or decoded.pts > wanted:
                    break  # the container's index is wrong
                if decoded.pts == wanted:
                    return Frame(index, _time_of(decoded), _pixels_of(decoded))
    with suppress(Incomplete):
        for frame in read_frames(path):
            if frame.index == index:
                return frame
    raise UserError(f"{path} has no frame {index} that can be decoded; fetch it again.")


def frame_at(path: Path, seconds: float) -> Frame:
    """Return the frame that is shown at a time: the last one that is not later.

    Raises :class:`UserError` where the time is before the first frame or after the end.

    Args:
        path: The video.
        seconds: The container's time in seconds.
    """
    times = _scan(path).times
    if not times:
        raise UserError(f"{path} holds no frame that can be read; fetch it again.")
    index = bisect_right(times, seconds + _SAME_TIME_S)
    spacing = times[-1] - times[-2] if len(times) > 1 else 0.0
    if index == 0 or seconds > times[-1] + spacing:
        raise UserError(
            f"{path} shows frames from {times[0]:.3f} s to {times[-1]:.3f} s, but not at {seconds:.3f} s; "
            "give a time within these."
        )
    return frame_number(path, index)


@dataclass(frozen=True)
class _Scan:
    """The packets of a container, and what its header announces (zero where it says nothing)."""

    timestamps: Sequence[int | None]
    """Presentation times of the visible frames, in order, in units of ``base`` (seconds)."""
    base: Fraction
    frames: int
    seconds: float
    rate: float
    reason: str

    @property
    def times(self) -> list[float]:
        return [math.nan if timestamp is None else float(timestamp * self.base) for timestamp in self.timestamps]

    @cached_property
    def places(self) -> Mapping[int | None, int]:
        """Index (from 1) by timestamp; empty where timestamps are missing or not unique."""
        places = {timestamp: index for index, timestamp in enumerate(self.timestamps, start=1)}
        return places if len(places) == len(self.timestamps) and None not in places else {}

    def check(self, path: Path, frames: int, last: float, reason: str, held: int = 0) -> None:
        """Raise an error where frames are missing.

        Args:
            path: The file, for messages.
            frames: Number of frames that were read.
            last: Time of the last of them in seconds.
            reason: Why reading ended, or empty.
            held: Number of frames in the container.

        Raises:
            UserError: Where no frame could be read.
            Incomplete: Where fewer frames were read than are announced or ``held``.
        """
        if not frames:
            raise UserError(f"{path} holds no frame that can be read{reason}; fetch it again.")
        missing = max(0, self.frames - frames, held - frames)
        if not self.frames and (reason or last + _TOLERANCE_S < self.seconds):
            missing = max(1, missing, round((self.seconds - last) * self.rate) - 1)
        if missing:
            raise Incomplete(path, frames, missing, reason)


def _scan(path: Path) -> _Scan:
    """Read the packets of a video; raises :class:`UserError` where the file is not a video."""
    timestamps: list[int | None] = []
    hidden, reason = 0, ""
    with _opened(path) as container:
        stream = container.streams.video[0]
        try:
            for packet in container.demux(video=0):
                if packet.size and packet.is_discard:
                    hidden += 1  # by an edit list
                elif packet.size:
                    # Old containers have only decoding times, which equal presentation times there.
                    timestamps.append(packet.dts if packet.pts is None else packet.pts)
        except av.FFmpegError as error:
            reason = f" ({error.strerror})"
        seconds = _seconds(container, stream)
        return _Scan(
            sorted(timestamps, key=lambda timestamp: math.inf if timestamp is None else timestamp),
            stream.time_base or Fraction(0),
            max(0, stream.frames - hidden),
            seconds,
            float(stream.average_rate or 0),
            reason,
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise UserError(f"{path} cannot be read as a video ({error.strerror}); fetch it again.") from None


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a video; raises :class:`UserError` where the file is not a video."""
    with _readable(path):
        container = av.open(address(path))
    with container:
        if not container.streams.video:
            raise UserError(f"{path} holds no images; fetch it again.")
        yield container


def _decoded(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    """Yield all frames that can be decoded."""
    for packet in container.demux(video=0):
        with suppress(av.error.InvalidDataError):  # the missing frame is counted by the caller
            yield from packet.decode()


def _time_of(decoded: av.VideoFrame) -> float:
    return math.nan if decoded.time is None else float(decoded.time)


def _pixels_of(decoded: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the pixels, rotated as the container says (counterclockwise)."""
    pixels = np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8)
    return np.ascontiguousarray(np.rot90(pixels, round(decoded.rotation / 90) % 4)) if decoded.rotation else pixels


def _seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Return the announced duration of the video stream, or of a container that has no other stream."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def _even(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad odd sides to even ones by repeating the last row or column, as H.264 requires."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") if height % 2 or width % 2 else pixels


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    rate: Fraction,
    container: str = "mp4",
    codec: str = "libx264",
    times: Sequence[float] | None = None,
) -> int:
    """Write a video; the same frames give the same bytes. Returns the number of frames.

    Odd sides are padded by one row or column. For equal bytes there is one thread, no timestamp in the header, and no
    macroblock tree, with which about one video in a hundred differed.

    Args:
        path: The file.
        frames: Pixels, uint8 [height, width, 3], all of one size.
        rate: Frames per second.
        container: FFmpeg's name of the container.
        codec: FFmpeg's name of the codec.
        times: Time of each frame in seconds, in place of the constant rate.
    """
    options = {"crf": "18", "preset": "veryfast", "x264-params": "mbtree=0"} if codec == "libx264" else {"qscale": "3"}
    count = 0
    with (
        atomic_write(path) as partial,
        av.open(address(partial), "w", format=container, options={"fflags": "+bitexact"}) as output,
    ):
        stream = output.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = _TIME_BASE
        stream.codec_context.flags |= av.codec.context.Flags.bitexact.value
        if codec != "libx264":
            stream.bit_rate = 4_000_000
        for pixels in map(_even, frames):
            if count == 0:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[count] / _TIME_BASE), _TIME_BASE
            output.mux(stream.encode(frame))
            count += 1
        output.mux(stream.encode())
    return count
