"""Tables of many score files: as CSV, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from affectflow.contracts.comparison import ComparisonFile
from affectflow.contracts.leakage import LEAKAGE
from affectflow.contracts.score import Interval, ScoreFile
from affectflow.contracts.score_files import read_any, read_scores
from affectflow.contracts.seeds import OverSeeds, SeedsFile
from affectflow.core.errors import UserError
from affectflow.evaluation.protocols import default
from affectflow.tables.csv_files import write_csv

METRICS = (
    *("mean_f1", "mean_f1_validation_threshold", "mean_f1_always_yes", "mean_auc", "mean_accuracy", "mean_event_f1"),
    "challenge_score",
    *("mean_icc", "mean_mae", "valence_ccc", "arousal_ccc", "mean_ccc"),
)
_WITH_INTERVALS = ("mean_f1", "mean_auc", "mean_icc", "valence_ccc", "arousal_ccc", "mean_ccc")
COLUMNS = (
    *("benchmark", "protocol", "model", "synthetic", *METRICS),
    *(f"{metric}_{end}" for metric in _WITH_INTERVALS for end in ("low", "high")),
    *("frames", "used_frames", "subjects", "unsupported", "published", "published_note", "snapshot"),
    *(f"leakage_{kind}" for kind in LEAKAGE),
    *("trained_on", "within_set"),
)
ACROSS_COLUMNS = (
    *("model", "trained_on", "tested_on", "protocol", "within_set", "synthetic"),
    *(column for metric in _WITH_INTERVALS for column in (metric, f"{metric}_low", f"{metric}_high")),
    "used_frames",
)
_SPREAD = ("mean", "standard_deviation", "interval_low", "interval_high")
SEED_COLUMNS = ("benchmark", "protocol", "model", "synthetic", "seeds", "metric", *_SPREAD, "each")
HEADINGS = {
    "mean_f1": "mean F1",
    "mean_f1_always_yes": "always yes",
    "mean_auc": "mean AUC",
    "mean_event_f1": "event F1",
    "mean_icc": "mean ICC",
    "valence_ccc": "valence CCC",
    "arousal_ccc": "arousal CCC",
}
"""Metrics that tables show where some score has them, and their column headings."""


def summarize(scores: Sequence[Path], out: Path) -> None:
    """Write a CSV with one row for each score file; raises :class:`UserError` for a file of means over seeds.

    Args:
        scores: score files, each of one model by one protocol.
        out: CSV with :data:`COLUMNS`.
    """
    write_csv(out, COLUMNS, map(_row, scores))


def tabulate_across(scores: Sequence[Path], out: Path) -> None:
    """Write what models learned from by what they were scored on: a CSV with one row for each score file.

    Args:
        scores: score files of one model, with each of its data sets left out, and within them.
        out: CSV with :data:`ACROSS_COLUMNS`.
    """
    write_csv(out, ACROSS_COLUMNS, (_across_row(ScoreFile.read(path)) for path in scores))


def _across_row(score: ScoreFile) -> list[object]:
    cells: list[object] = []
    for metric in _WITH_INTERVALS:
        value, ends = score.metric(metric), score.interval(metric) or (None, None)
        cells += ["" if one is None else one for one in (value, *ends)]
    learned = (" ".join(score.trained_on), score.benchmark, score.protocol.name)
    flags = (str(flag).lower() for flag in (score.within_set, score.synthetic))
    return [score.model, *learned, *flags, *cells, score.protocol.used_frames]


def summarize_seeds(gathered: Sequence[Path], out: Path) -> None:
    """Write a CSV with one row for each metric of each file of means over seeds.

    Args:
        gathered: files of :func:`affectflow.evaluation.compare.gather_seeds`.
        out: CSV with :data:`SEED_COLUMNS`.

    Raises:
        UserError: a file holds one score.
    """
    write_csv(out, SEED_COLUMNS, (row for path in gathered for row in _seed_rows(path)))


def table(files: Sequence[Path]) -> str:
    """Return score files as a table for a terminal, with 95% intervals, or over seeds with standard deviations.

    Comparisons come after it, a line a metric.
    """
    header = ("benchmark", "model", *HEADINGS.values(), "frames")
    found = [read_any(path) for path in files]
    scores = [score for score in found if not isinstance(score, ComparisonFile)]
    comparisons = [line for one in found if isinstance(one, ComparisonFile) for line in _differences(one)]
    if not scores:
        return "\n".join(comparisons)
    lines = [header]
    for score in scores:
        model = f"{score.model}, {len(score.seeds)} seeds" if isinstance(score, SeedsFile) else score.model
        cells = (cell(score.metric(name), score.interval(name)) for name in HEADINGS)
        lines.append((_target(score), model, *cells, str(score.protocol.used_frames)))
    shown = [i for i in range(len(header)) if any(line[i] != "-" for line in lines[1:])]
    lines = [tuple(line[i] for i in shown) for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    text += _published_lines(scores)
    text += [_leakage_warning(score) for score in scores if isinstance(score, ScoreFile) and score.leaks]
    text += [
        f"Warning: whether {score.model} was trained on videos of {score.benchmark} is unknown: its training "
        "set shares videos with it under other names."
        for score in scores
        if isinstance(score, ScoreFile) and score.leakage is not None and score.leakage.is_unknown
    ]
    text += [f"Warning: {one}" for score in scores if isinstance(score, ScoreFile) for one in score.warnings]
    if any(score.synthetic for score in scores):
        text.append("Drawn data: these scores show that the pipeline works and say nothing about people.")
    return "\n".join([*text, *comparisons])


def _differences(comparison: ComparisonFile) -> Iterator[str]:
    """Yield a line for each metric of two models: both values, and the difference with its interval."""
    name = comparison.protocol.name
    target = comparison.benchmark if name == default(comparison.benchmark) else f"{comparison.benchmark}-{name}"
    yield f"{target}: {comparison.model} minus {comparison.other}"
    metrics = {title: getattr(comparison, name, None) for name, title in HEADINGS.items()}
    for title, track in (("valence CCC", comparison.valence), ("arousal CCC", comparison.arousal)):
        metrics[title] = (track or {}).get("ccc")
    for title, one in metrics.items():
        if one is not None:
            p = "" if one.p is None else f", p {one.p:.3f}" if one.p >= 0.001 else ", p < 0.001"
            yield f"  {title}: {one.difference:+.3f}{_ends(one.interval)}{p}  ({one.model:.3f} and {one.other:.3f})"
    differ = [
        f"{name} {entry['f1'].difference:+.3f}"
        for name, entry in comparison.action_units.items()
        if "f1" in entry and entry["f1"].p_holm is not None and entry["f1"].p_holm < 0.05
    ]
    if comparison.action_units:
        yield f"  AUs whose F1 differs (p < 0.05 by Holm): {', '.join(differ) or 'none'}"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval[0]:+.3f} to {interval[1]:+.3f})"


def cell(value: OverSeeds | float | None, interval: Interval | None = None) -> str:
    """Format a metric with its interval, or over seeds its mean with its standard deviation; a dash for None.

    Args:
        value: the metric, or its mean and spread over seeds; None where it is undefined.
        interval: 95% interval of the metric, from its lower to its upper end; None to leave it out.
    """
    if isinstance(value, OverSeeds):
        return cell(value.mean) + ("" if value.standard_deviation is None else f" ± {value.standard_deviation:.3f}")
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})")


def _row(path: Path) -> list[object]:
    score = read_scores(path)
    if isinstance(score, SeedsFile):
        raise UserError(f"{path} holds means over seeds; leave it out.")
    return [
        *_names(score),
        *(score.metric(name) for name in METRICS),
        *(end for name in _WITH_INTERVALS for end in score.interval(name) or (None, None)),
        *(score.protocol.frames, score.protocol.used_frames, score.protocol.subjects),
        "; ".join(score.unsupported),
        "; ".join(f"{one.model} {one.metric} {one.value}" for one in score.published),
        score.published_note,
        score.snapshot.id if score.snapshot else None,
        *(getattr(score.leakage, kind, None) for kind in LEAKAGE),
        *(" ".join(score.trained_on), str(score.within_set).lower()),
    ]


def _seed_rows(path: Path) -> Iterator[list[object]]:
    score = read_scores(path)
    if not isinstance(score, SeedsFile):
        raise UserError(f"{path} holds one score; leave it out.")
    seeds = " ".join(map(str, score.seeds))
    for name in METRICS:
        spread = score.metric(name)
        if isinstance(spread, OverSeeds):
            each = " ".join("-" if value is None else str(value) for value in spread.each)
            yield [*_names(score), seeds, name, *(getattr(spread, key) for key in _SPREAD), each]


def _names(score: ScoreFile | SeedsFile) -> list[str]:
    return [score.benchmark, score.protocol.name, score.model, str(score.synthetic).lower()]


def _leakage_warning(score: ScoreFile) -> str:
    exact, near, people, videos = (getattr(score.leakage, kind) or 0 for kind in LEAKAGE)
    return (
        f"Warning: {score.model} was trained on {exact} of the images of {score.benchmark}, on images that "
        f"look like {near} others, on {people} of its people and on {videos} of its videos; see results/leakage."
    )


def _published_lines(scores: Sequence[ScoreFile | SeedsFile]) -> list[str]:
    """Return for each protocol the published results, and how far they can be compared."""
    lines = {}
    for score in scores:
        results = [f"{one.model} {HEADINGS.get(one.metric, one.metric)} {one.value:.3f}" for one in score.published]
        text = "; ".join(filter(None, (*results, score.published_note)))
        if text:
            lines[_target(score)] = f"{_target(score)}, published: {text}"
    return list(lines.values())


def _target(score: ScoreFile | SeedsFile) -> str:
    """Return benchmark and protocol, or the benchmark alone for its default protocol."""
    name = score.protocol.name
    return score.benchmark if name == default(score.benchmark) else f"{score.benchmark}-{name}"
