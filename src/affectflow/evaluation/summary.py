"""All score files in one table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.core.errors import UserError
from affectflow.evaluation.protocols import default
from affectflow.evaluation.score import OVERLAP
from affectflow.tables.csv_files import write_csv

MEASURES = (
    *("mean_f1", "mean_f1_validation_threshold", "mean_f1_always_yes", "mean_auc", "mean_accuracy", "mean_event_f1"),
    "challenge_score",
    *("mean_icc", "mean_mae", "valence_ccc", "arousal_ccc", "mean_ccc"),
)
_WITH_INTERVALS = ("mean_f1", "mean_auc", "mean_icc", "valence_ccc", "arousal_ccc", "mean_ccc")
_AFFECT = ("valence", "arousal")
COLUMNS = (
    *("benchmark", "protocol", "model", "synthetic", *MEASURES),
    *(f"{measure}_{end}" for measure in _WITH_INTERVALS for end in ("low", "high")),
    *("frames", "used_frames", "subjects", "unsupported", "published", "published_note", "snapshot"),
    *(f"overlap_{kind}" for kind in OVERLAP),
)

SEED_COLUMNS = (
    *("benchmark", "protocol", "model", "synthetic", "seeds", "measure", "mean", "standard_deviation"),
    *("interval_low", "interval_high", "each"),
)
HEADINGS = {
    "mean_f1": "mean F1",
    "mean_f1_always_yes": "always yes",
    "mean_auc": "mean AUC",
    "mean_event_f1": "event F1",
    "mean_icc": "mean ICC",
    "valence_ccc": "valence CCC",
    "arousal_ccc": "arousal CCC",
}
"""Measures that tables show where some score has them, and what stands above them."""


def summarize(scores: Sequence[Path], out: Path) -> None:
    """Write one row for each score file; raises :class:`UserError` for one of means over seeds."""
    write_csv(out, COLUMNS, (_row(score) for score in _read(scores, over_seeds=False)))


def summarize_seeds(gathered: Sequence[Path], out: Path) -> None:
    """Write one row for each measure of each file of :func:`affectflow.evaluation.compare.gather_seeds`."""
    write_csv(out, SEED_COLUMNS, (row for score in _read(gathered, over_seeds=True) for row in _seed_rows(score)))


def table(files: Sequence[Path]) -> str:
    """Score files as a short table for a terminal, with 95% intervals, or over seeds with standard deviations."""
    header = ("benchmark", "model", *HEADINGS.values(), "frames")
    scores = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    lines = [header]
    for score in scores:
        model = f"{score['model']}, {len(score['seeds'])} seeds" if "seeds" in score else score["model"]
        cells = (cell(measure_of(score, name), interval_of(score, name)) for name in HEADINGS)
        lines.append((_scored(score), model, *cells, str(score["protocol"]["used_frames"])))
    shown = [i for i in range(len(header)) if any(line[i] != "-" for line in lines[1:])]
    lines = [tuple(line[i] for i in shown) for line in lines]
    header = lines[0]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    text += "".join(f"\n{line}" for line in _of_others(scores))
    drawn = any(score["synthetic"] for score in scores)
    text += "".join(f"\n{_warning(score)}" for score in scores if any((score.get("overlap") or {}).values()))
    return text + ("\nDrawn data: these figures say that the pipeline works, nothing about people." if drawn else "")


def _read(files: Sequence[Path], over_seeds: bool) -> Iterator[dict[str, Any]]:
    for path in files:
        score = json.loads(path.read_text(encoding="utf-8"))
        if ("seeds" in score) is not over_seeds:
            raise UserError(f"{path} holds {'one score' if over_seeds else 'means over seeds'}; leave it out.")
        yield score


def _row(score: Mapping[str, Any]) -> list[object]:
    used = score["protocol"]
    return [
        *(score["benchmark"], used["name"], score["model"], str(score["synthetic"]).lower()),
        *(measure_of(score, name) for name in MEASURES),
        *(end for name in _WITH_INTERVALS for end in interval_of(score, name) or (None, None)),
        *(used["frames"], used["used_frames"], used["subjects"]),
        "; ".join(score["unsupported"]),
        "; ".join(f"{figure['model']} {figure['measure']} {figure['value']}" for figure in score["published"]),
        score["published_note"],
        score["snapshot"]["id"] if score["snapshot"] else None,
        *((score["overlap"] or {}).get(kind) for kind in OVERLAP),
    ]


def _seed_rows(score: Mapping[str, Any]) -> Iterator[list[object]]:
    seeds = " ".join(map(str, score["seeds"]))
    for name in MEASURES:
        spread = measure_of(score, name)
        if isinstance(spread, Mapping):
            each = " ".join("-" if value is None else str(value) for value in spread["each"])
            numbers = (spread[key] for key in SEED_COLUMNS[6:10])
            named = (score["benchmark"], score["protocol"]["name"], score["model"], str(score["synthetic"]).lower())
            yield [*named, seeds, name, *numbers, each]


def measure_of(score: Mapping[str, Any], name: str) -> Any:
    """A number, or over seeds a mapping with its mean and spread; None where the measure does not exist."""
    dimension = name.removesuffix("_ccc")
    if dimension in _AFFECT:
        return score[dimension]["ccc"] if score[dimension] else None
    return score.get(name)


def interval_of(score: Mapping[str, Any], name: str) -> Sequence[float] | None:
    """The 95% interval of a measure of one score; None where it has none."""
    dimension = name.removesuffix("_ccc")
    held, key = (score[dimension] or {}, "ccc") if dimension in _AFFECT else (score, name)
    interval: Sequence[float] | None = held.get("intervals", {}).get(key)
    return interval


def _warning(score: Mapping[str, Any]) -> str:
    exact, near, people = (score["overlap"][kind] for kind in OVERLAP)
    return (
        f"Warning: {score['model']} was trained on {exact} of the images of {score['benchmark']}, on images that "
        f"look like {near} others, and on {people} of its people; see results/overlap."
    )


def _of_others(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each protocol what others report for it, and how far that can be compared."""
    lines = {}
    for score in scores:
        figures = [
            f"{one['model']} {HEADINGS.get(one['measure'], one['measure'])} {one['value']:.3f}"
            for one in score.get("published", ())
        ]
        said = "; ".join(filter(None, (*figures, score.get("published_note"))))
        if said:
            lines[_scored(score)] = f"{_scored(score)}, by others: {said}"
    return list(lines.values())


def _scored(score: Mapping[str, Any]) -> str:
    """Benchmark and protocol; the benchmark alone where that is its default."""
    name = score["protocol"]["name"]
    return score["benchmark"] if name == default(score["benchmark"]) else f"{score['benchmark']}-{name}"


def cell(value: Any, interval: Sequence[float] | None = None) -> str:
    """A measure with its interval, or over seeds its mean with its deviation; a dash where there is none."""
    if isinstance(value, Mapping):
        deviation = value["standard_deviation"]
        return cell(value["mean"]) + ("" if deviation is None else f" ± {deviation:.3f}")
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})")
