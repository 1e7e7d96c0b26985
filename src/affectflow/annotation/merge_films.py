"""Traces of one's own films -> a data set in Aff-Wild's layout (:mod:`affectflow.datasets.affwild`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from affectflow.annotation.clips import digest_of, find_clips, stem_of, times_of
from affectflow.annotation.consensus import Consensus, Wishes
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.traces import Batch, find_traces, read_tracks
from affectflow.datasets.affwild import NO_LABEL
from affectflow.errors import UserError
from affectflow.tables import whole

_OF_DIMENSION = re.compile(rf"[ ._-]*(?:{'|'.join(DIMENSIONS)})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merged:
    """A film, how many frames it has, and how many of them have neither valence nor arousal."""

    name: str
    frames: int
    without: int


def merge_films(traces: Path, films: Path, out: Path, wishes: Wishes) -> list[Merged]:
    """Write labels of every film that was traced, and a link to it; returns these films.

    ``out`` gets ``annotations/train/valence/NAME.txt`` and ``arousal``, a line a frame, -5 where nobody traced it;
    ``videos/train/NAME.mp4`` (or ``.avi``), a link; ``annotators.csv`` and ``annotator_agreement.csv``. Raises
    :class:`UserError` for traces of films that are not there, or are others now, or do not fit them.
    """
    clips = {stem_of(name): path for name, path in find_clips(films).items()}
    batches: dict[str, Batch] = {}
    find = partial(_film_of, clips, batches)
    tracks = [
        track for path in find_traces(traces) for track in read_tracks(path, traces, {}, wishes.trace_range, find)
    ]
    if not tracks:
        raise UserError(f"{traces} holds no trace; trace a film with affectflow annotate --films {films} first.")
    by_number = {batch.number: batch for batch in batches.values()}
    consensus = Consensus.of(tracks, by_number, wishes)
    merged = []
    first = 0
    for stem, batch in batches.items():
        frames = slice(first, first + len(batch.images))
        first = frames.stop
        name = clips[stem].stem
        columns = [consensus.means[dimension].mean[frames] for dimension in DIMENSIONS]
        for dimension, column in zip(DIMENSIONS, columns, strict=True):
            with whole(out / "annotations/train" / dimension / f"{name}.txt") as partial_path:
                partial_path.write_text("".join(f"{NO_LABEL if np.isnan(v) else round(v, 6):g}\n" for v in column))
        _link(clips[stem], out / "videos/train" / f"{name}{'.avi' if clips[stem].suffix.lower() == '.avi' else '.mp4'}")
        merged.append(Merged(str(batch), len(batch.images), int(np.isnan(columns).all(axis=0).sum())))
    consensus.write(out / "annotator_agreement.csv", out / "annotators.csv")
    return merged


def _film_of(clips: Mapping[str, Path], batches: dict[str, Batch], path: Path, film: str) -> Batch:
    """By the film that a trace names, or by its own name without the dimension; opened when it is first wanted."""
    stem = stem_of((film or _OF_DIMENSION.sub("", path.stem) + path.suffix).replace("\\", "/"))
    if stem not in clips:
        named = f"traces the film {film!r}" if film else "is not named after a film"
        raise UserError(f"{path} {named}; known are {', '.join(sorted(one.name for one in clips.values())[:20])}.")
    if stem not in batches:
        times = times_of(clips[stem])
        names = [f"{stem}/{frame}" for frame in range(1, len(times) + 1)]
        digests = [digest_of(clips[stem])]
        batches[stem] = Batch(len(batches) + 1, names, np.array(times), digests, clips[stem].name)
    return batches[stem]


def _link(film: Path, link: Path) -> None:
    """Raises :class:`UserError` where another file lies there."""
    if link.exists() and link.resolve() == film.resolve():
        return
    if link.exists() and not link.is_symlink():
        raise UserError(f"{link} is another film than {film}; name another folder.")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(film.resolve())
