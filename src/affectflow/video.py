"""Video files, through PyAV: frames by index and time in, constant-rate H.264 and older codecs out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from affectflow.errors import UserError
from affectflow.tables import whole

_TOLERANCE_S = 1.0  # between the announced end and the beginning of the last frame


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """``index`` counts from 1; ``time`` is the container's own, in seconds; ``rgb`` is uint8 [height, width, 3]."""

    index: int
    time: float
    rgb: NDArray[np.uint8]


def read_frames(path: Path) -> Iterator[Frame]:
    """All frames in order of presentation, one in memory at a time.

    Raises :class:`UserError` when the file is no video or breaks off before the end that its header announces.
    """
    index, time = 0, 0.0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            announced = stream.frames
            seconds = _seconds(container, stream)
            for decoded in container.decode(video=0):
                index += 1
                time = float(decoded.time) if decoded.time is not None else float("nan")
                yield Frame(index, time, np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8))
    except (av.FFmpegError, IndexError) as error:
        raise UserError(f"{path} cannot be read as a video after frame {index} ({error}); fetch it again.") from None
    _check_length(path, index, time, announced, seconds)


def frame_times(path: Path) -> list[float]:
    """When each frame is shown, in seconds, without decoding any; raises :class:`UserError` as :func:`read_frames`."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            announced, seconds = stream.frames, _seconds(container, stream)
            # Old containers have only the order of decoding, which is that of showing there.
            packets = (packet for packet in container.demux(video=0) if packet.size)
            shown = [packet.dts if packet.pts is None else packet.pts for packet in packets]
            base = stream.time_base or Fraction(0)
    except (av.FFmpegError, IndexError) as error:
        raise UserError(f"{path} cannot be read as a video ({error}); fetch it again.") from None
    times = sorted(math.nan if time is None else float(time * base) for time in shown)
    _check_length(path, len(times), times[-1] if times else 0.0, announced, seconds)
    return times


def _check_length(path: Path, frames: int, last: float, announced: int, seconds: float) -> None:
    """Raise :class:`UserError` where there are fewer frames than the header announces, or none."""
    if not frames:
        raise UserError(f"{path} holds no frame; fetch it again.")
    if frames < announced or last + _TOLERANCE_S < seconds:
        whole_length = f"{announced} frames" if announced else f"{seconds:.1f} seconds"
        raise UserError(f"{path} breaks off after frame {frames} of {whole_length}; fetch it again.")


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
