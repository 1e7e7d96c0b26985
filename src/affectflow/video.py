"""Video files, through PyAV: frames by index and time in, constant-rate H.264 and older codecs out."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from affectflow.errors import UserError
from affectflow.tables import whole

_TOLERANCE_S = 1.0  # between the announced end and the beginning of the last frame
_SAME_TIME_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """``index`` counts from 1; ``time`` is the container's own, in seconds; ``rgb`` is uint8 [height, width, 3]."""

    index: int
    time: float
    rgb: NDArray[np.uint8]


class BreaksOff(UserError):
    """A film that ends before its header says so. ``frames`` could be read, ``missing`` more were announced."""

    def __init__(self, path: Path, frames: int, missing: int, reason: str) -> None:
        super().__init__(f"{path} breaks off after frame {frames} of {frames + missing}{reason}; fetch it again.")
        self.frames = frames
        self.missing = missing


def read_frames(path: Path) -> Iterator[Frame]:
    """All frames in order of presentation, one in memory at a time.

    Raises :class:`UserError` when the file is no video, and :class:`BreaksOff` after the last frame that can be read
    where that is not the last one announced.
    """
    index, time, announced, reason = 0, 0.0, _Announced(), ""
    try:
        with _opened(path) as container:
            announced = _Announced.by(container)
            for decoded in container.decode(video=0):
                index += 1
                time = _time_of(decoded)
                yield Frame(index, time, _pixels_of(decoded))
    except av.FFmpegError as error:
        reason = f" ({error.strerror})"
    announced.check(path, index, time, reason)


def frame_times(path: Path) -> Iterator[float]:
    """When each frame is shown, in seconds, without decoding any; raises as :func:`read_frames`."""
    announced, reason, shown, base = _Announced(), "", [], Fraction(0)
    try:
        with _opened(path) as container:
            announced = _Announced.by(container)
            base = container.streams.video[0].time_base or base
            shown = _stamps(container)
    except av.FFmpegError as error:
        reason = f" ({error.strerror})"
    times = [math.nan if stamp is None else float(stamp * base) for stamp in shown]
    yield from times
    announced.check(path, len(times), times[-1] if times else 0.0, reason)


def frame_number(path: Path, index: int) -> Frame:
    """The frame of that index, the very one that :func:`read_frames` gives, by way of the last key frame before it.

    Raises :class:`UserError` where the film has no such frame.
    """
    with _readable(path), _opened(path) as container:
        stamps = _stamps(container)
        if not 1 <= index <= len(stamps):
            raise UserError(f"{path} has the frames 1 to {len(stamps)}, and no frame {index}.")
        wanted = stamps[index - 1]
        if wanted is not None and len({*stamps}) == len(stamps):
            container.seek(wanted, stream=container.streams.video[0])
            for decoded in container.decode(video=0):
                if decoded.pts is None or decoded.pts > wanted:
                    break  # the container's index is of no use
                if decoded.pts == wanted:
                    return Frame(index, _time_of(decoded), _pixels_of(decoded))
    for frame in read_frames(path):
        if frame.index == index:
            return frame
    raise UserError(f"{path} has no frame {index} that can be decoded; fetch it again.")


def frame_at(path: Path, seconds: float) -> Frame:
    """The frame that is shown at a time: the last one that is not later.

    Raises :class:`UserError` where that is before the first frame or after the end.
    """
    times = list(frame_times(path))
    index = bisect_right(times, seconds + _SAME_TIME_S)
    spacing = times[-1] - times[-2] if len(times) > 1 else 0.0
    if index == 0 or seconds > times[-1] + spacing:
        raise UserError(f"{path} shows frames from {times[0]:.3f} s to {times[-1]:.3f} s, and none at {seconds:.3f} s.")
    return frame_number(path, index)


@dataclass(frozen=True, slots=True)
class _Announced:
    """What a film's header says of its length; zero where it says nothing."""

    frames: int = 0
    seconds: float = 0.0
    rate: float = 0.0

    @classmethod
    def by(cls, container: av.container.InputContainer) -> Self:
        stream = container.streams.video[0]
        return cls(stream.frames, _seconds(container, stream), float(stream.average_rate or 0))

    def check(self, path: Path, frames: int, last: float, reason: str) -> None:
        """Raise :class:`BreaksOff` where there are fewer frames than announced, :class:`UserError` where none."""
        if not frames:
            raise UserError(f"{path} holds no frame that can be read{reason}; fetch it again.")
        missing = max(0, self.frames - frames)
        if not self.frames and (reason or last + _TOLERANCE_S < self.seconds):
            missing = max(1, round((self.seconds - last) * self.rate) - 1)
        if missing:
            raise BreaksOff(path, frames, missing, reason)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise UserError(f"{path} cannot be read as a video ({error.strerror}); fetch it again.") from None


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    """A film; raises :class:`UserError` for what is none."""
    with _readable(path):
        container = av.open(str(path))
    with container:
        if not container.streams.video:
            raise UserError(f"{path} holds no pictures; fetch it again.")
        yield container


def _stamps(container: av.container.InputContainer) -> list[int | None]:
    """The time stamps of all frames in order of presentation, in the stream's unit."""
    # Old containers have only the order of decoding, which is that of showing there.
    packets = (packet for packet in container.demux(video=0) if packet.size)
    stamps = [packet.dts if packet.pts is None else packet.pts for packet in packets]
    return sorted(stamps, key=lambda stamp: math.inf if stamp is None else stamp)


def _time_of(decoded: av.VideoFrame) -> float:
    return math.nan if decoded.time is None else float(decoded.time)


def _pixels_of(decoded: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8)


def _seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """The announced length of the pictures; that of the whole film only where it has nothing else, such as sound."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    rate: Fraction,
    container: str = "mp4",
    codec: str = "libx264",
) -> int:
    """Write frames (uint8 [height, width, 3], even sides) at a constant rate; returns their number.

    The same frames give the same bytes: one thread, no time stamps in the header, and no macroblock tree, which made
    about one film in a hundred differ.
    """
    options = {"crf": "18", "preset": "veryfast", "x264-params": "mbtree=0"} if codec == "libx264" else {"qscale": "3"}
    count = 0
    with (
        whole(path) as partial,
        av.open(str(partial), "w", format=container, options={"fflags": "+bitexact"}) as output,
    ):
        stream = output.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact.value
        if codec != "libx264":
            stream.bit_rate = 4_000_000
        for pixels in frames:
            if count == 0:
                stream.height, stream.width = pixels.shape[:2]
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            count += 1
        output.mux(stream.encode())
    return count
