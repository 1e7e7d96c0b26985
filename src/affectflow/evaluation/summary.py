"""All score files in one table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.evaluation.seeds import measures
from affectflow.tables import write_csv

COLUMNS = (
    "benchmark",
    "model",
    "synthetic",
    "mean_f1",
    "mean_f1_validation_threshold",
    "mean_f1_always_yes",
    "mean_auc",
    "valence_ccc",
    "arousal_ccc",
    "frames",
    "subjects",
    "unsupported",
    "snapshot",
)

SEED_COLUMNS = (
    *("benchmark", "model", "synthetic", "seeds", "measure", "mean", "standard_deviation"),
    *("interval_low", "interval_high", "each"),
)


def summarise(scores: Sequence[Path], out: Path) -> None:
    """Write one row for each score file."""
    write_csv(out, COLUMNS, (_row(json.loads(path.read_text(encoding="utf-8"))) for path in scores))


def _row(score: dict[str, Any]) -> list[object]:
    def ccc(dimension: str) -> object:
        return score[dimension]["ccc"] if score[dimension] else None

    return [
        score["benchmark"],
        score["model"],
        str(score["synthetic"]).lower(),
        *(score[key] for key in COLUMNS[3:7]),
        ccc("valence"),
        ccc("arousal"),
        score["protocol"]["frames"],
        score["protocol"]["subjects"],
        " ".join(score["unsupported"]),
        score["snapshot"]["id"] if score["snapshot"] else None,
    ]


def summarise_seeds(gathered: Sequence[Path], out: Path) -> None:
    """Write one row for each measure of each file of :func:`affectflow.evaluation.seeds.gather_seeds`."""
    write_csv(out, SEED_COLUMNS, (row for path in gathered for row in _seed_rows(json.loads(path.read_text("utf-8")))))


def _seed_rows(gathered: Mapping[str, Any]) -> Iterator[list[object]]:
    seeds = " ".join(map(str, gathered["seeds"]))
    for name, spread in measures(gathered):
        each = " ".join("-" if value is None else str(value) for value in spread["each"])
        facts = (spread[key] for key in SEED_COLUMNS[5:9])
        yield [gathered["benchmark"], gathered["model"], str(gathered["synthetic"]).lower(), seeds, name, *facts, each]


def table(scores: Sequence[Path], gathered: Sequence[Path]) -> str:
    """The scores as a short table for a terminal, and below them the means over seeds with their deviation."""
    header = ("benchmark", "model", "mean F1", "always yes", "mean AUC", "valence CCC", "arousal CCC", "frames")
    keys = ("mean_f1", "mean_f1_always_yes", "mean_auc", "valence_ccc", "arousal_ccc")
    lines: list[tuple[str, ...]] = [header]
    cells: Iterator[str]
    synthetic = False
    for path in scores:
        row = dict(zip(COLUMNS, _row(json.loads(path.read_text(encoding="utf-8"))), strict=True))
        synthetic |= row["synthetic"] == "true"
        cells = (_cell(row[key]) for key in keys)
        lines.append((str(row["benchmark"]), str(row["model"]), *cells, str(row["frames"])))
    for path in gathered:
        score = json.loads(path.read_text(encoding="utf-8"))
        spreads = dict(measures(score))
        cells = (_mean_and_deviation(spreads[key]) if key in spreads else _cell(score.get(key)) for key in keys)
        name = f"{score['model']}, {len(score['seeds'])} seeds"
        lines.append((score["benchmark"], name, *cells, str(score["protocol"]["frames"])))
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return text + (
        "\nDrawn data: these figures say that the pipeline works, nothing about people." if synthetic else ""
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _mean_and_deviation(spread: Mapping[str, Any]) -> str:
    deviation = spread["standard_deviation"]
    return _cell(spread["mean"]) + ("" if deviation is None else f" ± {deviation:.3f}")
