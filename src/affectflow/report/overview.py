"""The report's page: data, training, scores, leakage and provenance, from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from affectflow.contracts.leakage import LEAKAGE
from affectflow.contracts.score import ScoreFile
from affectflow.core.atomic import atomic_write
from affectflow.datasets.synthetic import NOTE
from affectflow.download.ledger import SUMMARY_COLUMNS
from affectflow.evaluation.protocols import default
from affectflow.evaluation.summary import HEADINGS, cell
from affectflow.report import page
from affectflow.report.sample_images import LICENSED, SHOW_ALL
from affectflow.tables.csv_files import read_csv

_DATA_METRICS = ("mean_f1_always_yes",)
"""Metrics of the benchmark, not of a model; shown without an interval."""
_DATA_FIGURES = {
    "download": "Shares of URLs that failed, beside the report of 2017.",
    "label_balance": "How often each action unit is present, absent, or not annotated.",
    "annotation": "Annotators per image, their agreement with the others, and the distribution of the merged values.",
}
_RUN_FIGURES = {
    "learning_curves": "Training loss, and metrics on validation data after each epoch; the best epoch's weights are "
    "kept.",
    "reliability": "Share of positives against mean probability on validation data; calibrated probabilities lie on "
    "the dashed line.",
    "sample_images": "Images of the test split with labels and predictions.",
}
_SCORE_FIGURES = {
    "action_units": "F1 with 95% intervals, F1 of always predicting yes, and AUC.",
    "affect_plane": "Labels against predictions, and the distribution of the predictions in the plane.",
    "tracks": "Labels (grey) and predictions (line) of the videos with the smallest and the largest mean error.",
    "emotions": "Emotions that labelled and predicted action units indicate, by the table of 2017 and by EMFACS.",
    "worst": "The frames with the largest error, at most two of a video.",
}


def write_overview(
    scores: Sequence[Path], summary: Path | None, figures: Sequence[Path], synthetic: bool, faces: str, out: Path
) -> None:
    """Write the page as HTML that needs no other file.

    Args:
        scores: score files, those of one benchmark together.
        summary: CSV of download outcomes, None where nothing was downloaded.
        figures: files named ``{kind}``, ``{kind}_{run}`` or ``{kind}_{benchmark}_{run}``, SVG or PNG.
        synthetic: whether the data is drawn.
        faces: ``report.faces``; ``all`` puts a note on licensed images on the page.
        out: HTML file.
    """
    results = [ScoreFile.read(path) for path in scores]
    by_name = {path.stem: path for path in figures}
    notes = [f"All faces are {NOTE}."] if synthetic else [LICENSED.capitalize() + "."] if faces == SHOW_ALL else []
    warnings = [page.text(note, "warning") for note in notes]
    sections = [
        ("data", "Data", chain(warnings, _data(summary, by_name))),
        ("training", "Training", _training(results, by_name)),
        ("scores", "Scores", _scores(results, by_name)),
        ("leakage", "Leakage of benchmarks into training data", _leakage(results)),
        ("provenance", "Provenance", _provenance(results)),
    ]
    with atomic_write(out) as partial:
        partial.write_text(page.page("affectflow: data, training and scores", sections), encoding="utf-8")


def _data(summary: Path | None, figures: Mapping[str, Path]) -> Iterator[str]:
    if summary is None:
        yield page.text("No spreadsheet of URLs is configured; nothing was downloaded.")
        return
    yield page.text(
        "Outcomes of the URLs in EmotioNet's spreadsheets. The URLs themselves are in results/emotionet/errors.csv, "
        "rows without a usable URL or label in rejects.csv and left_out.csv."
    )
    yield page.table(
        ("outcome", "URLs", "%", "report of 2017, of about 25,000"),
        (
            (
                row["class"],
                int(row["urls"]),
                f"{float(row['share_percent']):.2f}",
                int(row["report_2017"]) if row["report_2017"] else None,
            )
            for row in read_csv(summary, SUMMARY_COLUMNS)
        ),
    )
    yield from _figures(figures, _DATA_FIGURES, "")


def _training(scores: Sequence[ScoreFile], figures: Mapping[str, Path]) -> Iterator[str]:
    for run in dict.fromkeys(score.model for score in scores):
        yield page.heading(run)
        yield from _figures(figures, _RUN_FIGURES, f"_{run}")


def _scores(scores: Sequence[ScoreFile], figures: Mapping[str, Path]) -> Iterator[str]:
    for benchmark in dict.fromkeys(score.benchmark for score in scores):
        of_benchmark = [score for score in scores if score.benchmark == benchmark]
        yield page.heading(benchmark)
        for is_default in (True, False):
            shown = [score for score in of_benchmark if (score.protocol.name == default(benchmark)) is is_default]
            if shown:
                yield from _score_table(shown)
        for run in dict.fromkeys(score.model for score in of_benchmark):
            yield from _figures(figures, _SCORE_FIGURES, f"_{benchmark}_{run}", f"{run} on {benchmark}. ")


def _score_table(scores: Sequence[ScoreFile]) -> Iterator[str]:
    metrics = [name for name in HEADINGS if any(score.metric(name) is not None for score in scores)]
    yield page.table(
        ("protocol", "model", *(HEADINGS[name] for name in metrics), "frames", "subjects"),
        (
            (
                score.protocol.name,
                score.model,
                *(_metric_cell(score, name) for name in metrics),
                score.protocol.used_frames,
                score.protocol.subjects,
            )
            for score in scores
        ),
    )
    yield from (page.text(f"{line}.", "note") for line in _protocol_notes(scores))


def _metric_cell(score: ScoreFile, name: str) -> str:
    return cell(score.metric(name), None if name in _DATA_METRICS else score.interval(name))


def _protocol_notes(scores: Sequence[ScoreFile]) -> list[str]:
    """Describe each protocol with its left-out frames and published results; names models where they differ."""
    models_by_text: dict[str, dict[str, list[str]]] = {}
    for score in scores:
        protocol = score.protocol
        parts = [f"{protocol.title}, version {protocol.version}"]
        parts += [f"{count:,} x {reason}" for reason, count in protocol.left_out.items()]
        parts += [f"{one.model} {HEADINGS.get(one.metric, one.metric)} {one.value}" for one in score.published]
        parts += filter(None, [score.published_note])
        models_by_text.setdefault(protocol.name, {}).setdefault("; ".join(parts), []).append(score.model)
    return [
        f"{name} ({', '.join(models)}): {text}" if len(texts) > 1 else f"{name}: {text}"
        for name, texts in models_by_text.items()
        for text, models in texts.items()
    ]


def _leakage(scores: Sequence[ScoreFile]) -> Iterator[str]:
    pairs = {(score.benchmark, score.model): score for score in scores}
    yield page.text(
        "Images of a benchmark whose pixels the model was trained on, other images that look the same by their "
        "perceptual hash, and people whom both sets name. results/leakage lists them."
    )
    for (benchmark, run), score in pairs.items():
        if score.leaks:
            yield page.text(f"{run} was trained on images or people of {benchmark}.", "warning")
    rows = [
        (benchmark, run, *(getattr(score.leakage, kind, None) for kind in LEAKAGE))
        for (benchmark, run), score in pairs.items()
    ]
    yield page.table(("benchmark", "model", "same pixels", "look the same", "people"), rows)


def _provenance(scores: Sequence[ScoreFile]) -> Iterator[str]:
    snapshots = sorted({score.snapshot.id for score in scores if score.snapshot})
    if snapshots:
        yield page.text(f"Downloaded images: snapshot {', '.join(snapshots)} (results/emotionet/snapshot.parquet).")
    versions = {name: version for score in scores for name, version in score.provenance.versions.items()}
    yield page.text(f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    yield page.text("The graph of jobs, their code and their settings are in this report under Workflow.", "note")
    yield page.table(
        ("benchmark", "protocol", "model", "configuration", "code", "predictions"),
        (
            (
                score.benchmark,
                score.protocol.name,
                score.model,
                score.provenance.config_sha256[:12],
                score.provenance.code_sha256[:12],
                _first_digest(score.provenance.inputs, "predictions"),
            )
            for score in scores
        ),
    )


def _first_digest(inputs: Mapping[str, str], name: str) -> str:
    """Return an input's short digest by its name; with several folds, the first fold's."""
    return next((digest[:12] for key, digest in inputs.items() if key.rpartition("/")[2] == name), "")


def _figures(figures: Mapping[str, Path], captions: Mapping[str, str], suffix: str, prefix: str = "") -> Iterable[str]:
    """Return those figures that exist, by kind and ``suffix`` of the file name, with ``prefix`` before the caption."""
    return [
        page.figure(figures[kind + suffix], prefix + caption)
        for kind, caption in captions.items()
        if kind + suffix in figures
    ]
