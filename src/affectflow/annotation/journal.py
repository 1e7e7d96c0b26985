"""One annotator's judgements of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from affectflow.annotation.appended import Appended, broken, facts_of, whole_lines

NOT_A_FACE, CANNOT_SAY = "not_a_face", "cannot_say"
VERDICTS = ("", NOT_A_FACE, CANNOT_SAY)
_LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of a picture; ``valence`` and ``arousal`` in [-1, 1], or a verdict why there are none. ``seconds`` it took."""

    batch: int
    frame: int
    file_name: str
    image_sha256: str
    valence: float | None
    arousal: float | None
    verdict: str = ""
    note: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Raises :class:`ValueError` for what is none."""
        one = cls(**{name: facts[name] for name in cls.__slots__ if name in facts})
        texts, whole = (one.file_name, one.image_sha256, one.note), (one.batch, one.frame)
        if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in whole):
            raise ValueError("the picture or the note is none")
        values = (one.valence, one.arousal)
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool) and -1 <= v <= 1]
        if one.verdict not in VERDICTS or len(one.note) > _LONGEST_NOTE:
            raise ValueError("the verdict or the note is none")
        if len(numbers) != (0 if one.verdict else 2) or (one.verdict and values != (None, None)):
            raise ValueError("valence and arousal are no numbers from -1 to 1")
        return one


class Journal(Appended):
    """Those of one annotator, each of which can be taken back."""

    file_name = "stills.jsonl"
    of = "stills"

    def __init__(self, path: Path, annotator: str) -> None:
        self._made: list[Judgement] = []
        super().__init__(path, annotator)

    @property
    def judgements(self) -> dict[str, Judgement]:
        """The latest of each picture, by its SHA-256: a batch that is cut anew may have another in its place."""
        return {one.image_sha256: one for one in self._made}

    def judge(self, one: Judgement) -> None:
        """Keep a judgement; it is on the disk when this returns. Raises :class:`UserError` where it cannot be."""
        self._append({"kind": "judge", **asdict(one)})
        self._made.append(one)

    def undo(self) -> Judgement | None:
        """Take the last one back, as far as there are any; an earlier one of the same picture counts again."""
        if not self._made:
            return None
        self._append({"kind": "undo"})
        return self._made.pop()

    def _restore(self, lines: Sequence[str]) -> None:
        self._made = judgements_of(self._path, lines)


def read_journal(path: Path) -> dict[str, Judgement]:
    """The latest judgement of each picture, by its SHA-256, of a journal that another process may be writing."""
    return {one.image_sha256: one for one in judgements_of(path, whole_lines(path, path.read_bytes()))}


def judgements_of(path: Path, lines: Sequence[str]) -> list[Judgement]:
    """Those that were not taken back, in the order in which they were made; raises
    :class:`affectflow.errors.UserError`."""
    made: list[Judgement] = []
    for number, facts in facts_of(path, lines):
        try:
            if facts["kind"] == "undo":
                made.pop()
            else:
                made.append(Judgement.of(facts))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise broken(path, number, error) from None
    return made
