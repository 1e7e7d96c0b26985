"""What one annotator has to do, and has done."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from affectflow.annotation.appended import place_of
from affectflow.annotation.guesses import Guesses
from affectflow.annotation.journal import Journal, Judgement, Kept, read_journal
from affectflow.annotation.server.order import Slot, most_informative, with_repeats
from affectflow.annotation.server.picture import Picture, pictures_of
from affectflow.annotation.sweeps import Sweeps

INFORMATIVE = "informative"
"""In place of a batch: the most informative pictures of all batches."""
_AT_ONCE, _LOOK_BACK = 20, 10
"""So many pictures are chosen at a time, and so many that were judged last lie before them, to go back to."""
_LONGEST_S = 120.0
"""A picture that took longer was left for something else, and does not count in the time that is left."""
Facts = dict[str, Any]


class Sessions:
    """Those of all annotators of one server, by name."""

    def __init__(
        self,
        folder: Path,
        batches: Mapping[int, Sequence[Picture]],
        rate: float = 25.0,
        repeats: float = 0.0,
        guesses: Guesses | None = None,
    ) -> None:
        """``rate`` is that of the batches' films, in frames a second; ``repeats`` is the share of pictures that are
        shown twice."""
        self.batches, self.rate = batches, rate
        self.guesses = guesses or Guesses()
        self._repeats = repeats
        self._folder = folder
        self._open: dict[str, Session] = {}
        self._films: dict[str, Sweeps] = {}

    def of(self, name: str) -> Session:
        """Raises :class:`UserError` for an impossible name, or one that is annotating elsewhere."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, Journal.file_name)
        if annotator not in self._open:
            journal = Journal(path, annotator)
            self._open[annotator] = Session(journal, annotator, self.batches, self._repeats, self.guesses)
        return self._open[annotator]

    def films_of(self, name: str) -> Sweeps:
        """The same annotator's traces of films; raises as :meth:`of`."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, Sweeps.file_name)
        if annotator not in self._films:
            self._films[annotator] = Sweeps(path, annotator)
        return self._films[annotator]

    def film(self, annotator: str, batch: int) -> Facts:
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

    def kept(self) -> dict[str, Kept]:
        """Of everybody who has a journal, by name; nothing is locked for it."""
        found = {name: one.kept for name, one in self._open.items()}
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

    def __init__(
        self,
        journal: Journal,
        annotator: str,
        batches: Mapping[int, Sequence[Picture]],
        repeats: float,
        guesses: Guesses,
    ) -> None:
        self._journal, self._annotator = journal, annotator
        self._batches, self._guesses, self._repeats = batches, guesses, repeats
        # The same for one annotator and batch whenever the server is started.
        self._slots = {
            batch: with_repeats(pictures, repeats, Random(f"{annotator} {batch}"))
            for batch, pictures in batches.items()
        }
        self.close = journal.close

    @property
    def kept(self) -> Kept:
        return self._journal.kept

    def state(self, batch: int | str | None, wanted: tuple[str, bool] | None = None) -> Facts:
        """All that the page shows of a batch, or of :data:`INFORMATIVE`; None is the first that is not done.

        ``wanted`` (SHA-256, and whether it is the second time) is among the pictures if there is such a one. Raises
        :class:`affectflow.errors.UserError` where there is no batch of this number.
        """
        latest = self.kept.latest
        slots: list[Slot] = []
        if batch == INFORMATIVE:
            slots = self._informative(latest, wanted)
        if not slots:  # nothing is left to be informed of
            batch = batch if isinstance(batch, int) else self._first_open(latest)
            pictures_of(self._batches, batch)
            slots = self._slots[batch]
        took = [min(one.seconds, _LONGEST_S) for one in latest.values() if one.seconds > 0]
        shown = {slot.key for slot in slots}
        others = [slot.key for slot in self._all() if slot.key not in shown] if batch == INFORMATIVE else []
        return {
            "batch": batch,
            "model": self._guesses.model,
            "progress": list(self._progress(latest)),
            "pictures": [self._shown(slot, latest.get(slot.key)) for slot in slots],
            "elsewhere": {"pictures": len(others), "done": sum(key in latest for key in others)},
            "median_seconds": statistics.median(took) if took else None,
        }

    def judge(self, facts: Mapping[str, Any]) -> None:
        """Keep what the page sends; raises :class:`ValueError` for what is no judgement of a picture there is."""
        picture = self._picture(facts.get("batch"), facts.get("frame"))
        one = Judgement.of({**facts, "file_name": picture.file_name, "image_sha256": picture.image_sha256})
        seconds = one.seconds if isinstance(one.seconds, (int, float)) and one.seconds >= 0 else 0.0
        self._journal.judge(replace(one, seconds=round(float(seconds), 3)))

    def undo(self) -> Judgement | None:
        """Take the last judgement back, of whatever batch."""
        return self._journal.undo()

    def guess(self, facts: Mapping[str, Any]) -> tuple[float, float] | None:
        """The model's valence and arousal of a picture, None where it has none; that they were asked for is kept.

        Raises :class:`ValueError` where there is no such picture.
        """
        picture = self._picture(facts.get("batch"), facts.get("frame"))
        guess = self._guesses.by_picture.get(picture.image_sha256)
        if guess is None:
            return None
        self._journal.show(picture.image_sha256, self._guesses.model, [guess.valence, guess.arousal])
        return guess.valence, guess.arousal

    def _all(self) -> Iterator[Slot]:
        """Each picture once."""
        return (slot for slots in self._slots.values() for slot in slots if not slot.again)

    def _progress(self, latest: Mapping[tuple[str, bool], Judgement]) -> Iterator[Facts]:
        for batch, slots in self._slots.items():
            yield {"batch": batch, "pictures": len(slots), "done": sum(slot.key in latest for slot in slots)}

    def _first_open(self, latest: Mapping[tuple[str, bool], Judgement]) -> int:
        """The batch that has a picture without a judgement; the first where all have one."""
        unfinished = (one["batch"] for one in self._progress(latest) if one["done"] < one["pictures"])
        return next(unfinished, next(iter(self._batches)))

    def _informative(self, latest: Mapping[tuple[str, bool], Judgement], wanted: tuple[str, bool] | None) -> list[Slot]:
        """Those that were judged last, and what is to be judged now; none where all are judged."""
        pictures = {slot.picture.image_sha256: slot.picture for slot in self._all()}
        left = [one for sha, one in pictures.items() if (sha, False) not in latest]
        points = [(one.valence, one.arousal) for one in self.kept.judgements.values() if not one.verdict]
        chosen = most_informative(left, self._guesses.by_picture, points, _AT_ONCE)  # type: ignore[arg-type]
        keys = [key for key in latest if key[0] in pictures]
        before = [pictures[sha] for sha, again in keys if not again]
        repeated = {sha for sha, again in keys if again}
        slots = with_repeats(chosen, self._repeats, Random(f"{self._annotator} {len(latest)}"), before, repeated)
        if wanted is not None and wanted not in latest and wanted[0] in pictures:
            first = Slot(pictures[wanted[0]], wanted[1])
            slots = [first, *(slot for slot in slots if slot.key != first.key)]
        return [Slot(pictures[sha], again) for sha, again in keys[-_LOOK_BACK:]] + slots if slots else []

    def _shown(self, slot: Slot, judged: Judgement | None) -> Facts:
        one = slot.picture
        facts: Facts = {"batch": one.batch, "frame": one.frame, "again": slot.again, "image": one.address}
        if judged is not None:
            facts["judgement"] = {name: getattr(judged, name) for name in ("valence", "arousal", "verdict", "note")}
        return facts

    def _picture(self, batch: Any, frame: Any) -> Picture:
        """Raises :class:`ValueError` where there is none."""
        for one in self._batches.get(batch, ()) if isinstance(batch, int) else ():
            if one.frame == frame:
                return one
        raise ValueError("there is no such picture")
