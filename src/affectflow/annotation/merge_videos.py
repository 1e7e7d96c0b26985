"""Traces of one's own videos -> a data set in Aff-Wild's layout (:mod:`affectflow.datasets.affwild`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import MERGED_COLUMNS
from affectflow.annotation.consensus import Consensus, MergeOptions
from affectflow.annotation.own_videos import digest_of, find_videos, stem_of, times_of
from affectflow.annotation.rating_log import Journal
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.trace_log import TraceLog
from affectflow.annotation.traces import Batch, find_traces, read_tracks
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.datasets.affwild import NO_LABEL
from affectflow.tables.csv_files import read_csv, write_csv

_OF_DIMENSION = re.compile(rf"[ ._-]*(?:{'|'.join(DIMENSIONS)})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merged:
    """A video, how many frames it has, and how many of them have neither valence nor arousal."""

    name: str
    frames: int
    without: int


def merge_videos(traces: Path, videos: Path, out: Path, merge_options: MergeOptions) -> list[Merged]:
    """Write labels of every video that was traced, and a link to it; returns these videos.

    ``out`` gets ``annotations/train/valence/NAME.txt`` and ``arousal``, a line a frame, -5 where nobody traced it;
    ``videos/train/NAME.mp4`` (or ``.avi``), a link; ``annotators.csv`` and ``annotator_agreement.csv``; and
    ``merged_videos.csv``, by which labels of videos that are traced no more are known, and removed. Raises
    :class:`UserError` for traces of videos that are not there, or are others now, or do not fit them, and rather than
    overwriting labels of another origin.
    """
    _check_apart(traces, videos, out)
    paths = {stem_of(name): path for name, path in find_videos(videos).items()}
    batches: dict[str, Batch] = {}
    find = partial(_video_of, paths, batches)
    files = find_traces(traces, without=[Journal.file_name, TraceLog.file_name])
    tracks = [track for path in files for track in read_tracks(path, traces, {}, merge_options.trace_range, find)]
    if not tracks:
        raise UserError(f"{traces} holds no trace; trace a video with affectflow annotate --videos {videos} first.")
    consensus = Consensus.of(tracks, {batch.number: batch for batch in batches.values()}, merge_options)
    found = [(paths[stem].stem, paths[stem], batch) for stem, batch in batches.items()]
    table = out / "merged_videos.csv"
    before = [row["video"] for row in read_csv(table, MERGED_COLUMNS)] if table.is_file() else []
    for name, video, _ in found:
        _check_free(name, video, out, name in before)
    # Before anything is written: what a kill leaves is known the next time.
    known = sorted({*before, *(name for name, _, _ in found)})
    write_csv(table, MERGED_COLUMNS, ((name,) for name in known))
    merged = []
    first = 0
    for name, video, batch in found:
        frames = slice(first, first + len(batch.images))
        first = frames.stop
        columns = [consensus.means[dimension].mean[frames] for dimension in DIMENSIONS]
        _write(name, video, out, columns)
        merged.append(Merged(str(batch), len(batch.images), int(np.isnan(columns).all(axis=0).sum())))
    now = {name for name, _, _ in found}
    for name in before:
        if name not in now:
            _remove(name, out)
    consensus.write(out / "annotator_agreement.csv", out / "annotators.csv")
    write_csv(table, MERGED_COLUMNS, ((name,) for name in sorted(now)))
    return merged


def _check_apart(traces: Path, videos: Path, out: Path) -> None:
    """What is written must not be read as a trace or a video the next time."""
    target = out.resolve()
    if target.is_relative_to(traces.resolve()):
        raise UserError(f"{out} lies in the folder of traces; name another folder.")
    if target.is_relative_to(videos.resolve()):
        raise UserError(f"{out} lies in the folder of videos; name another folder.")
    if videos.resolve() != target / "videos/train" and videos.resolve().is_relative_to(target / "videos"):
        raise UserError(f"{videos} is where {out} has its links; name another folder.")


def _labels(name: str, out: Path) -> list[Path]:
    return [out / "annotations/train" / dimension / f"{name}.txt" for dimension in DIMENSIONS]


def _link_of(name: str, video: Path, out: Path) -> Path:
    return out / "videos/train" / f"{name}{'.avi' if video.suffix.lower() == '.avi' else '.mp4'}"


def _check_free(name: str, video: Path, out: Path, ours: bool) -> None:
    labels = next((path for path in _labels(name, out) if path.exists()), None)
    if labels is not None and not ours:
        raise UserError(f"{labels} was not written by merge-videos; name another folder.")
    link = _link_of(name, video, out)
    if link.exists() and not link.is_symlink() and link.resolve() != video.resolve():
        raise UserError(f"{link} is another video than {video}; name another folder.")


def _video_of(videos: Mapping[str, Path], batches: dict[str, Batch], path: Path, video: str) -> Batch:
    """By the video that a trace names, or by its own name without the dimension; opened when it is first wanted."""
    stem = stem_of((video or _OF_DIMENSION.sub("", path.stem) + path.suffix).replace("\\", "/"))
    if stem not in videos:
        named = f"traces the video {video!r}" if video else "is not named after a video"
        raise UserError(f"{path} {named}; known are {', '.join(sorted(one.name for one in videos.values())[:20])}.")
    if stem not in batches:
        times, _ = times_of(videos[stem])
        names = [f"{stem}/{frame}" for frame in range(1, len(times) + 1)]
        digests = [digest_of(videos[stem])]
        batches[stem] = Batch(len(batches) + 1, names, np.array(times), digests, videos[stem].name)
    return batches[stem]


def _write(name: str, video: Path, out: Path, columns: Sequence[NDArray[np.float64]]) -> None:
    """Labels and link of a video; ``columns`` [frames] are in the order of ``DIMENSIONS``."""
    for path, column in zip(_labels(name, out), columns, strict=True):
        with atomic_write(path) as partial_path:
            partial_path.write_text("".join(f"{NO_LABEL if np.isnan(v) else round(v, 6):g}\n" for v in column))
    link = _link_of(name, video, out)
    if not link.exists() or link.resolve() != video.resolve():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(video.resolve())


def _remove(name: str, out: Path) -> None:
    links = (out / "videos/train" / f"{name}{ending}" for ending in (".mp4", ".avi"))
    for path in (*_labels(name, out), *(link for link in links if link.is_symlink())):
        path.unlink(missing_ok=True)
