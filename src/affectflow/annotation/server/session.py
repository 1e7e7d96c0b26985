"""What one annotator has to do, and has done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from affectflow.annotation.model_predictions import ModelPredictions
from affectflow.annotation.rating_log import Journal, Judgement, Kept, read_journal
from affectflow.annotation.server.image import Image, images_of
from affectflow.annotation.server.order import Slot, most_informative, with_repeats
from affectflow.annotation.server.progress import median_seconds
from affectflow.annotation.server.video import Video
from affectflow.annotation.trace_log import Traced, TraceLog, read_traces
from affectflow.core.append_log import place_of
from affectflow.core.errors import UserError

INFORMATIVE = "informative"
"""In place of a batch: the most informative images of all batches."""
_AT_ONCE, _LOOK_BACK = 20, 10
"""So many images are chosen at a time, and so many that were judged last lie before them, to go back to."""
Facts = dict[str, Any]
T = TypeVar("T")


class Sessions:
    """Those of all annotators of one server, by name."""

    def __init__(
        self,
        folder: Path,
        batches: Mapping[int, Sequence[Image]],
        videos: Sequence[Video],
        repeats: float = 0.0,
        predictions: ModelPredictions | None = None,
        kind: type[TraceLog] = TraceLog,
    ) -> None:
        """``repeats`` is the share of images that are shown twice; ``kind`` that of the videos' traces."""
        self._kind = kind
        self.batches = batches
        self.videos = list(videos)
        self.predictions = predictions or ModelPredictions()
        self._repeats = repeats
        self._folder = folder
        self._open: dict[str, Session] = {}
        self._sweeps: dict[str, TraceLog] = {}

    def of(self, name: str) -> Session:
        """Raises :class:`UserError` for an impossible name, or one that is annotating elsewhere."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, Journal.file_name)
        if annotator not in self._open:
            journal = Journal(path, annotator)
            self._open[annotator] = Session(journal, annotator, self.batches, self._repeats, self.predictions)
        return self._open[annotator]

    def video_of(self, name: str) -> Video:
        """Raises :class:`UserError` where there is none of this name."""
        return self._numbered(name)[1]

    def video(self, annotator: str, name: str) -> Facts:
        """All that the page shows of a video; raises :class:`UserError` where there is none of this name."""
        number, video = self._numbered(name)
        reel = video.reel
        return {
            "video": video.name,
            "videos": [{"name": one.name, "title": one.title} for one in self.videos],
            "images": bool(self.batches),
            "times": reel.times,
            "address": f"/video/{number}/{reel.cut}",
            "points": self._sweeps_of(annotator).trace(video.name, reel.cut),
        }

    def sweep(self, annotator: str, name: str, points: Sequence[Any]) -> None:
        """Keep a part of a trace; raises as :meth:`video` and :meth:`affectflow.annotation.trace_log.TraceLog.sweep`."""
        video = self.video_of(name)
        self._sweeps_of(annotator).sweep(video.name, points, video.reel.cut, len(video.reel.times))

    def kept(self) -> dict[str, Kept]:
        """Of everybody who has a journal, by name; nothing is locked for it."""
        return self._of_all(Journal.file_name, {name: one.kept for name, one in self._open.items()}, read_journal)

    def traced(self) -> dict[str, Traced]:
        """Of everybody who has traced a video, likewise; a copy."""
        found = {name: one.traced.copy() for name, one in self._sweeps.items()}
        return self._of_all(self._kind.file_name, found, read_traces)

    def _of_all(self, file_name: str, found: dict[str, T], read: Callable[[Path], T]) -> dict[str, T]:
        for path in sorted(self._folder.glob(f"*/{file_name}")):
            if path.parent.name not in found:
                found[path.parent.name] = read(path)
        return found

    def _sweeps_of(self, name: str) -> TraceLog:
        """Raises as :meth:`of`."""
        annotator = name.strip()
        path = place_of(self._folder, annotator, self._kind.file_name)
        if annotator not in self._sweeps:
            self._sweeps[annotator] = self._kind(path, annotator)
        return self._sweeps[annotator]

    def _numbered(self, name: str) -> tuple[int, Video]:
        found = next(((i, video) for i, video in enumerate(self.videos) if video.name == name), None)
        if found is None:
            raise UserError(f"There is no video {name[:80]!r} here; reload the page.")
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
        batches: Mapping[int, Sequence[Image]],
        repeats: float,
        predictions: ModelPredictions,
    ) -> None:
        self._journal, self._annotator = journal, annotator
        self._batches, self._predictions, self._repeats = batches, predictions, repeats
        # The same for one annotator whenever the server is started, and for batches that others were added to.
        every = [image for images in batches.values() for image in images]
        self._slots: dict[int, list[Slot]] = {batch: [] for batch in batches}
        batch = 0
        for slot in with_repeats(every, repeats, Random(annotator)):
            batch = batch if slot.again else slot.image.batch
            self._slots[batch].append(slot)
        self.close = journal.close

    @property
    def kept(self) -> Kept:
        return self._journal.kept

    def state(self, batch: int | str | None, wanted: tuple[str, bool] | None = None) -> Facts:
        """All that the page shows of a batch, or of :data:`INFORMATIVE`; None is the first that is not done.

        ``wanted`` (SHA-256, and whether it is the second time) is among the images if there is such a one. Raises
        :class:`affectflow.core.errors.UserError` where there is no batch of this number.
        """
        latest = self.kept.latest
        slots: list[Slot] = []
        if not self._batches:
            raise UserError("There are no images here, only videos.")
        if batch == INFORMATIVE:
            slots = self._informative(latest, wanted)
        if not slots:  # nothing is left to be informed of
            batch = batch if isinstance(batch, int) else self._first_open(latest)
            images_of(self._batches, batch)
            slots = self._slots[batch]
        shown = {slot.key for slot in slots}
        others = [slot.key for slot in self._all() if slot.key not in shown] if batch == INFORMATIVE else []
        return {
            "batch": batch,
            "model": self._predictions.model,
            "progress": list(self._progress(latest)),
            "images": [self._shown(slot, latest.get(slot.key)) for slot in slots],
            "elsewhere": {"images": len(others), "done": sum(key in latest for key in others)},
            "median_seconds": median_seconds(latest.values()),
        }

    def judge(self, facts: Mapping[str, Any]) -> None:
        """Keep what the page sends; raises :class:`ValueError` for what is no judgement of an image there is."""
        image = self._image(facts.get("batch"), facts.get("frame"))
        one = Judgement.of({**facts, "file_name": image.file_name, "image_sha256": image.image_sha256})
        seconds = one.seconds if isinstance(one.seconds, (int, float)) and one.seconds >= 0 else 0.0
        self._journal.judge(replace(one, seconds=round(float(seconds), 3)))

    def undo(self) -> Facts | None:
        """Take the last judgement back, of whatever batch; says of which image it was, and among which batch's
        images (``view``) that is shown. None where nothing is left to take back, or the image is gone."""
        taken = self._journal.undo()
        if taken is None:
            return None
        key = taken.image_sha256, taken.again
        images = (slot.image for slot in self._all() if slot.image.image_sha256 == taken.image_sha256)
        if (one := next(images, None)) is None:
            return None
        places = (batch for batch, slots in self._slots.items() if key in {slot.key for slot in slots})
        facts = {"batch": one.batch, "frame": one.frame, "sha256": one.image_sha256, "again": taken.again}
        return {**facts, "view": next(places, one.batch)}

    def prediction(self, facts: Mapping[str, Any]) -> tuple[float, float] | None:
        """The model's valence and arousal of an image, None where it has none; that they were asked for is kept.

        Raises :class:`ValueError` where there is no such image.
        """
        image = self._image(facts.get("batch"), facts.get("frame"))
        prediction = self._predictions.by_image.get(image.image_sha256)
        if prediction is None:
            return None
        self._journal.show(image.image_sha256, self._predictions.model, [prediction.valence, prediction.arousal])
        return prediction.valence, prediction.arousal

    def _all(self) -> Iterator[Slot]:
        """Each image once."""
        return (slot for slots in self._slots.values() for slot in slots if not slot.again)

    def _progress(self, latest: Mapping[tuple[str, bool], Judgement]) -> Iterator[Facts]:
        for batch, slots in self._slots.items():
            yield {"batch": batch, "images": len(slots), "done": sum(slot.key in latest for slot in slots)}

    def _first_open(self, latest: Mapping[tuple[str, bool], Judgement]) -> int:
        """The batch that has an image without a judgement; the first where all have one."""
        unfinished = (one["batch"] for one in self._progress(latest) if one["done"] < one["images"])
        return next(unfinished, next(iter(self._batches)))

    def _informative(self, latest: Mapping[tuple[str, bool], Judgement], wanted: tuple[str, bool] | None) -> list[Slot]:
        """Those that were judged last, and what is to be judged now; none where all are judged."""
        images = {slot.image.image_sha256: slot.image for slot in self._all()}
        left = [one for sha, one in images.items() if (sha, False) not in latest]
        points = [(one.valence, one.arousal) for one in self.kept.judgements.values() if not one.verdict]
        chosen = most_informative(left, self._predictions.by_image, points, _AT_ONCE)  # type: ignore[arg-type]
        keys = [key for key in latest if key[0] in images]
        before = [images[sha] for sha, again in keys if not again]
        # Those that come twice are the same as where batches are gone through.
        twice = {slot.image.image_sha256 for slots in self._slots.values() for slot in slots if slot.again}
        repeated = {sha for sha, again in keys if again}
        random = Random(f"{self._annotator} {len(latest)}")
        slots = with_repeats(chosen, self._repeats, random, before, repeated, twice)
        behind = [Slot(images[sha], again) for sha, again in keys[-_LOOK_BACK:]]
        if wanted is not None and wanted[0] in images and wanted not in {slot.key for slot in behind}:
            first = Slot(images[wanted[0]], wanted[1])
            slots = [first, *(slot for slot in slots if slot.key != first.key)]
        return behind + slots if slots else []

    def _shown(self, slot: Slot, judged: Judgement | None) -> Facts:
        one = slot.image
        facts: Facts = {"batch": one.batch, "frame": one.frame, "again": slot.again, "image": one.address}
        if judged is not None:
            facts["judgement"] = {name: getattr(judged, name) for name in ("valence", "arousal", "verdict", "note")}
        return facts

    def _image(self, batch: Any, frame: Any) -> Image:
        """Raises :class:`ValueError` where there is none."""
        for one in self._batches.get(batch, ()) if isinstance(batch, int) else ():
            if one.frame == frame:
                return one
        raise ValueError("there is no such image")
