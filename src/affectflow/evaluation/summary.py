"""All score files in one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def table(scores: Sequence[Path]) -> str:
    """The scores as a short table for a terminal."""
    header = ("benchmark", "model", "mean F1", "always yes", "mean AUC", "valence CCC", "arousal CCC", "frames")
    keys = ("mean_f1", "mean_f1_always_yes", "mean_auc", "valence_ccc", "arousal_ccc")
    lines: list[tuple[str, ...]] = [header]
    synthetic = False
    for path in scores:
        row = dict(zip(COLUMNS, _row(json.loads(path.read_text(encoding="utf-8"))), strict=True))
        synthetic |= row["synthetic"] == "true"
        measures = ("-" if row[key] is None else f"{row[key]:.3f}" for key in keys)
        lines.append((str(row["benchmark"]), str(row["model"]), *measures, str(row["frames"])))
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return text + (
        "\nDrawn data: these figures say that the pipeline works, nothing about people." if synthetic else ""
    )
