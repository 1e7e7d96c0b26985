"""Stages that write what people read."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage

ShownFaces = Annotated[str, Setting("report.faces")]
_DECIDES = ("report", "datasets", "download", "facs", "media", "contracts.model_metadata", "contracts.score")


@stage(*_DECIDES)
def describe_model(metadata: Path, text: Output, run: str) -> None:
    """Write the model card.

    Args:
        metadata: The run's model.json.
        text: The card, in Markdown.
        run: The run's name.
    """
    from affectflow.report.card import write_card

    write_card(metadata, run, text)


@stage(*_DECIDES, "evaluation", "metrics", "prediction.columns", "records")
def collect_run(
    metadata: Path,
    history: Path,
    reliability: Path,
    scores: list[Path],
    predictions: list[Path],
    frames: list[Path],
    frames_of: list[int],
    report: Output,
    run: str,
    faces: ShownFaces,
) -> None:
    """Collect what the report shows of one run: charts, tables and images.

    Args:
        metadata: The run's model.json.
        history: Its metrics by epoch.
        reliability: Its reliability bins.
        scores: Its score of each benchmark.
        predictions: Its predictions of each benchmark, in the same order.
        frames: Records with the images of all benchmarks, in the same order.
        frames_of: How many of these files belong to each benchmark.
        report: JSON file.
        run: The run's name.
        faces: Whether images of people are shown.
    """
    from affectflow.report.run import collect_run as collect

    parts = iter(frames)
    by_benchmark = [list(islice(parts, count)) for count in frames_of]
    collect(metadata, history, reliability, scores, predictions, by_benchmark, run, faces, report)


@stage(*_DECIDES, "evaluation", "annotation.columns", "annotation.recording")
def write_overview(
    scores: list[Path],
    runs: list[Path],
    page: Output,
    synthetic: bool,
    faces: ShownFaces,
    summary: Path | None = None,
    samples: Path | None = None,
    merged: Path | None = None,
    annotators: Path | None = None,
) -> None:
    """Write the page of all scores, and of what they are made from.

    Args:
        scores: Score files of all runs and protocols.
        runs: What was collected of each run.
        page: HTML file.
        synthetic: Whether the data is drawn.
        faces: Whether images of people are shown.
        summary: Outcomes of the download.
        samples: EmotioNet's samples.
        merged: Merged valence and arousal.
        annotators: Agreement of the annotators.
    """
    from affectflow.report.overview import write_overview as write

    write(scores, runs, summary, samples, merged, annotators, synthetic, faces, page)
