"""Merging of traces of own videos to a data set in Aff-Wild's layout (:mod:`affectflow.datasets.affwild`)."""

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
from affectflow.annotation.find_video import AnnotationVideo
from affectflow.annotation.own_videos import find_videos, stem_of, times_of
from affectflow.annotation.rating_log import RatingLog
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.trace_log import TraceLog
from affectflow.annotation.traces import read_folder
from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.datasets.affwild import NO_LABEL
from affectflow.tables.csv_files import read_csv, write_csv

_DIMENSION_SUFFIX = re.compile(rf"[ ._-]*(?:{'|'.join(DIMENSIONS)})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged video, its number of frames, and the number of frames with neither valence nor arousal."""

    name: str
    frames: int
    without: int


def merge_videos(traces: Path, videos: Path, out: Path, merge_options: MergeOptions) -> list[Merged]:
    """Write the labels of every traced video, and a link to it.

    ``out`` gets ``annotations/train/valence/NAME.txt`` and ``arousal``, with a line per frame, -5 for a frame that was
    not traced; the link ``videos/train/NAME.mp4`` (or ``.avi``); ``annotators.csv`` and ``annotator_agreement.csv``;
    and ``merged_videos.csv``, which lists the videos. Labels of a listed video whose traces were removed are deleted.

    Args:
        traces: Folder of traces, with a sub-folder for each annotator.
        videos: Folder of videos.
        out: Folder of the data set.
        merge_options: Options of merging.

    Returns:
        The merged videos.

    Raises:
        UserError: A traced video is missing, has changed or does not fit its trace, or a file of another origin would
            be overwritten.
    """
    _check_apart(traces, videos, out)
    paths = {stem_of(name): path for name, path in find_videos(videos).items()}
    traced: dict[str, AnnotationVideo] = {}
    tracks = read_folder(
        traces,
        exclude=[RatingLog.file_name, TraceLog.file_name],
        videos={},
        trace_range=merge_options.trace_range,
        how_to_trace=f"trace a video with affectflow annotate --videos {videos} first",
        find_video=partial(_find_video, paths, traced),
    )
    consensus = Consensus.of(tracks, {video.number: video for video in traced.values()}, merge_options)
    table = out / "merged_videos.csv"
    before = [row["video"] for row in read_csv(table, MERGED_COLUMNS)] if table.is_file() else []
    now = {paths[stem].stem: paths[stem] for stem in traced}
    for name, path in now.items():
        _check_free(name, path, out, name in before)
    # Written first, so that labels are known to be ours even if this is killed after writing some of them.
    write_csv(table, MERGED_COLUMNS, ((name,) for name in sorted({*before, *now})))
    merged = []
    first = 0
    for (name, path), video in zip(now.items(), traced.values(), strict=True):
        frames = slice(first, first + len(video.images))
        first = frames.stop
        columns = [consensus.means[dimension].mean[frames] for dimension in DIMENSIONS]
        _write(name, path, out, columns)
        merged.append(Merged(str(video), len(video.images), int(np.isnan(columns).all(axis=0).sum())))
    for name in before:
        if name not in now:
            _remove(name, out)
    consensus.write(out / "annotator_agreement.csv", out / "annotators.csv")
    write_csv(table, MERGED_COLUMNS, ((name,) for name in sorted(now)))
    return merged


def _check_apart(traces: Path, videos: Path, out: Path) -> None:
    """Check that the output will not be read as a trace or a video the next time."""
    target = out.resolve()
    if target.is_relative_to(traces.resolve()):
        raise UserError(f"{out} is in the folder of traces; name another folder.")
    if target.is_relative_to(videos.resolve()):
        raise UserError(f"{out} is in the folder of videos; name another folder.")
    if videos.resolve() != target / "videos/train" and videos.resolve().is_relative_to(target / "videos"):
        raise UserError(f"{videos} is where {out} has its links; name another folder.")


def _label_paths(name: str, out: Path) -> list[Path]:
    return [out / "annotations/train" / dimension / f"{name}.txt" for dimension in DIMENSIONS]


def _link_path(name: str, video: Path, out: Path) -> Path:
    return out / "videos/train" / f"{name}{'.avi' if video.suffix.lower() == '.avi' else '.mp4'}"


def _check_free(name: str, video: Path, out: Path, ours: bool) -> None:
    """Check that no file of another origin would be overwritten; ``ours`` says that the labels are known."""
    labels = next((path for path in _label_paths(name, out) if path.exists()), None)
    if labels is not None and not ours:
        raise UserError(f"{labels} was not written by merge-videos; name another folder.")
    link = _link_path(name, video, out)
    if link.exists() and not link.is_symlink() and link.resolve() != video.resolve():
        raise UserError(f"{link} is not a link to {video}; give another folder.")


def _find_video(
    paths: Mapping[str, Path], traced: dict[str, AnnotationVideo], path: Path, video: str
) -> AnnotationVideo:
    """Find the video that a trace names, or the one that has the trace's name without the dimension.

    Each video is decoded once, when its first trace is read, and added to ``traced``.
    """
    stem = stem_of((video or _DIMENSION_SUFFIX.sub("", path.stem) + path.suffix).replace("\\", "/"))
    if stem not in paths:
        named = f"traces the video {video!r}" if video else "is not named after a video"
        raise UserError(f"{path} {named}; the videos are {', '.join(sorted(one.name for one in paths.values())[:20])}.")
    if stem not in traced:
        times, _ = times_of(paths[stem])
        traced[stem] = AnnotationVideo(
            number=len(traced) + 1,
            images=[f"{stem}/{frame}" for frame in range(1, len(times) + 1)],
            times=np.array(times),
            digests=[file_sha256(paths[stem])],
            name=paths[stem].name,
        )
    return traced[stem]


def _write(name: str, video: Path, out: Path, columns: Sequence[NDArray[np.float64]]) -> None:
    """Write the labels and the link of a video; ``columns`` [frames] are in the order of ``DIMENSIONS``."""
    for path, column in zip(_label_paths(name, out), columns, strict=True):
        with atomic_write(path) as partial_path:
            partial_path.write_text("".join(f"{NO_LABEL if np.isnan(v) else round(v, 6):g}\n" for v in column))
    link = _link_path(name, video, out)
    if not link.exists() or link.resolve() != video.resolve():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(video.resolve())


def _remove(name: str, out: Path) -> None:
    links = (out / "videos/train" / f"{name}{suffix}" for suffix in (".mp4", ".avi"))
    for path in (*_label_paths(name, out), *(link for link in links if link.is_symlink())):
        path.unlink(missing_ok=True)
