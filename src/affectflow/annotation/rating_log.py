"""Rating log: one annotator's ratings of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from affectflow.annotation.recording import DIMENSIONS
from affectflow.core.append_log import AppendLog, broken, facts_of, whole_lines

NOT_A_FACE, CANNOT_SAY = "not_a_face", "cannot_say"
SKIP_REASONS = ("", NOT_A_FACE, CANNOT_SAY)
_MAX_NOTE_LENGTH = 1000
_RATED_FIELDS = ("valence", "arousal", "skip_reason")


@dataclass(frozen=True, slots=True)
class Rating:
    """One annotator's rating of an image.

    Attributes:
        annotation_video: Number of the annotation video that has the image.
        frame: Frame number from 1.
        file_name: File name of the image.
        image_sha256: Digest of the image.
        valence: In [-1, 1]; None if the image was skipped.
        arousal: In [-1, 1]; None if the image was skipped.
        skip_reason: Why the image has no values; empty if it has.
        note: The annotator's note.
        seconds: How long the annotator took.
        is_repeat: Whether the image was shown a second time, to measure how consistent the annotator is.
        shown_prediction: Valence and arousal of the model, if the annotator had seen them before.
    """

    annotation_video: int
    frame: int
    file_name: str
    image_sha256: str
    valence: float | None
    arousal: float | None
    skip_reason: str = ""
    note: str = ""
    seconds: float = 0.0
    is_repeat: bool = False
    shown_prediction: Sequence[float] | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Check and convert a JSON object; other keys are ignored.

        Raises:
            ValueError: A value is invalid.
        """
        rating = cls(**{name: data[name] for name in cls.__slots__ if name in data})
        texts = (rating.file_name, rating.image_sha256, rating.note)
        numbers = (rating.annotation_video, rating.frame)
        if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
            raise ValueError("the image or the note is invalid")
        if (
            rating.skip_reason not in SKIP_REASONS
            or len(rating.note) > _MAX_NOTE_LENGTH
            or type(rating.is_repeat) is not bool
        ):
            raise ValueError("the skip reason or the note is invalid")
        values = (rating.valence, rating.arousal)
        if values != (None, None) if rating.skip_reason else not _is_point(values):
            raise ValueError("valence and arousal are not numbers from -1 to 1")
        if rating.shown_prediction is not None and not _is_point(rating.shown_prediction):
            raise ValueError("the shown prediction is not valence and arousal from -1 to 1")
        return rating


def _is_point(values: Any) -> bool:
    """Return whether the values are valence and arousal in [-1, 1]."""
    return (
        isinstance(values, Sequence)
        and len(values) == len(DIMENSIONS)
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) and -1 <= v <= 1 for v in values)
    )


@dataclass(slots=True)
class RecordedRatings:
    """The content of a rating log.

    Attributes:
        ratings: Ratings in the order in which they were made, without those that were undone.
        shown_predictions: Valence and arousal of the model that the annotator asked for, by SHA-256 of the image.
    """

    ratings: list[Rating] = field(default_factory=list)
    shown_predictions: dict[str, Sequence[float]] = field(default_factory=dict)

    @property
    def latest(self) -> dict[tuple[str, bool], Rating]:
        """The last rating by SHA-256 of the image and ``is_repeat``.

        The digest identifies the image, because another image may have its frame if the videos are made anew.
        """
        return {(rating.image_sha256, rating.is_repeat): rating for rating in self.ratings}

    @property
    def by_image(self) -> dict[str, Rating]:
        """The rating of each image that counts: the first one, and the repeat only if there is no first one."""
        latest = self.latest
        return {
            sha256: rating
            for (sha256, is_repeat), rating in latest.items()
            if not is_repeat or (sha256, False) not in latest
        }

    @property
    def repeats(self) -> dict[str, tuple[Rating, Rating]]:
        """First and repeated rating of each image that has both, made without seeing the model prediction."""
        latest = self.latest
        pairs = {
            sha256: (latest[sha256, False], repeat)
            for (sha256, is_repeat), repeat in latest.items()
            if is_repeat and (sha256, False) in latest
        }
        return {
            sha256: pair
            for sha256, pair in pairs.items()
            if not any(rating.skip_reason or rating.shown_prediction for rating in pair)
        }


class RatingLog(AppendLog):
    """The rating log of one annotator; each rating can be undone."""

    file_name = "images.jsonl"
    of = "images"

    def __init__(self, path: Path, annotator: str) -> None:
        self.recorded = RecordedRatings()
        super().__init__(path, annotator)

    def rate(self, rating: Rating) -> None:
        """Append a rating; it is on disk when this returns.

        If the annotator gives the same values again, for example with another note, the rating keeps its
        ``shown_prediction``.

        Raises:
            UserError: The file cannot be written.
        """
        before = self.recorded.latest.get((rating.image_sha256, rating.is_repeat))
        same = before is not None and all(getattr(rating, name) == getattr(before, name) for name in _RATED_FIELDS)
        shown = before.shown_prediction if before and same else self.recorded.shown_predictions.get(rating.image_sha256)
        rating = replace(rating, shown_prediction=shown)
        self._append({"kind": "rate", **asdict(rating)})
        self.recorded.ratings.append(rating)

    def show_prediction(self, image_sha256: str, model: str, point: Sequence[float]) -> None:
        """Record that the annotator asked for the model prediction.

        Args:
            image_sha256: Digest of the image.
            model: Name of the model.
            point: Its valence and arousal, in [-1, 1].
        """
        if self.recorded.shown_predictions.get(image_sha256) != point:
            self._append({"kind": "show_prediction", "image_sha256": image_sha256, "model": model, "point": point})
            self.recorded.shown_predictions[image_sha256] = point

    def undo(self) -> Rating | None:
        """Undo the last rating and return it, None if there is none; an earlier one of the same image counts again."""
        if not self.recorded.ratings:
            return None
        self._append({"kind": "undo"})
        return self.recorded.ratings.pop()

    def _restore(self, lines: Sequence[str]) -> None:
        self.recorded = parse_ratings(self._path, lines)


def read_ratings(path: Path) -> RecordedRatings:
    """Read a rating log that another process may be writing."""
    return parse_ratings(path, whole_lines(path, path.read_bytes()))


def parse_ratings(path: Path, lines: Sequence[str]) -> RecordedRatings:
    """Parse the lines of a rating log.

    Args:
        path: The file, for messages.
        lines: Its lines, the header first.

    Raises:
        UserError: A line is invalid.
    """
    recorded = RecordedRatings()
    for number, data in facts_of(path, lines):
        try:
            match data["kind"]:
                case "undo":
                    recorded.ratings.pop()
                case "show_prediction":
                    if not isinstance(data["image_sha256"], str) or not _is_point(data["point"]):
                        raise ValueError("the shown prediction is not valence and arousal from -1 to 1")
                    recorded.shown_predictions[data["image_sha256"]] = data["point"]
                case _:
                    recorded.ratings.append(Rating.of(data))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise broken(path, number, error) from None
    return recorded
