"""Find the place of each frame of a video: from the container's index, or from its time stamps.

The n-th frame of a video is the n-th place of its container, whether or not the frames before it can be decoded, so
that labels stay with their frames where a file is damaged. MP4 and MOV list all frames in an index. AVI has an index
with the place of each chunk, in which dropped frames are empty. Other containers (Matroska, WebM, FLV, MPEG, and MP4 in
fragments) have time stamps alone: where these are a regular grid, a hole in it is as many places as it is long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median_low

import av

from affectflow.core.errors import UserError

_TOLERANCE = 2.5  # frames between the announced end and the beginning of the last frame
_REGULAR_SHARE = 0.9  # of the distances of a regular grid
_NEAR = 0.1  # of a distance
_MIN_DISTANCES = 5
_CHUNK_HEADER = 8  # bytes before the data of a chunk of AVI
_FROM_ZERO = ("matroska,webm", "flv")  # containers whose time stamps begin at 0
_WITH_INDEX = "mov"  # in FFmpeg's name of the container; MP4 in fragments announces no number of frames
_ESTIMATED = ("mpegts", "mpeg")  # containers whose duration FFmpeg takes from the last time stamp


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """The places of a video's frames, and what its container announces.

    Attributes:
        times: Time of each frame in the file by its place (from 1), in order, in seconds; NaN where there is none.
        by_timestamp: The place by presentation time stamp; empty where frames are in the order of decoding.
        positions: Place (from 0) of the usable packets by position in the file, where the container's time stamps are
            not to be trusted.
        dropped: How many places the container says are empty.
        missing: How many frames are not in the file though the container announces them.
        reason: Why reading ended, or empty.
        announces_length: Whether the container says how long the video is.
    """

    times: Mapping[int, float]
    by_timestamp: Mapping[int, int] = field(default_factory=dict)
    positions: Mapping[int, int] = field(default_factory=dict)
    dropped: int = 0
    missing: int = 0
    reason: str = ""
    announces_length: bool = True


@dataclass(frozen=True, slots=True)
class _Packet:
    dts: int | None
    pts: int | None
    position: int
    size: int


def address(path: Path) -> str:
    """Return a file's name for FFmpeg, which would take ``video:1.mp4`` as a protocol."""
    return f"file:{path}"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise :class:`UserError` for FFmpeg's errors in the block."""
    try:
        yield
    except av.FFmpegError as error:
        raise UserError(f"{path} cannot be read as a video ({error.strerror}); fetch it again.") from None


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a video; raises :class:`UserError` where the file is not a video."""
    with readable(path):
        container = av.open(address(path))
    with container:
        if not container.streams.video:
            raise UserError(f"{path} holds no images; fetch it again.")
        yield container


def read_index(path: Path) -> VideoIndex:
    """Read the packets of a video without decoding them; raises :class:`UserError` where the file is not a video."""
    packets: list[_Packet] = []
    hidden, reason = 0, ""
    with opened(path) as container:
        stream = container.streams.video[0]
        kind = container.format.name
        alone = len(container.streams) == 1
        chunks = {entry.pos: entry.timestamp for entry in stream.index_entries} if kind == "avi" else {}
        try:
            for packet in container.demux(video=0):
                if packet.size and packet.is_discard:
                    hidden += 1  # by an edit list
                elif packet.size:
                    # Old containers have only decoding times, which equal presentation times there.
                    pts = packet.dts if packet.pts is None else packet.pts
                    packets.append(_Packet(packet.dts, pts, -1 if packet.pos is None else packet.pos, packet.size))
        except av.FFmpegError as error:
            reason = f" ({error.strerror})"
        announced = max(0, stream.frames - hidden)
        base, rate, seconds = stream.time_base or Fraction(0), float(stream.average_rate or 0), _seconds(container)
        reordered = bool(stream.codec_context.has_b_frames)
    if kind == "avi" and announced:
        # Where the index is missing, FFmpeg makes one of the few frames that it has met.
        listed = chunks if 2 * len(chunks) > len(packets) else {}
        found = _chunked(packets, listed, announced, reordered, alone, base)
    else:
        indexed = _WITH_INDEX in kind and bool(announced)
        found = _stamped(packets, base, grid=not indexed, from_zero=alone and kind in _FROM_ZERO)
    held = max(found.times, default=0)
    missing = max(0, announced - held) + max(0, held - len(found.times) - found.dropped)
    last = max(found.times.values(), default=0.0, key=_finite)
    if not announced and (reason or last + _TOLERANCE / (rate or 1.0) < seconds):
        missing += max(1, round((seconds - last) * rate) - 1)
    length = bool(announced) or (seconds > 0 and kind not in _ESTIMATED and _WITH_INDEX not in kind)
    return replace(found, missing=missing, reason=reason, announces_length=length)


def _stamped(packets: Sequence[_Packet], base: Fraction, grid: bool, from_zero: bool) -> VideoIndex:
    """Place frames by their time stamps; in their order where these are missing or not unique."""
    stamps = [packet.pts for packet in packets]
    ordered = sorted(stamp for stamp in stamps if stamp is not None)
    if len(ordered) < len(stamps) or len(set(ordered)) < len(ordered):
        times = [math.nan if stamp is None else float(stamp * base) for stamp in sorted(stamps, key=_last)]
        return VideoIndex(dict(enumerate(times, start=1)))
    places = _grid(ordered, from_zero) if grid else list(range(1, len(ordered) + 1))
    times = [float(stamp * base) for stamp in ordered]
    return VideoIndex(dict(zip(places, times, strict=True)), by_timestamp=dict(zip(ordered, places, strict=True)))


def _last(stamp: int | None) -> float:
    return math.inf if stamp is None else stamp


def _finite(time: float) -> float:
    return time if math.isfinite(time) else -math.inf


def _chunked(
    packets: Sequence[_Packet],
    chunks: Mapping[int, int],
    announced: int,
    reordered: bool,
    alone: bool,
    base: Fraction,
) -> VideoIndex:
    """Place the frames of an AVI by the chunks that its index lists, or by counting those that are met.

    FFmpeg counts chunks as it meets them, so it counts wrongly behind damage. The index is right unless it is damaged
    itself, which the number of frames in the file's header shows. Where neither fits, the packets up to the first
    difference are used; so they are where frames are stored in another order than shown, because what is missing from
    that order cannot be told.

    Args:
        packets: The packets in the file.
        chunks: Places from 0, by position in the file.
        announced: How many places there are, according to the header.
        reordered: Whether frames are stored in another order than shown.
        alone: Whether the file has no other stream.
        base: Length of a place in seconds.
    """
    counted = [packet.dts for packet in packets]
    listed = [chunks.get(packet.position - _CHUNK_HEADER, chunks.get(packet.position)) for packet in packets]
    if chunks:
        differ = (i for i, (one, other) in enumerate(zip(counted, listed, strict=True)) if one != other)
    else:
        differ = (i for i, (one, other) in enumerate(pairwise(packets), start=1) if alone and not _adjoin(one, other))
    agreed = next(differ, len(packets))
    index_is_whole = bool(chunks) and max(chunks.values()) + 1 == announced
    count_is_whole = bool(counted) and counted[-1] is not None and counted[-1] + 1 == announced
    right = listed if index_is_whole else counted if count_is_whole else counted[:agreed]
    if reordered:
        right = right[:agreed]
    by_position = {packet.position: place for packet, place in zip(packets, right, strict=False) if place is not None}
    places = sorted({*by_position.values()})
    empty = set(range(announced)) - {*chunks.values()} if index_is_whole else set(range(places[-1] + 1)) - {*places}
    return VideoIndex(
        times={place + 1: float(place * base) for place in places},
        by_timestamp={} if reordered else {place: place + 1 for place in places},
        positions=by_position,
        dropped=len([place for place in empty if places and place < places[-1]]),
    )


def _adjoin(packet: _Packet, following: _Packet) -> bool:
    """Return whether nothing is between two chunks, which begin at even positions."""
    return following.position - packet.position - packet.size - _CHUNK_HEADER in (0, 1)


def _grid(ordered: Sequence[int], from_zero: bool) -> list[int]:
    """Return the place of each time stamp: a hole in a regular grid is as many places as it is long.

    Args:
        ordered: The time stamps.
        from_zero: Whether the first frame is shown at 0, so that another one is not the first.
    """
    distances = [later - earlier for earlier, later in pairwise(ordered)]
    places = list(range(1, len(ordered) + 1))
    if len(distances) < _MIN_DISTANCES:
        return places
    usual = median_low(distances)
    near = max(1.0, _NEAR * usual)  # time stamps are rounded to the container's unit
    steps = [round(distance / usual) for distance in distances]
    fits = all(
        step >= 1 and abs(distance - step * usual) <= near * step
        for step, distance in zip(steps, distances, strict=True)
    )
    if steps.count(1) < _REGULAR_SHARE * len(steps) or not fits:
        return places
    before = round(ordered[0] / usual)
    first = 1 + before if from_zero and 0 < before <= len(ordered) else 1
    return list(accumulate(steps, initial=first))


def _seconds(container: av.container.InputContainer) -> float:
    """Return the announced duration of the video stream, or of a container that has no other stream."""
    stream = container.streams.video[0]
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if tagged := _clock(stream.metadata.get("DURATION", "")):
        return tagged
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def _clock(text: str) -> float:
    """Return the seconds of a time such as Matroska's tag 00:00:03.720000000; 0 for another text."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return 0.0
    return 3600 * hours + 60 * minutes + seconds
