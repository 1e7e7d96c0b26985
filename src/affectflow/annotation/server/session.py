"""What one annotator has to do, and has done."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from affectflow.annotation.appended import place_of
from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.journal import Journal, Judgement, read_journal
from affectflow.annotation.sweeps import Sweeps
from affectflow.errors import UserError
from affectflow.tables import read_csv

_LONGEST_S = 120.0
"""A picture that took longer was left for something else, and does not count in the time that is left."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame of a batch."""

    batch: int
    frame: int
    file_name: str
    image_sha256: str

    @property
    def address(self) -> str:
        """Where the server shows it."""
        return f"/image/{self.batch}/{self.frame}/{self.image_sha256}"


def read_pictures(manifest: Path) -> dict[int, list[Picture]]:
    """Those of each batch, in order; raises :class:`UserError` where there is no manifest."""
    if not manifest.is_file():
        raise UserError(f"{manifest} does not exist; run snakemake {manifest} first.")
    found: dict[int, list[Picture]] = {}
    for row in read_csv(manifest, MANIFEST_COLUMNS):
        one = Picture(int(row["batch"]), int(row["frame"]), row["file_name"], row["image_sha256"])
        found.setdefault(one.batch, []).append(one)
    return found


def pictures_of(batches: Mapping[int, Sequence[Picture]], batch: int) -> Sequence[Picture]:
    """Raises :class:`UserError` where there is no such batch."""
    if batch not in batches:
        raise UserError(f"There is no batch {batch}; there are {len(batches)}.")
    return batches[batch]


class Sessions:
    """Those of all annotators of one server, by name."""

    def __init__(self, folder: Path, batches: Mapping[int, Sequence[Picture]], rate: float = 25.0) -> None:
        """``rate`` is that of the batches' films, in frames a second."""
        self.batches, self.rate = batches, rate
        self._folder = folder
        self._open: dict[str, Session] = {}
        self._films: dict[str, Sweeps] = {}

    def of(self, name: str) -> Session:
        """Raises :class:`UserError` for an impossible name, or one that is annotating elsewhere."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, Journal.file_name)
        if annotator not in self._open:
            self._open[annotator] = Session(Journal(path, annotator), self.batches)
        return self._open[annotator]

    def films_of(self, name: str) -> Sweeps:
        """The same annotator's traces of films; raises as :meth:`of`."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, Sweeps.file_name)
        if annotator not in self._films:
            self._films[annotator] = Sweeps(path, annotator)
        return self._films[annotator]

    def film(self, annotator: str, batch: int) -> dict[str, Any]:
        """All that the page shows of a film; raises :class:`UserError` where there is none of this number."""
        pictures = pictures_of(self.batches, batch)
        return {
            "batch": batch,
            "batches": list(self.batches),
            "frames": len(pictures),
            "rate": self.rate,
            "film": f"/film/{batch}.mp4",
            "points": self.films_of(annotator).trace(batch, [p.image_sha256 for p in pictures]),
        }

    def judgements(self) -> dict[str, Mapping[str, Judgement]]:
        """Of everybody who has a journal, by name and by SHA-256 of the picture; nothing is locked for it."""
        found: dict[str, Mapping[str, Judgement]] = {name: one.judgements for name, one in self._open.items()}
        for path in sorted(self._folder.glob(f"*/{Journal.file_name}")):
            if path.parent.name not in found:
                found[path.parent.name] = read_journal(path)
        return found

    def close(self) -> None:
        for session in self._open.values():
            session.close()
        for films in self._films.values():
            films.close()


class Session:
    """One annotator."""

    def __init__(self, journal: Journal, batches: Mapping[int, Sequence[Picture]]) -> None:
        self._journal = journal
        self._batches = batches
        self.close = journal.close

    @property
    def judgements(self) -> Mapping[str, Judgement]:
        """The latest of each picture, by SHA-256."""
        return self._journal.judgements

    def progress(self) -> list[dict[str, int]]:
        """Of each batch: how many pictures it has, and how many are judged."""
        done = self.judgements
        return [
            {"batch": batch, "pictures": len(pictures), "done": sum(p.image_sha256 in done for p in pictures)}
            for batch, pictures in self._batches.items()
        ]

    def first_open_batch(self) -> int:
        """That has a picture without a judgement; the first where all have one."""
        unfinished = (one["batch"] for one in self.progress() if one["done"] < one["pictures"])
        return next(unfinished, next(iter(self._batches)))

    def state(self, batch: int) -> dict[str, Any]:
        """All that the page shows of a batch; raises :class:`UserError` where there is none of this number."""
        pictures = pictures_of(self._batches, batch)
        done = self.judgements
        took = [min(one.seconds, _LONGEST_S) for one in done.values() if one.seconds > 0]
        return {
            "batch": batch,
            "progress": self.progress(),
            "pictures": [{"frame": p.frame, "image": p.address} for p in pictures],
            "judgements": {
                p.frame: {"valence": one.valence, "arousal": one.arousal, "verdict": one.verdict, "note": one.note}
                for p in pictures
                if (one := done.get(p.image_sha256)) is not None
            },
            "median_seconds": statistics.median(took) if took else None,
        }

    def judge(self, facts: Mapping[str, Any]) -> None:
        """Keep what the page sends; raises :class:`ValueError` for what is no judgement of a picture there is."""
        picture = self.picture(facts.get("batch"), facts.get("frame"))
        one = Judgement.of({**facts, "file_name": picture.file_name, "image_sha256": picture.image_sha256})
        seconds = one.seconds if isinstance(one.seconds, (int, float)) and one.seconds >= 0 else 0.0
        self._journal.judge(replace(one, seconds=round(float(seconds), 3)))

    def undo(self) -> Judgement | None:
        """Take the last judgement back, of whatever batch."""
        return self._journal.undo()

    def picture(self, batch: Any, frame: Any) -> Picture:
        """Raises :class:`ValueError` where there is none."""
        for one in self._batches.get(batch, ()) if isinstance(batch, int) else ():
            if one.frame == frame:
                return one
        raise ValueError("there is no such picture")
