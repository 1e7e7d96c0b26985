"""Tables of many score files: as CSV, and as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.core.errors import UserError
from affectflow.evaluation.protocols import default
from affectflow.evaluation.score import LEAKAGE
from affectflow.tables.csv_files import write_csv

METRICS = (
    *("mean_f1", "mean_f1_validation_threshold", "mean_f1_always_yes", "mean_auc", "mean_accuracy", "mean_event_f1"),
    "challenge_score",
    *("mean_icc", "mean_mae", "valence_ccc", "arousal_ccc", "mean_ccc"),
)
_WITH_INTERVALS = ("mean_f1", "mean_auc", "mean_icc", "valence_ccc", "arousal_ccc", "mean_ccc")
_AFFECT = ("valence", "arousal")
COLUMNS = (
    *("benchmark", "protocol", "model", "synthetic", *METRICS),
    *(f"{metric}_{end}" for metric in _WITH_INTERVALS for end in ("low", "high")),
    *("frames", "used_frames", "subjects", "unsupported", "published", "published_note", "snapshot"),
    *(f"leakage_{kind}" for kind in LEAKAGE),
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
    """Write a CSV with one row for each score file; raises :class:`UserError` for a file of means over seeds."""
    write_csv(out, COLUMNS, (_row(score) for score in _read(scores, over_seeds=False)))


def summarize_seeds(gathered: Sequence[Path], out: Path) -> None:
    """Write a CSV with one row for each metric of each file of :func:`affectflow.evaluation.compare.gather_seeds`."""
    write_csv(out, SEED_COLUMNS, (row for score in _read(gathered, over_seeds=True) for row in _seed_rows(score)))


def table(files: Sequence[Path]) -> str:
    """Return score files as a table for a terminal, with 95% intervals, or over seeds with standard deviations."""
    header = ("benchmark", "model", *HEADINGS.values(), "frames")
    scores = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    lines = [header]
    for score in scores:
        model = f"{score['model']}, {len(score['seeds'])} seeds" if "seeds" in score else score["model"]
        cells = (cell(metric_of(score, name), interval_of(score, name)) for name in HEADINGS)
        lines.append((_target(score), model, *cells, str(score["protocol"]["used_frames"])))
    shown = [i for i in range(len(header)) if any(line[i] != "-" for line in lines[1:])]
    lines = [tuple(line[i] for i in shown) for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    text += _published_lines(scores)
    text += [_leakage_warning(score) for score in scores if any((score.get("leakage") or {}).values())]
    if any(score["synthetic"] for score in scores):
        text.append("Drawn data: these scores show that the pipeline works and say nothing about people.")
    return "\n".join(text)


def metric_of(score: Mapping[str, Any], name: str) -> Any:
    """Return a metric of a score file: a number, or over seeds a mapping with its mean; None where it is undefined."""
    dimension = name.removesuffix("_ccc")
    if dimension in _AFFECT:
        return score[dimension]["ccc"] if score[dimension] else None
    return score.get(name)


def interval_of(score: Mapping[str, Any], name: str) -> Sequence[float] | None:
    """Return the 95% interval of a metric of a score file; None where it has none."""
    dimension = name.removesuffix("_ccc")
    entry, key = (score[dimension] or {}, "ccc") if dimension in _AFFECT else (score, name)
    interval: Sequence[float] | None = entry.get("intervals", {}).get(key)
    return interval


def cell(value: Any, interval: Sequence[float] | None = None) -> str:
    """Format a metric with its interval, or over seeds its mean with its standard deviation; a dash for None."""
    if isinstance(value, Mapping):
        deviation = value["standard_deviation"]
        return cell(value["mean"]) + ("" if deviation is None else f" ± {deviation:.3f}")
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})")


def _read(files: Sequence[Path], over_seeds: bool) -> Iterator[dict[str, Any]]:
    for path in files:
        score = json.loads(path.read_text(encoding="utf-8"))
        if ("seeds" in score) is not over_seeds:
            raise UserError(f"{path} holds {'one score' if over_seeds else 'means over seeds'}; leave it out.")
        yield score


def _row(score: Mapping[str, Any]) -> list[object]:
    protocol = score["protocol"]
    return [
        *_names(score),
        *(metric_of(score, name) for name in METRICS),
        *(end for name in _WITH_INTERVALS for end in interval_of(score, name) or (None, None)),
        *(protocol["frames"], protocol["used_frames"], protocol["subjects"]),
        "; ".join(score["unsupported"]),
        "; ".join(f"{one['model']} {one['metric']} {one['value']}" for one in score["published"]),
        score["published_note"],
        score["snapshot"]["id"] if score["snapshot"] else None,
        *((score["leakage"] or {}).get(kind) for kind in LEAKAGE),
    ]


def _seed_rows(score: Mapping[str, Any]) -> Iterator[list[object]]:
    seeds = " ".join(map(str, score["seeds"]))
    for name in METRICS:
        spread = metric_of(score, name)
        if isinstance(spread, Mapping):
            each = " ".join("-" if value is None else str(value) for value in spread["each"])
            yield [*_names(score), seeds, name, *(spread[key] for key in _SPREAD), each]


def _names(score: Mapping[str, Any]) -> list[str]:
    return [score["benchmark"], score["protocol"]["name"], score["model"], str(score["synthetic"]).lower()]


def _leakage_warning(score: Mapping[str, Any]) -> str:
    exact, near, people = (score["leakage"][kind] for kind in LEAKAGE)
    return (
        f"Warning: {score['model']} was trained on {exact} of the images of {score['benchmark']}, on images that "
        f"look like {near} others, and on {people} of its people; see results/leakage."
    )


def _published_lines(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return for each protocol the published results, and how far they can be compared."""
    lines = {}
    for score in scores:
        results = [
            f"{one['model']} {HEADINGS.get(one['metric'], one['metric'])} {one['value']:.3f}"
            for one in score.get("published", ())
        ]
        text = "; ".join(filter(None, (*results, score.get("published_note"))))
        if text:
            lines[_target(score)] = f"{_target(score)}, published: {text}"
    return list(lines.values())


def _target(score: Mapping[str, Any]) -> str:
    """Return benchmark and protocol, or the benchmark alone for its default protocol."""
    name = score["protocol"]["name"]
    return score["benchmark"] if name == default(score["benchmark"]) else f"{score['benchmark']}-{name}"
