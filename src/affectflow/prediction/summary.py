"""What the predictions of a video, or of the images of a folder, say in sum: one row for each source and face."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from affectflow import facs
from affectflow.facs.expression import THRESHOLD
from affectflow.prediction.table import Row
from affectflow.tables.csv_files import write_csv

_AFFECT = ("valence", "arousal")
_MINUTE = 60.0


class Summary:
    """Sums over rows of predictions, in memory that does not grow with their number."""

    def __init__(self, columns: Sequence[str], thresholds: Mapping[str, float]) -> None:
        """Begin without any rows.

        Args:
            columns: Those of the table of predictions.
            thresholds: Probability from which an AU is present, by AU.
        """
        units = {facs.label(unit) for unit in range(1, facs.COUNT + 1)}
        self._units = [name for name in columns if name in units]
        self._affect = [name for name in _AFFECT if name in columns]
        self._thresholds = np.array([thresholds.get(name, THRESHOLD) for name in self._units])
        self._sources: dict[tuple[str | None, str], _Source] = {}

    def add(self, rows: Sequence[Row], video: str | None) -> None:
        """Take in the rows of an image.

        Args:
            rows: One for each face, or one without a face.
            video: A name that no other video or camera has, of whose frames this is one; what ended one is no frame.
                None for an image file.
        """
        first = rows[0]
        name = first["source"] if video is not None else str(Path(first["source"]).parent)
        source = self._sources.setdefault((video, name), _Source(video is not None))
        if video is not None and first["frame"] is None:
            source.problem = first["problem"]
            return
        source.see(first["time"])
        for row in rows:
            if not row["face"]:
                continue
            face = source.faces.setdefault(row["face"], _Face(len(self._units), len(self._affect)))
            probabilities = np.array([row[unit] for unit in self._units], np.float64)
            affect = np.array([row[name] for name in self._affect], np.float64)
            # A face that was lost for an image begins anew.
            face.add(probabilities, probabilities >= self._thresholds, affect, follows=face.last == source.images - 1)
            face.last = source.images

    def write(self, out: Path) -> None:
        """Write a CSV file.

        Columns: ``source``, a video or the folder of images; ``face``, 0 where none was found; ``images``, those with
        the face; ``without``, those without it; ``minutes`` of a video with the face; ``problem``, what ended a video;
        and for each AU its rate (the share of the images in which it is present), its mean probability and, of videos,
        its onsets a minute; for valence and arousal the mean and the standard deviation.

        Args:
            out: The file.
        """
        measures = [f"{unit}_{what}" for unit in self._units for what in ("rate", "mean", "onsets_per_minute")]
        measures += [f"{name}_{what}" for name in self._affect for what in ("mean", "sd")]
        write_csv(
            out, ("source", "face", "images", "without", "minutes", "problem", *measures), self._rows(len(measures))
        )

    def _rows(self, measures: int) -> Iterator[list[Any]]:
        for (_, name), source in self._sources.items():
            if not source.faces:
                yield [name, 0, 0, source.images, "", source.problem, *[""] * measures]
            for number, face in sorted(source.faces.items()):
                minutes = face.images * source.interval / _MINUTE if source.is_video else math.nan
                cells = [number, face.images, source.images - face.images, _shown(minutes), source.problem]
                yield [name, *cells, *map(_shown, face.measures(minutes))]


@dataclass(slots=True)
class _Source:
    is_video: bool
    images: int = 0
    first: float = math.nan
    latest: float = math.nan
    problem: str = ""
    faces: dict[int, _Face] = field(default_factory=dict)

    def see(self, time: float | None) -> None:
        self.images += 1
        if time is not None:
            self.first = time if math.isnan(self.first) else self.first
            self.latest = time

    @property
    def interval(self) -> float:
        """Seconds from an image to the next; NaN of fewer than two, or of a video without times."""
        span = self.latest - self.first
        return span / (self.images - 1) if self.images > 1 and span > 0 else math.nan


class _Face:
    """Sums over the images of a face."""

    def __init__(self, units: int, affect: int) -> None:
        self.images = self.last = 0
        self._probability, self._present, self._onsets = (np.zeros(units) for _ in range(3))
        self._before = np.zeros(units, bool)
        self._affect, self._squares = np.zeros(affect), np.zeros(affect)

    def add(self, probabilities: Any, present: Any, affect: Any, follows: bool) -> None:
        self.images += 1
        self._probability += probabilities
        self._present += present
        self._onsets += present & ~(self._before if follows else np.zeros_like(present))
        self._before = present
        change = affect - self._affect  # Welford 1962
        self._affect += change / self.images
        self._squares += change * (affect - self._affect)

    def measures(self, minutes: float) -> Iterator[float]:
        for present, probability, onsets in zip(self._present, self._probability, self._onsets, strict=True):
            yield from (present / self.images, probability / self.images, onsets / minutes)
        for mean, squares in zip(self._affect, self._squares, strict=True):
            yield from (mean, math.sqrt(squares / (self.images - 1)) if self.images > 1 else math.nan)


def _shown(value: float) -> str | float:
    return "" if math.isnan(value) else float(f"{value:.6g}")
