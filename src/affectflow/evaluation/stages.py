"""Stages from predictions to scores and comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.stage import Output, stage

if TYPE_CHECKING:
    from affectflow.evaluation.outputs import RunPredictions

_VIDEOS_SHOWN = 5
_FILES = ("contracts.score", "contracts.comparison", "contracts.seeds")
_SCORED = ("evaluation", *_FILES, "metrics", "prediction.columns", "datasets", "facs", "media")
"""What decides a score."""


@stage(*_SCORED)
def score_model(
    predictions: list[Path],
    left_out: list[Path],
    metadata: list[Path],
    model: list[Path],
    leakage: list[Path],
    score: Output,
    benchmark: str,
    protocol: str,
    run: str,
    runs: list[str],
    config_sha256: str,
    code: str,
    snapshot: tuple[Path, ...] = (),
    subjects: tuple[Path, ...] = (),
) -> str:
    """Score a model on a benchmark by a protocol.

    Args:
        predictions: Tables of predictions, of the run or of each fold's run.
        left_out: Tables of frames without a prediction.
        metadata: model.json of the runs.
        model: model.keras of the runs.
        leakage: Counts of check-leakage for the runs.
        score: The score file.
        benchmark: Name of the benchmark.
        protocol: Name of the protocol; empty for the benchmark's default.
        run: Name of the model in the score file.
        runs: Names of the runs.
        config_sha256: Digest of the configuration that the score depends on.
        code: Digest of the code that scores.
        snapshot: Card of the downloaded images.
        subjects: Table of what is known of the people, by which scores are grouped.
    """
    from affectflow.evaluation.protocols import protocol as find_protocol
    from affectflow.evaluation.score import score as write_score

    write_score(
        find_protocol(benchmark, protocol.lstrip("-")),
        run,
        _run_predictions(runs, predictions, left_out, metadata, model, leakage),
        snapshot=snapshot[0] if snapshot else None,
        subjects=subjects[0] if subjects else None,
        config_sha256=config_sha256,
        code_sha256=code,
        out=score,
    )
    from affectflow.contracts.score import ScoreFile

    return ScoreFile.read(score).headline()


@stage(*_SCORED)
def score(
    predictions: Path,
    benchmark: str,
    root: Path,
    out: Output,
    code: str,
    protocol: str = "",
    split: str = "all",
    name: str = "",
    subjects: Path | None = None,
) -> str:
    """Score anyone's predictions on a benchmark: a CSV, or what OpenFace, py-feat and LibreFace write.

    Args:
        predictions: A file, or a folder of files.
        benchmark: Name of the benchmark whose labels the predictions are compared with.
        root: Folder of the benchmark.
        out: The score file.
        code: Digest of the code that scores.
        protocol: Name of the protocol; the benchmark's default if left out.
        split: Split of the benchmark.
        name: Name of the model in the score file; the file's name if left out.
        subjects: Table with a column subject or video and others such as gender or age, by which scores are grouped.
    """
    import tempfile

    from affectflow.core.cache import fingerprint
    from affectflow.evaluation.external import external_run
    from affectflow.evaluation.protocols import protocol as find_protocol
    from affectflow.evaluation.score import score as write_score
    from affectflow.evaluation.summary import table

    wanted = find_protocol(benchmark, protocol)
    name = name or predictions.stem
    with tempfile.TemporaryDirectory() as folder:
        found = external_run(predictions, name, benchmark, root, split, Path(folder))
        write_score(
            wanted,
            name,
            [found.run],
            snapshot=None,
            subjects=subjects,
            config_sha256=fingerprint([wanted.target, split]),
            code_sha256=code,
            out=out,
        )
    matched, unused = found.matched, Counter(found.run.unused_rows)
    lines = [f"{found.run.program} by {wanted.title}, version {wanted.version}", table([out])]
    lines += [f"left out: {count:,} {reason}" for reason, count in (matched.left_out + unused).most_common()]
    if without := matched.without_prediction.total():
        lines.append(f"without a prediction, counted as without expression: {without:,} frames")
    lines += [f"  {count:,} of {video}" for video, count in matched.without_prediction.most_common(_VIDEOS_SHOWN)]
    if (more := len(matched.without_prediction) - _VIDEOS_SHOWN) > 0:
        lines.append(f"  and of {more:,} other videos")
    return "\n".join(lines)


@stage(*_SCORED)
def compare_models(
    predictions: list[Path],
    left_out: list[Path],
    metadata: list[Path],
    model: list[Path],
    comparison: Output,
    benchmark: str,
    protocol: str,
    run: str,
    other: str,
    runs: list[str],
    others: list[str],
) -> None:
    """Compare two models on the same frames of a benchmark.

    Args:
        predictions: Tables of predictions, of the first model's runs and then of the second's.
        left_out: Tables of frames without a prediction, in the same order.
        metadata: model.json of the runs, in the same order.
        model: model.keras of the runs, in the same order.
        comparison: JSON file of the differences.
        benchmark: Name of the benchmark.
        protocol: Name of the protocol; empty for the benchmark's default.
        run: Name of the first model.
        other: Name of the second model, whose metrics are subtracted from the first's.
        runs: Names of the first model's runs, one or one of each fold.
        others: Names of the second model's runs.
    """
    from affectflow.evaluation.compare import compare
    from affectflow.evaluation.protocols import protocol as find_protocol

    found = _run_predictions([*runs, *others], predictions, left_out, metadata, model)
    compare(
        find_protocol(benchmark, protocol.lstrip("-")),
        {run: found[: len(runs)], other: found[len(runs) :]},
        out=comparison,
    )


def _run_predictions(runs: Sequence[str], *files: Sequence[Path]) -> list[RunPredictions]:
    from affectflow.evaluation.outputs import RunPredictions

    return [RunPredictions.of_run(run, *paths) for run, *paths in zip(runs, *files, strict=True)]


@stage(*_SCORED)
def list_events(predictions: Path, metadata: Path, events: Output) -> str:
    """List when AUs begin, peak and end in a benchmark's videos, labelled and predicted.

    Args:
        predictions: Table of predictions.
        metadata: model.json of the run.
        events: Table of the events.
    """
    from affectflow.contracts.model_metadata import ModelMetadata
    from affectflow.evaluation.temporal import write_events

    return f"{write_events(predictions, ModelMetadata.read(metadata).thresholds, events)} events"


@stage(*_SCORED)
def tabulate_across(scores: list[Path], table: Output) -> str:
    """Write a table of what a model learned from by what it was scored on, each data set left out once.

    Args:
        scores: Score files of the model's runs without each data set, and within them.
        table: The table.
    """
    from affectflow.evaluation.summary import tabulate_across as tabulate

    tabulate(scores, table)
    return f"{len(scores)} scores"


@stage(*_SCORED)
def gather_seeds(scores: list[Path], score: Output, first: str, seeds: list[int]) -> None:
    """Write mean and spread of the scores of one model's seeds.

    Args:
        scores: Score file of each seed.
        score: JSON file of mean and spread.
        first: Name of the first seed's run, by which the file names the model.
        seeds: The seeds, in the order of the score files.
    """
    from affectflow.evaluation.compare import gather_seeds as gather

    gather(first, dict(zip(seeds, scores, strict=True)), score)


@stage(*_SCORED)
def summarize_scores(scores: list[Path], summary: Output, seeds: tuple[Path, ...], seeds_summary: Output) -> str:
    """Write all scores as a table, and the means over seeds as another.

    Args:
        scores: Score files.
        summary: Table of the scores.
        seeds: Files of gather-seeds.
        seeds_summary: Table of the means over seeds.
    """
    from affectflow.evaluation.summary import summarize, summarize_seeds, table

    summarize(scores, summary)
    summarize_seeds(seeds, seeds_summary)
    return table([*scores, *seeds])
