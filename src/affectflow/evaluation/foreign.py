"""Others' predictions beside a benchmark's labels: the table that scores are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affectflow.datasets.base import Dataset
from affectflow.errors import UserError
from affectflow.evaluation.answers import Answer, Answers, key_of
from affectflow.evaluation.predictions import LEFT_OUT_COLUMNS, PREDICTIONS_SCHEMA, label_fields
from affectflow.sample import Sample
from affectflow.tables import write_csv, write_parquet

UNANSWERED = "frame without a prediction"
UNASKED = "prediction without a labelled frame"


def lay_beside(dataset: Dataset, answers: Answers, out: Path, left_out: Path) -> int:
    """Write the table of predictions of labelled frames that have one; returns how many have.

    A frame is found by the name of its film, of its subject or, for stills, of its picture; those without a
    prediction are counted in ``left_out``. Raises :class:`UserError` when no frame has a prediction.
    """
    counts: Counter[str] = Counter()

    def rows() -> Iterator[dict[str, Any]]:
        for sample in dataset.samples():
            answer = _answer_to(sample, answers)
            if answer is None:
                counts[UNANSWERED] += 1
                continue
            yield {**label_fields(sample), **_fields(answer)}

    found = write_parquet(out, PREDICTIONS_SCHEMA, rows())
    if not found:
        names = sorted({name for name, _ in answers.by_key})
        raise UserError(
            f"No prediction is of a frame of {dataset.name}; they are of {', '.join(names[:3])[:80]} …, and its films "
            "and subjects have other names."
        )
    write_csv(left_out, LEFT_OUT_COLUMNS, sorted((counts + dataset.left_out).items()))
    return found


def _answer_to(sample: Sample, answers: Answers) -> Answer | None:
    names = (sample.video, sample.subject) if sample.frame else (sample.source,)
    keys = (key_of(name, sample.frame) for name in names if name)
    return next((answers.by_key[key] for key in keys if key in answers.by_key), None)


def _fields(answer: Answer) -> dict[str, Any]:
    return {
        "probabilities": answer.probabilities,
        "predicted_intensities": answer.intensities,
        "predicted_valence": answer.valence,
        "predicted_arousal": answer.arousal,
        "crop": "",
    }
