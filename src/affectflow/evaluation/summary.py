"""All score files in one table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.errors import UserError
from affectflow.tables import write_csv

MEASURES = (
    *("mean_f1", "mean_f1_validation_threshold", "mean_f1_always_yes", "mean_auc"),
    *("valence_ccc", "arousal_ccc"),
)
COLUMNS = ("benchmark", "model", "synthetic", *MEASURES, "frames", "subjects", "unsupported", "snapshot")

SEED_COLUMNS = (
    *("benchmark", "model", "synthetic", "seeds", "measure", "mean", "standard_deviation"),
    *("interval_low", "interval_high", "each"),
)


def summarise(scores: Sequence[Path], out: Path) -> None:
    """Write one row for each score file; raises :class:`UserError` for one of means over seeds."""
    write_csv(out, COLUMNS, (_row(score) for score in _read(scores, over_seeds=False)))


def summarise_seeds(gathered: Sequence[Path], out: Path) -> None:
    """Write one row for each measure of each file of :func:`affectflow.evaluation.seeds.gather_seeds`."""
    write_csv(out, SEED_COLUMNS, (row for score in _read(gathered, over_seeds=True) for row in _seed_rows(score)))


def table(files: Sequence[Path]) -> str:
    """Score files as a short table for a terminal; those of several seeds with their mean and standard deviation."""
    header = ("benchmark", "model", "mean F1", "always yes", "mean AUC", "valence CCC", "arousal CCC", "frames")
    measures = ("mean_f1", "mean_f1_always_yes", "mean_auc", "valence_ccc", "arousal_ccc")
    scores = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    lines = [header]
    for score in scores:
        model = f"{score['model']}, {len(score['seeds'])} seeds" if "seeds" in score else score["model"]
        cells = (_cell(_measure(score, name)) for name in measures)
        lines.append((score["benchmark"], model, *cells, str(score["protocol"]["frames"])))
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    drawn = any(score["synthetic"] for score in scores)
    return text + ("\nDrawn data: these figures say that the pipeline works, nothing about people." if drawn else "")


def _read(files: Sequence[Path], over_seeds: bool) -> Iterator[dict[str, Any]]:
    for path in files:
        score = json.loads(path.read_text(encoding="utf-8"))
        if ("seeds" in score) is not over_seeds:
            raise UserError(f"{path} holds {'one score' if over_seeds else 'means over seeds'}; leave it out.")
        yield score


def _row(score: Mapping[str, Any]) -> list[object]:
    return [
        *(score["benchmark"], score["model"], str(score["synthetic"]).lower()),
        *(_measure(score, name) for name in MEASURES),
        *(score["protocol"]["frames"], score["protocol"]["subjects"]),
        " ".join(score["unsupported"]),
        score["snapshot"]["id"] if score["snapshot"] else None,
    ]


def _seed_rows(score: Mapping[str, Any]) -> Iterator[list[object]]:
    seeds = " ".join(map(str, score["seeds"]))
    for name in MEASURES:
        spread = _measure(score, name)
        if isinstance(spread, Mapping):
            each = " ".join("-" if value is None else str(value) for value in spread["each"])
            numbers = (spread[key] for key in SEED_COLUMNS[5:9])
            yield [score["benchmark"], score["model"], str(score["synthetic"]).lower(), seeds, name, *numbers, each]


def _measure(score: Mapping[str, Any], name: str) -> Any:
    """A number, or over seeds a mapping with its mean and spread; None where the measure does not exist."""
    if name in score:
        return score[name]
    dimension = score[name.removesuffix("_ccc")]
    return dimension["ccc"] if dimension else None


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        deviation = value["standard_deviation"]
        return _cell(value["mean"]) + ("" if deviation is None else f" ± {deviation:.3f}")
    return "-" if value is None else f"{value:.3f}"
