"""Stages that draw figures and write what people read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage

ShownFaces = Annotated[str, Setting("report.faces")]
_DECIDES = ("report", "datasets", "download", "facs", "media", "contracts.model_metadata", "contracts.score")
_OF_PREDICTIONS = (*_DECIDES, "evaluation", "metrics", "prediction.columns", "records")


@stage(*_DECIDES)
def describe_model(metadata: Path, text: Output, run: str) -> None:
    """Write the model card."""
    from affectflow.report.card import write_card

    write_card(metadata, run, text)


@stage(*_DECIDES)
def draw_download(summary: Path, figure: Output, synthetic: bool) -> None:
    """Draw what became of the URLs."""
    from affectflow.report.download import draw_download as draw

    draw(summary, synthetic, figure)


@stage(*_DECIDES)
def draw_label_balance(samples: Path, figure: Output, synthetic: bool) -> None:
    """Draw how often each AU is labelled."""
    from affectflow.report.balance import draw_balance

    draw_balance(samples, synthetic, figure)


@stage(*_DECIDES, "annotation.columns", "annotation.recording")
def draw_annotation(merged: Path, annotators: Path, figure: Output, synthetic: bool) -> None:
    """Draw the annotated valence and arousal, and the agreement of annotators."""
    from affectflow.report.annotation import draw_annotation as draw

    draw(merged, annotators, synthetic=synthetic, out=figure)


@stage(*_DECIDES)
def draw_learning_curves(history: Path, figure: Output, run: str, synthetic: bool) -> None:
    """Draw loss and validation metrics by epoch."""
    from affectflow.report.curves import draw_curves

    draw_curves(history, run, synthetic, figure)


@stage(*_DECIDES)
def draw_reliability(table: Path, figure: Output, run: str, synthetic: bool) -> None:
    """Draw predicted against observed frequencies."""
    from affectflow.report.reliability import draw_reliability as draw

    draw(table, run, synthetic, figure)


@stage(*_DECIDES)
def draw_action_units(score: Path, figure: Output) -> None:
    """Draw F1 and AUC by AU."""
    from affectflow.report.action_units import draw_units

    draw_units(score, figure)


@stage(*_OF_PREDICTIONS)
def draw_affect_plane(predictions: Path, score: Path, figure: Output) -> None:
    """Draw labels and predictions in the valence/arousal plane."""
    from affectflow.report.plane import draw_plane

    draw_plane(predictions, score, figure)


@stage(*_OF_PREDICTIONS)
def draw_tracks(predictions: Path, score: Path, figure: Output) -> None:
    """Draw labels and predictions along the best and the worst video."""
    from affectflow.report.tracks import draw_tracks as draw

    draw(predictions, score, figure)


@stage(*_OF_PREDICTIONS)
def draw_emotions(predictions: Path, score: Path, figure: Output) -> None:
    """Draw labelled against predicted emotions, as AUs make them."""
    from affectflow.report.emotions import draw_emotions as draw

    draw(predictions, score, figure)


@stage(*_OF_PREDICTIONS)
def draw_worst(frames: list[Path], predictions: Path, metadata: Path, figure: Output, faces: ShownFaces) -> None:
    """Draw the images with the largest errors."""
    from affectflow.report.sample_images import draw_worst as draw

    draw(frames, predictions, metadata, faces, figure)


@stage(*_OF_PREDICTIONS)
def draw_sample_images(
    frames: list[Path], predictions: Path, metadata: Path, figure: Output, faces: ShownFaces
) -> None:
    """Draw images of the test split with labels and predictions."""
    from affectflow.report.sample_images import draw_samples

    draw_samples(frames, predictions, metadata, faces, figure)


@stage(*_OF_PREDICTIONS)
def write_overview(
    scores: list[Path],
    figures: list[Path],
    page: Output,
    synthetic: bool,
    faces: ShownFaces,
    summary: Path | None = None,
) -> None:
    """Write the page that shows scores and figures in order."""
    from affectflow.report.overview import write_overview as write

    write(scores, summary, figures, synthetic, faces, page)
