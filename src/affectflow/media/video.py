"""Read frames of videos by index and time, and write videos, with PyAV."""

from __future__ import annotations

import logging
import math
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.media.video_index import VideoIndex, address, opened, read_index, readable

log = logging.getLogger(__name__)

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
    """A truncated or damaged video: ``frames`` could be read, ``missing`` could not, ``dropped`` never were there."""

    def __init__(self, path: Path, frames: int, missing: int, dropped: int, reason: str = "") -> None:
        super().__init__(f"{path} gives {frames} of its {frames + missing} frames{reason}; fetch it again.")
        self.frames = frames
        self.missing = missing
        self.dropped = dropped
        self._arguments = (path, frames, missing, dropped, reason)

    def __reduce__(self) -> tuple[type[Incomplete], tuple[Path, int, int, int, str]]:
        return type(self), self._arguments  # for pickling between processes


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield all frames in order of presentation, one in memory at a time, upright.

    The index of a frame is its place in the container (:mod:`affectflow.media.video_index`), also where frames before
    it cannot be decoded or were dropped by the recorder. Where places cannot be told behind damage, reading stops
    there.

    Raises:
        UserError: Where the file is not a video.
        Incomplete: After the last frame that can be read, where frames are missing.
    """
    found = read_index(path)
    frames = last = 0
    reason = found.reason
    in_order = iter(found.times)
    try:
        with opened(path) as container:
            for decoded in _decoded(container, found):
                if found.by_timestamp:
                    place = found.by_timestamp.get(-1 if decoded.pts is None else decoded.pts, 0)
                else:
                    place = next(in_order, 0)
                if place > last:
                    frames, last = frames + 1, place
                    yield Frame(place, _time_of(decoded), _pixels_of(decoded))
    except av.FFmpegError as error:
        reason = f" ({error.strerror})"
    _check(path, found, frames, reason)


def frame_times(path: Path) -> Iterator[tuple[int, float]]:
    """Yield index and time (in seconds) of each frame without decoding; raises as :func:`read_frames`."""
    found = read_index(path)
    yield from found.times.items()
    _check(path, found, len(found.times), found.reason)


def _check(path: Path, found: VideoIndex, frames: int, reason: str) -> None:
    """Raise an error where frames are missing.

    Args:
        path: The file, for messages.
        found: Its index.
        frames: Number of frames that were read.
        reason: Why reading ended, or empty.

    Raises:
        UserError: Where no frame could be read.
        Incomplete: Where fewer frames were read than are announced or in the file.
    """
    if not frames:
        raise UserError(f"{path} holds no frame that can be read{reason}; fetch it again.")
    if not found.announces_length:
        log.warning("%s does not say how long it is; whether its end is missing cannot be told", path)
    if missing := found.missing + max(0, len(found.times) - frames):
        raise Incomplete(path, frames, missing, found.dropped, reason)


@dataclass(frozen=True, slots=True)
class VideoEncoding:
    """Container, codec and pixel format of a video, in FFmpeg's names."""

    container: str
    codec: str
    pixels: str


def video_encoding(path: Path) -> VideoEncoding:
    """Return how a video is encoded; raises :class:`UserError` where the file is not a video."""
    with opened(path) as container:
        codec = container.streams.video[0].codec_context
        return VideoEncoding(container.format.name, codec.name, str(codec.pix_fmt))


def frame_rate(path: Path) -> float:
    """Return the container's average frames per second, or 25 where it has none.

    Raises :class:`UserError` where the file is not a video.
    """
    with opened(path) as container:
        return float(container.streams.video[0].average_rate or 25)


def frame_number(path: Path, index: int) -> Frame:
    """Return the frame with an index, as :func:`read_frames` gives it, decoded from the key frame before it.

    Raises :class:`UserError` where the video has no such frame.

    Args:
        path: The video.
        index: Number of the frame, from 1.
    """
    found = read_index(path)
    if index not in found.times:
        last = max(found.times, default=0)
        what = f"has the frames 1 to {last}, but not {index}" if not 1 <= index <= last else f"dropped frame {index}"
        raise UserError(f"{path} {what}; give another one.")
    wanted = next((timestamp for timestamp, place in found.by_timestamp.items() if place == index), None)
    if wanted is not None and not found.positions:
        with readable(path), opened(path) as container:
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
    if not math.isfinite(seconds):
        raise UserError(f"{seconds} is not a time; give seconds from the start.")
    places = read_index(path).times
    indices, times = list(places), list(places.values())
    if not times:
        raise UserError(f"{path} holds no frame that can be read; fetch it again.")
    at = bisect_right(times, seconds + _SAME_TIME_S)
    spacing = times[-1] - times[-2] if len(times) > 1 else 0.0
    if at == 0 or seconds > times[-1] + spacing:
        raise UserError(
            f"{path} shows frames from {times[0]:.3f} s to {times[-1]:.3f} s, but not at {seconds:.3f} s; "
            "give a time within these."
        )
    return frame_number(path, indices[at - 1])


def _decoded(container: av.container.InputContainer, found: VideoIndex) -> Iterator[av.VideoFrame]:
    """Yield all frames that can be decoded and placed."""
    for packet in container.demux(video=0):
        if packet.size and found.positions:
            place = found.positions.get(-1 if packet.pos is None else packet.pos)
            if place is None and not found.by_timestamp:
                return
            if place is None:
                continue  # what a damaged file seems to have
            packet.dts = packet.pts = place
        try:
            for frame in packet.decode():
                if frame.is_corrupt and not found.by_timestamp:
                    return  # as below
                yield frame
        except av.error.InvalidDataError:
            if not found.by_timestamp:
                return  # how many frames are missing here cannot be told


def _time_of(decoded: av.VideoFrame) -> float:
    return math.nan if decoded.time is None else float(decoded.time)


def _pixels_of(decoded: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the pixels, turned and mirrored as the container says."""
    pixels = np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8)
    data = cast("Mapping[Type, Any]", decoded.side_data).get(Type.DISPLAYMATRIX)
    return pixels if data is None else _displayed(pixels, struct.unpack("=9i", bytes(data)))


def _displayed(pixels: NDArray[np.uint8], matrix: Sequence[int]) -> NDArray[np.uint8]:
    """Apply a display matrix, to the nearest quarter turn.

    With the matrix (a, b, u, c, d, v, x, y, w), pixel (x, y) is shown at (a x + c y, b x + d y) (FFmpeg's
    ``libavutil/display.h``, ISO/IEC 14496-12).
    """
    a, b, _, c, d = matrix[:5]
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, columns, rows = pixels.transpose(1, 0, 2), c, b
    else:
        columns, rows = a, d
    return np.ascontiguousarray(pixels[:: -1 if rows < 0 else 1, :: -1 if columns < 0 else 1])


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
