"""Collect what the report shows of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.contracts.score import ScoreFile
from affectflow.datasets import info
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.action_units import unit_panels
from affectflow.report.affect_plane import plane_panels
from affectflow.report.conditions import condition_panels
from affectflow.report.curves import curve_panels
from affectflow.report.emotions import emotion_panels
from affectflow.report.errors import error_panels, errors_of
from affectflow.report.images import sample_panel, worst_panel
from affectflow.report.panel import SHOW_ALL, Panel, RunReport
from affectflow.report.reliability import reliability_panels
from affectflow.report.tracks import track_panels
from affectflow.tables.parquet import read_parquet

_SAMPLES_OF = "emotionet"
"""The benchmark of which sample images are shown; others are not the model's own split."""


def collect_run(
    metadata: Path,
    history: Path,
    reliability: Path,
    scores: Sequence[Path],
    predictions: Sequence[Path],
    frames: Sequence[Sequence[Path]],
    run: str,
    faces: str,
    out: Path,
) -> None:
    """Write the panels of a run as :class:`RunReport`.

    Args:
        metadata: the run's ``model.json``.
        history: CSV with one row for each epoch.
        reliability: CSV of reliability bins.
        scores: the run's score file of each benchmark, by the default protocol.
        predictions: tables of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`, in the same order.
        frames: TFRecord files of each benchmark's images, in the same order.
        run: its name.
        faces: ``report.faces``; images of real people are embedded with :data:`SHOW_ALL` only.
        out: JSON file.
    """
    trained = ModelMetadata.read(metadata)
    benchmarks = {}
    for score, table, records in zip(scores, predictions, frames, strict=True):
        result = ScoreFile.read(score)
        with_images = result.synthetic or faces == SHOW_ALL
        benchmarks[result.benchmark] = tuple(_panels(result, table, records if with_images else (), trained))
    RunReport(
        run=run,
        synthetic=trained.synthetic,
        facts=_facts(trained),
        baseline=trained.recipe.is_baseline,
        training=tuple(curve_panels(history, trained.best_epoch)),
        calibration=tuple(reliability_panels(reliability, trained.calibration_error)),
        benchmarks=benchmarks,
    ).write(out)


def _panels(score: ScoreFile, predictions: Path, records: Sequence[Path], trained: ModelMetadata) -> Iterator[Panel]:
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    errors = errors_of(table)
    yield from unit_panels(score)
    yield from condition_panels(score)
    yield from plane_panels(score, table)
    yield from error_panels(table, errors)
    if info(score.benchmark).media == "videos":
        yield from track_panels(table, errors)
    if score.action_units:
        yield from emotion_panels(table, trained.thresholds)
    if records:
        if score.benchmark == _SAMPLES_OF:
            yield from sample_panel(records, table, trained.thresholds)
        yield from worst_panel(records, table, errors, trained.thresholds)


def _facts(trained: ModelMetadata) -> dict[str, str]:
    sets = ", ".join(f"{count:,} of {info(name).title}" for name, count in trained.datasets.items())
    start = "random weights" if trained.recipe.weights is None else Path(trained.recipe.weights).name
    return {
        "network": f"{trained.recipe.backbone}, {trained.recipe.input_size} px, from {start}",
        "training images": sets,
        "predicts": ", ".join(name.replace("_", " ") for name in trained.heads),
        "best epoch": f"{trained.best_epoch} of {trained.epochs}",
    }
