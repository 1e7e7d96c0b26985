"""What one annotator has to do, and has done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from affectflow.annotation.model_predictions import Guesses
from affectflow.annotation.rating_log import Journal, Judgement, Kept, read_journal
from affectflow.annotation.server.image import Picture, pictures_of
from affectflow.annotation.server.order import Slot, most_informative, with_repeats
from affectflow.annotation.server.progress import median_seconds
from affectflow.annotation.server.video import Film
from affectflow.annotation.trace_log import Sweeps, Traced, read_traces
from affectflow.core.append_log import place_of
from affectflow.core.errors import UserError

INFORMATIVE = "informative"
"""In place of a batch: the most informative pictures of all batches."""
_AT_ONCE, _LOOK_BACK = 20, 10
"""So many pictures are chosen at a time, and so many that were judged last lie before them, to go back to."""
Facts = dict[str, Any]
T = TypeVar("T")


class Sessions:
    """Those of all annotators of one server, by name."""

    def __init__(
        self,
        folder: Path,
        batches: Mapping[int, Sequence[Picture]],
        films: Sequence[Film],
        repeats: float = 0.0,
        guesses: Guesses | None = None,
        kind: type[Sweeps] = Sweeps,
    ) -> None:
        """``repeats`` is the share of pictures that are shown twice; ``kind`` that of the films' traces."""
        self._kind = kind
        self.batches = batches
        self.films = list(films)
        self.guesses = guesses or Guesses()
        self._repeats = repeats
        self._folder = folder
        self._open: dict[str, Session] = {}
        self._sweeps: dict[str, Sweeps] = {}

    def of(self, name: str) -> Session:
        """Raises :class:`UserError` for an impossible name, or one that is annotating elsewhere."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, Journal.file_name)
        if annotator not in self._open:
            journal = Journal(path, annotator)
            self._open[annotator] = Session(journal, annotator, self.batches, self._repeats, self.guesses)
        return self._open[annotator]

    def film_of(self, name: str) -> Film:
        """Raises :class:`UserError` where there is none of this name."""
        return self._numbered(name)[1]

    def film(self, annotator: str, name: str) -> Facts:
        """All that the page shows of a film; raises :class:`UserError` where there is none of this name."""
        number, film = self._numbered(name)
        reel = film.reel
        return {
            "film": film.name,
            "films": [{"name": one.name, "title": one.title} for one in self.films],
            "stills": bool(self.batches),
            "times": reel.times,
            "address": f"/film/{number}/{reel.cut}",
            "points": self._sweeps_of(annotator).trace(film.name, reel.cut),
        }

    def sweep(self, annotator: str, name: str, points: Sequence[Any]) -> None:
        """Keep a part of a trace; raises as :meth:`film` and :meth:`affectflow.annotation.trace_log.Sweeps.sweep`."""
        film = self.film_of(name)
        self._sweeps_of(annotator).sweep(film.name, points, film.reel.cut, len(film.reel.times))

    def kept(self) -> dict[str, Kept]:
        """Of everybody who has a journal, by name; nothing is locked for it."""
        return self._of_all(Journal.file_name, {name: one.kept for name, one in self._open.items()}, read_journal)

    def traced(self) -> dict[str, Traced]:
        """Of everybody who has traced a film, likewise; a copy."""
        found = {name: one.traced.copy() for name, one in self._sweeps.items()}
        return self._of_all(self._kind.file_name, found, read_traces)

    def _of_all(self, file_name: str, found: dict[str, T], read: Callable[[Path], T]) -> dict[str, T]:
        for path in sorted(self._folder.glob(f"*/{file_name}")):
            if path.parent.name not in found:
                found[path.parent.name] = read(path)
        return found

    def _sweeps_of(self, name: str) -> Sweeps:
        """Raises as :meth:`of`."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, self._kind.file_name)
        if annotator not in self._sweeps:
            self._sweeps[annotator] = self._kind(path, annotator)
        return self._sweeps[annotator]

    def _numbered(self, name: str) -> tuple[int, Film]:
        found = next(((i, film) for i, film in enumerate(self.films) if film.name == name), None)
        if found is None:
            raise UserError(f"There is no film {name[:80]!r} here; reload the page.")
        return found

    def close(self) -> None:
        for session in self._open.values():
            session.close()
        for sweeps in self._sweeps.values():
            sweeps.close()


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
        # The same for one annotator whenever the server is started, and for batches that others were added to.
        every = [picture for pictures in batches.values() for picture in pictures]
        self._slots: dict[int, list[Slot]] = {batch: [] for batch in batches}
        batch = 0
        for slot in with_repeats(every, repeats, Random(annotator)):
            batch = batch if slot.again else slot.picture.batch
            self._slots[batch].append(slot)
        self.close = journal.close

    @property
    def kept(self) -> Kept:
        return self._journal.kept

    def state(self, batch: int | str | None, wanted: tuple[str, bool] | None = None) -> Facts:
        """All that the page shows of a batch, or of :data:`INFORMATIVE`; None is the first that is not done.

        ``wanted`` (SHA-256, and whether it is the second time) is among the pictures if there is such a one. Raises
        :class:`affectflow.core.errors.UserError` where there is no batch of this number.
        """
        latest = self.kept.latest
        slots: list[Slot] = []
        if not self._batches:
            raise UserError("There are no pictures here, only films.")
        if batch == INFORMATIVE:
            slots = self._informative(latest, wanted)
        if not slots:  # nothing is left to be informed of
            batch = batch if isinstance(batch, int) else self._first_open(latest)
            pictures_of(self._batches, batch)
            slots = self._slots[batch]
        shown = {slot.key for slot in slots}
        others = [slot.key for slot in self._all() if slot.key not in shown] if batch == INFORMATIVE else []
        return {
            "batch": batch,
            "model": self._guesses.model,
            "progress": list(self._progress(latest)),
            "pictures": [self._shown(slot, latest.get(slot.key)) for slot in slots],
            "elsewhere": {"pictures": len(others), "done": sum(key in latest for key in others)},
            "median_seconds": median_seconds(latest.values()),
        }

    def judge(self, facts: Mapping[str, Any]) -> None:
        """Keep what the page sends; raises :class:`ValueError` for what is no judgement of a picture there is."""
        picture = self._picture(facts.get("batch"), facts.get("frame"))
        one = Judgement.of({**facts, "file_name": picture.file_name, "image_sha256": picture.image_sha256})
        seconds = one.seconds if isinstance(one.seconds, (int, float)) and one.seconds >= 0 else 0.0
        self._journal.judge(replace(one, seconds=round(float(seconds), 3)))

    def undo(self) -> Facts | None:
        """Take the last judgement back, of whatever batch; says of which picture it was, and among which batch's
        pictures (``view``) that is shown. None where nothing is left to take back, or the picture is gone."""
        taken = self._journal.undo()
        if taken is None:
            return None
        key = taken.image_sha256, taken.again
        pictures = (slot.picture for slot in self._all() if slot.picture.image_sha256 == taken.image_sha256)
        if (one := next(pictures, None)) is None:
            return None
        places = (batch for batch, slots in self._slots.items() if key in {slot.key for slot in slots})
        facts = {"batch": one.batch, "frame": one.frame, "sha256": one.image_sha256, "again": taken.again}
        return {**facts, "view": next(places, one.batch)}

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
        # Those that come twice are the same as where batches are gone through.
        twice = {slot.picture.image_sha256 for slots in self._slots.values() for slot in slots if slot.again}
        repeated = {sha for sha, again in keys if again}
        random = Random(f"{self._annotator} {len(latest)}")
        slots = with_repeats(chosen, self._repeats, random, before, repeated, twice)
        behind = [Slot(pictures[sha], again) for sha, again in keys[-_LOOK_BACK:]]
        if wanted is not None and wanted[0] in pictures and wanted not in {slot.key for slot in behind}:
            first = Slot(pictures[wanted[0]], wanted[1])
            slots = [first, *(slot for slot in slots if slot.key != first.key)]
        return behind + slots if slots else []

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
