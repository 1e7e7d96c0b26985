"""Sessions: what each annotator has done and what is left to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from affectflow.annotation.model_predictions import ModelPredictions
from affectflow.annotation.rating_log import Rating, RatingLog, RecordedRatings, read_ratings
from affectflow.annotation.server.media import Image, ImagesByVideo, Video, images_of
from affectflow.annotation.server.order import Slot, most_informative, with_repeats
from affectflow.annotation.server.overview import median_seconds
from affectflow.annotation.trace_log import RecordedTraces, TraceLog, read_traces
from affectflow.core.append_log import place_of
from affectflow.core.errors import UserError

INFORMATIVE = "informative"
"""Selects the most informative images of all annotation videos, in place of the number of one."""
_INFORMATIVE_COUNT, _RECENT_COUNT = 20, 10
"""How many informative images are chosen at a time, and how many rated images are listed before them to go back to."""
Json = dict[str, Any]
T = TypeVar("T")


class Sessions:
    """The sessions of all annotators of one server, and what they annotate."""

    def __init__(
        self,
        folder: Path,
        images: ImagesByVideo,
        videos: Sequence[Video],
        repeats: float = 0.0,
        predictions: ModelPredictions | None = None,
        trace_log: type[TraceLog] = TraceLog,
    ) -> None:
        """Create the sessions; logs are opened when an annotator begins.

        Args:
            folder: Folder of the logs, with a sub-folder for each annotator.
            images: Images to rate.
            videos: Videos to trace.
            repeats: Share of the images that are shown twice.
            predictions: Model predictions for the images.
            trace_log: Kind of log for the traces.
        """
        self._trace_log = trace_log
        self.images = images
        self.videos = list(videos)
        self.predictions = predictions or ModelPredictions()
        self._repeats = repeats
        self._folder = folder
        self._sessions: dict[str, Session] = {}
        self._trace_logs: dict[str, TraceLog] = {}

    def session(self, annotator: str) -> Session:
        """Return the session of an annotator.

        Raises:
            UserError: The name is invalid, or another server is writing the annotator's log.
        """
        name = annotator.strip()
        path = place_of(self._folder, name, RatingLog.file_name)
        if name not in self._sessions:
            self._sessions[name] = Session(RatingLog(path, name), name, self.images, self._repeats, self.predictions)
        return self._sessions[name]

    def video(self, name: str) -> Video:
        """Return the video of this name.

        Raises:
            UserError: There is no such video.
        """
        return self._numbered(name)[1]

    def video_state(self, annotator: str, name: str) -> Json:
        """Return what the page shows of a video and the annotator's trace of it.

        Args:
            annotator: Name of the annotator.
            name: Name of the video.

        Raises:
            UserError: There is no such video, it cannot be played, or the annotator's trace is of other images.
        """
        number, video = self._numbered(name)
        playable = video.playable
        return {
            "video": video.name,
            "videos": [{"name": one.name, "title": one.title} for one in self.videos],
            "images": bool(self.images),
            "times": playable.times,
            "address": f"/video/{number}/{playable.digest}",
            "points": self._log_of(annotator).points(video.name, playable.digest),
        }

    def trace(self, annotator: str, name: str, points: Sequence[Any]) -> None:
        """Record a segment of a trace; raises as :meth:`affectflow.annotation.trace_log.TraceLog.trace`.

        Args:
            annotator: Name of the annotator.
            name: Name of the video.
            points: ``[frame, valence, arousal]`` each.
        """
        video = self.video(name)
        self._log_of(annotator).trace(video.name, points, video.playable.digest, len(video.playable.times))

    def recorded_ratings(self) -> dict[str, RecordedRatings]:
        """Return the ratings of all annotators with a log, by name, without locking the logs."""
        recorded = {name: session.recorded for name, session in self._sessions.items()}
        return self._with_logs(RatingLog.file_name, recorded, read_ratings)

    def recorded_traces(self) -> dict[str, RecordedTraces]:
        """Return copies of the traces of all annotators with a log, by name, without locking the logs."""
        traced = {name: log.traced.copy() for name, log in self._trace_logs.items()}
        return self._with_logs(self._trace_log.file_name, traced, read_traces)

    def _with_logs(self, file_name: str, found: dict[str, T], read: Callable[[Path], T]) -> dict[str, T]:
        """Add the logs that are not open here, which another server may be writing."""
        for path in sorted(self._folder.glob(f"*/{file_name}")):
            if path.parent.name not in found:
                found[path.parent.name] = read(path)
        return found

    def _log_of(self, annotator: str) -> TraceLog:
        """Return the trace log of an annotator; raises as :meth:`session`."""
        name = annotator.strip()
        path = place_of(self._folder, name, self._trace_log.file_name)
        if name not in self._trace_logs:
            self._trace_logs[name] = self._trace_log(path, name)
        return self._trace_logs[name]

    def _numbered(self, name: str) -> tuple[int, Video]:
        found = next(((i, video) for i, video in enumerate(self.videos) if video.name == name), None)
        if found is None:
            raise UserError(f"There is no video {name[:80]!r}; reload the page.")
        return found

    def close(self) -> None:
        """Close all logs."""
        for session in self._sessions.values():
            session.close()
        for log in self._trace_logs.values():
            log.close()


class Session:
    """The session of one annotator, who rates images."""

    def __init__(
        self,
        log: RatingLog,
        annotator: str,
        images: ImagesByVideo,
        repeats: float,
        predictions: ModelPredictions,
    ) -> None:
        """Create a session; see :class:`Sessions` for the arguments."""
        self._log, self._annotator = log, annotator
        self._images, self._predictions, self._repeats = images, predictions, repeats
        # An annotator gets the same repeats whenever the server starts, also after further videos were added.
        all_images = [image for frames in images.values() for image in frames]
        self._slots: dict[int, list[Slot]] = {number: [] for number in images}
        number = 0
        for slot in with_repeats(all_images, repeats, Random(annotator)):
            number = number if slot.is_repeat else slot.image.annotation_video
            self._slots[number].append(slot)
        self.close = log.close

    @property
    def recorded(self) -> RecordedRatings:
        """The annotator's ratings."""
        return self._log.recorded

    def state(self, annotation_video: int | str | None, requested: tuple[str, bool] | None = None) -> Json:
        """Return what the page shows of the images of an annotation video.

        Args:
            annotation_video: Its number, :data:`INFORMATIVE`, or None for the first that is not done.
            requested: SHA-256 and ``is_repeat`` of an image that must be among the images, if it exists.

        Raises:
            UserError: There is no annotation video of this number, or no images at all.
        """
        latest = self.recorded.latest
        slots: list[Slot] = []
        if not self._images:
            raise UserError("There are no images here, only videos.")
        if annotation_video == INFORMATIVE:
            slots = self._informative(latest, requested)
        if not slots:  # all images are rated, so none is informative
            annotation_video = annotation_video if isinstance(annotation_video, int) else self._first_unfinished(latest)
            images_of(self._images, annotation_video)
            slots = self._slots[annotation_video]
        shown = {slot.key for slot in slots}
        others = [slot.key for slot in self._first_showings() if slot.key not in shown]
        others = others if annotation_video == INFORMATIVE else []
        return {
            "annotation_video": annotation_video,
            "model": self._predictions.model,
            "progress": list(self._progress(latest)),
            "images": [self._shown(slot, latest.get(slot.key)) for slot in slots],
            "elsewhere": {"images": len(others), "done": sum(key in latest for key in others)},
            "median_seconds": median_seconds(latest.values()),
        }

    def rate(self, data: Mapping[str, Any]) -> None:
        """Record a rating that the page sends.

        Raises:
            ValueError: The data is not a rating of an existing image.
        """
        image = self._image(data.get("annotation_video"), data.get("frame"))
        rating = Rating.of({**data, "file_name": image.file_name, "image_sha256": image.image_sha256})
        given = rating.seconds
        seconds = given if isinstance(given, (int, float)) and given >= 0 else 0.0
        self._log.rate(replace(rating, seconds=round(float(seconds), 3)))

    def undo(self) -> Json | None:
        """Undo the last rating, whatever annotation video it is of.

        Returns:
            Its image, and the number of the annotation video among whose images it is shown (``view``); None if there
            is no rating to undo, or its image no longer exists.
        """
        undone = self._log.undo()
        if undone is None:
            return None
        key = undone.image_sha256, undone.is_repeat
        images = (slot.image for slot in self._first_showings() if slot.image.image_sha256 == undone.image_sha256)
        if (image := next(images, None)) is None:
            return None
        views = (number for number, slots in self._slots.items() if key in {slot.key for slot in slots})
        return {
            "annotation_video": image.annotation_video,
            "frame": image.frame,
            "sha256": image.image_sha256,
            "is_repeat": undone.is_repeat,
            "view": next(views, image.annotation_video),
        }

    def prediction(self, data: Mapping[str, Any]) -> tuple[float, float] | None:
        """Return the model's valence and arousal of an image, None if it has none, and record that it was shown.

        Raises:
            ValueError: There is no such image.
        """
        image = self._image(data.get("annotation_video"), data.get("frame"))
        prediction = self._predictions.by_image.get(image.image_sha256)
        if prediction is None:
            return None
        point = [prediction.valence, prediction.arousal]
        self._log.show_prediction(image.image_sha256, self._predictions.model, point)
        return prediction.valence, prediction.arousal

    def _first_showings(self) -> Iterator[Slot]:
        """Yield each image once."""
        return (slot for slots in self._slots.values() for slot in slots if not slot.is_repeat)

    def _progress(self, latest: Mapping[tuple[str, bool], Rating]) -> Iterator[Json]:
        for number, slots in self._slots.items():
            done = sum(slot.key in latest for slot in slots)
            yield {"annotation_video": number, "images": len(slots), "done": done}

    def _first_unfinished(self, latest: Mapping[tuple[str, bool], Rating]) -> int:
        """Return the first annotation video with an image that is not rated, or the first if all are rated."""
        unfinished = (row["annotation_video"] for row in self._progress(latest) if row["done"] < row["images"])
        return next(unfinished, next(iter(self._images)))

    def _informative(self, latest: Mapping[tuple[str, bool], Rating], requested: tuple[str, bool] | None) -> list[Slot]:
        """Return the images rated last and the images to rate now; nothing if all are rated."""
        images = {slot.image.image_sha256: slot.image for slot in self._first_showings()}
        left = [image for sha256, image in images.items() if (sha256, False) not in latest]
        rated = [(one.valence, one.arousal) for one in self.recorded.by_image.values() if not one.skip_reason]
        chosen = most_informative(left, self._predictions.by_image, rated, _INFORMATIVE_COUNT)  # type: ignore[arg-type]
        keys = [key for key in latest if key[0] in images]
        # The same images are repeated as when the annotation videos are rated in their order.
        eligible = {slot.image.image_sha256 for slots in self._slots.values() for slot in slots if slot.is_repeat}
        slots = with_repeats(
            chosen,
            self._repeats,
            Random(f"{self._annotator} {len(latest)}"),
            before=[images[sha256] for sha256, is_repeat in keys if not is_repeat],
            repeated={sha256 for sha256, is_repeat in keys if is_repeat},
            eligible=eligible,
        )
        recent = [Slot(images[sha256], is_repeat) for sha256, is_repeat in keys[-_RECENT_COUNT:]]
        if requested is not None and requested[0] in images and requested not in {slot.key for slot in recent}:
            first = Slot(images[requested[0]], requested[1])
            slots = [first, *(slot for slot in slots if slot.key != first.key)]
        return recent + slots if slots else []

    def _shown(self, slot: Slot, rating: Rating | None) -> Json:
        image = slot.image
        data: Json = {
            "annotation_video": image.annotation_video,
            "frame": image.frame,
            "is_repeat": slot.is_repeat,
            "image": image.address,
        }
        if rating is not None:
            data["rating"] = {name: getattr(rating, name) for name in ("valence", "arousal", "skip_reason", "note")}
        return data

    def _image(self, annotation_video: Any, frame: Any) -> Image:
        """Return an image; raises :class:`ValueError` if it does not exist."""
        for image in self._images.get(annotation_video, ()) if isinstance(annotation_video, int) else ():
            if image.frame == frame:
                return image
        raise ValueError("there is no such image")
