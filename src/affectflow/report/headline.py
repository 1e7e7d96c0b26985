"""The table that answers how well: models by benchmarks, with what they are to be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from affectflow.contracts.score import Interval, ScoreFile
from affectflow.evaluation.protocols import default
from affectflow.evaluation.summary import HEADINGS

_METRICS = ("mean_f1", "mean_auc", "mean_icc", "valence_ccc", "arousal_ccc")
_ALWAYS_YES = "mean_f1_always_yes"


@dataclass(frozen=True, slots=True)
class Value:
    """A metric and its 95% interval."""

    value: float
    interval: Interval | None = None
    best: bool = False
    """Whether no trained model has a better one on the benchmark."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model, a baseline, or a published result: its values by benchmark and metric."""

    name: str
    kind: str
    values: Mapping[tuple[str, str], Value]


@dataclass(frozen=True, slots=True)
class Headline:
    """The table.

    Attributes:
        columns: metrics by benchmark, in the order of the scores.
        rows: models, baselines, always yes, published results.
        notes: of each benchmark, what is scored and how far published results compare.
    """

    columns: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    notes: Mapping[str, str]


MODEL, BASELINE, ALWAYS_YES, PUBLISHED = "model", "baseline", "always yes", "published"


def headline(scores: Sequence[ScoreFile], baselines: Iterable[str]) -> Headline:
    """Return the headline table of scores by default protocols.

    Args:
        scores: of all runs and protocols; those of other protocols are left out.
        baselines: runs that others are to beat.
    """
    baselines = set(baselines)
    shown = [score for score in scores if is_default(score)]
    columns = {
        benchmark: metrics
        for benchmark in dict.fromkeys(score.benchmark for score in shown)
        if (metrics := _metrics([score for score in shown if score.benchmark == benchmark]))
    }
    runs = list(dict.fromkeys(score.model for score in shown))
    models = [_row(run, MODEL, shown, columns) for run in runs if run not in baselines]
    rows = [
        *_mark_best(models),
        *(_row(run, BASELINE, shown, columns) for run in runs if run in baselines),
        *_always_yes(shown, columns),
        *_published(shown, columns),
    ]
    notes = {
        score.benchmark: " ".join(map(_sentence, filter(None, (score.protocol.title, score.published_note))))
        for score in shown
    }
    return Headline(columns, tuple(row for row in rows if row.values), notes)


def is_default(score: ScoreFile) -> bool:
    """Return whether a score is by its benchmark's default protocol."""
    return score.protocol.name == default(score.benchmark)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _metrics(scores: Sequence[ScoreFile]) -> tuple[str, ...]:
    return tuple(metric for metric in _METRICS if any(score.metric(metric) is not None for score in scores))


def _row(run: str, kind: str, scores: Sequence[ScoreFile], columns: Mapping[str, tuple[str, ...]]) -> Row:
    values = {}
    for score in scores:
        if score.model == run:
            for metric in columns.get(score.benchmark, ()):
                value = score.metric(metric)
                if value is not None:
                    values[score.benchmark, metric] = Value(value, score.interval(metric))
    return Row(run, kind, values)


def _mark_best(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with the largest value of each column marked; of a single model none is."""
    if len(rows) < 2:
        return list(rows)
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        for place, found in row.values.items():
            best[place] = max(found.value, best.get(place, found.value))
    return [
        Row(
            row.name,
            row.kind,
            {p: Value(found.value, found.interval, found.value == best[p]) for p, found in row.values.items()},
        )
        for row in rows
    ]


def _always_yes(scores: Sequence[ScoreFile], columns: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """Return the F1 of always predicting yes, of the score with the most AUs; the labels alone decide it."""
    values = {}
    for benchmark, metrics in columns.items():
        of_benchmark = [score for score in scores if score.benchmark == benchmark]
        widest = max(of_benchmark, key=lambda score: len(score.action_units))
        value = widest.metric(_ALWAYS_YES)
        if value is not None and "mean_f1" in metrics:
            values[benchmark, "mean_f1"] = Value(value)
    return [Row("always yes", ALWAYS_YES, values)]


def _published(scores: Sequence[ScoreFile], columns: Mapping[str, tuple[str, ...]]) -> list[Row]:
    rows: dict[str, dict[tuple[str, str], Value]] = {}
    for score in scores:
        for one in score.published:
            if one.metric in columns.get(score.benchmark, ()):
                rows.setdefault(one.model, {})[score.benchmark, one.metric] = Value(one.value)
    return [Row(name, PUBLISHED, values) for name, values in rows.items()]


def heading(metric: str) -> str:
    """Return the heading of a metric's column."""
    return HEADINGS[metric].removeprefix("mean ")
