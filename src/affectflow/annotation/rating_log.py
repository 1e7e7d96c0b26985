"""One annotator's judgements of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from affectflow.annotation.recording import DIMENSIONS
from affectflow.core.append_log import AppendLog, broken, facts_of, whole_lines

NOT_A_FACE, CANNOT_SAY = "not_a_face", "cannot_say"
VERDICTS = ("", NOT_A_FACE, CANNOT_SAY)
_LONGEST_NOTE = 1000
_SAID = ("valence", "arousal", "verdict")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of an image; ``valence`` and ``arousal`` in [-1, 1], or a verdict why there are none. ``seconds`` it took.

    ``again`` says that the image was shown a second time, to see whether it is judged the same; ``shown`` is the
    model's valence and arousal where the annotator had looked at them before.
    """

    batch: int
    frame: int
    file_name: str
    image_sha256: str
    valence: float | None
    arousal: float | None
    verdict: str = ""
    note: str = ""
    seconds: float = 0.0
    again: bool = False
    shown: Sequence[float] | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Raises :class:`ValueError` for what is none."""
        one = cls(**{name: facts[name] for name in cls.__slots__ if name in facts})
        texts, whole = (one.file_name, one.image_sha256, one.note), (one.batch, one.frame)
        if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in whole):
            raise ValueError("the image or the note is none")
        if one.verdict not in VERDICTS or len(one.note) > _LONGEST_NOTE or type(one.again) is not bool:
            raise ValueError("the verdict or the note is none")
        values = (one.valence, one.arousal)
        if values != (None, None) if one.verdict else not _is_point(values):
            raise ValueError("valence and arousal are no numbers from -1 to 1")
        if one.shown is not None and not _is_point(one.shown):
            raise ValueError("what was shown is no valence and arousal")
        return one


def _is_point(values: Any) -> bool:
    """Valence and arousal."""
    return (
        isinstance(values, Sequence)
        and len(values) == len(DIMENSIONS)
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) and -1 <= v <= 1 for v in values)
    )


@dataclass(slots=True)
class Kept:
    """What a journal holds: judgements that were not taken back, in the order in which they were made, and the model's
    valence and arousal that the annotator asked for, by the image's SHA-256."""

    made: list[Judgement] = field(default_factory=list)
    shown: dict[str, Sequence[float]] = field(default_factory=dict)

    @property
    def latest(self) -> dict[tuple[str, bool], Judgement]:
        """Of each image and each time that it was shown (``again``), by SHA-256: a batch that is cut anew may have
        another image in its place."""
        return {(one.image_sha256, one.again): one for one in self.made}

    @property
    def judgements(self) -> dict[str, Judgement]:
        """What counts of each image: its first showing, and the second only where the first was skipped."""
        latest = self.latest
        return {sha: one for (sha, again), one in latest.items() if not again or (sha, False) not in latest}

    @property
    def repeats(self) -> dict[str, tuple[Judgement, Judgement]]:
        """Of each image that has values twice, neither of them given after a look at a model's."""
        latest = self.latest
        pairs = {
            sha: (latest[sha, False], two) for (sha, again), two in latest.items() if again and (sha, False) in latest
        }
        return {sha: pair for sha, pair in pairs.items() if not any(one.verdict or one.shown for one in pair)}


class Journal(AppendLog):
    """That of one annotator, in which each judgement can be taken back."""

    file_name = "images.jsonl"
    of = "images"

    def __init__(self, path: Path, annotator: str) -> None:
        self.kept = Kept()
        super().__init__(path, annotator)

    def judge(self, one: Judgement) -> None:
        """Keep a judgement; it is on the disk when this returns. Raises :class:`UserError` where it cannot be.

        One that is given again with the same values, such as with another note, is as informed as it was.
        """
        before = self.kept.latest.get((one.image_sha256, one.again))
        same = before is not None and all(getattr(one, name) == getattr(before, name) for name in _SAID)
        one = replace(one, shown=before.shown if before and same else self.kept.shown.get(one.image_sha256))
        self._append({"kind": "judge", **asdict(one)})
        self.kept.made.append(one)

    def show(self, image_sha256: str, model: str, point: Sequence[float]) -> None:
        """Note that the annotator asked for what a model says of an image."""
        if self.kept.shown.get(image_sha256) != point:
            self._append({"kind": "show", "image_sha256": image_sha256, "model": model, "point": point})
            self.kept.shown[image_sha256] = point

    def undo(self) -> Judgement | None:
        """Take the last one back, as far as there are any; an earlier one of the same image counts again."""
        if not self.kept.made:
            return None
        self._append({"kind": "undo"})
        return self.kept.made.pop()

    def _restore(self, lines: Sequence[str]) -> None:
        self.kept = kept_in(self._path, lines)


def read_journal(path: Path) -> Kept:
    """Of a journal that another process may be writing."""
    return kept_in(path, whole_lines(path, path.read_bytes()))


def kept_in(path: Path, lines: Sequence[str]) -> Kept:
    """Of a journal's lines; raises :class:`affectflow.core.errors.UserError`."""
    kept = Kept()
    for number, facts in facts_of(path, lines):
        try:
            match facts["kind"]:
                case "undo":
                    kept.made.pop()
                case "show":
                    if not isinstance(facts["image_sha256"], str) or not _is_point(facts["point"]):
                        raise ValueError("what was shown is no valence and arousal")
                    kept.shown[facts["image_sha256"]] = facts["point"]
                case _:
                    kept.made.append(Judgement.of(facts))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise broken(path, number, error) from None
    return kept
