"""One page that a person can read from top to bottom: data, training, scores, overlap, provenance."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from affectflow.core.atomic import atomic_write
from affectflow.datasets.synthetic import NOTE
from affectflow.download.ledger import SUMMARY_COLUMNS
from affectflow.evaluation.protocols import default
from affectflow.evaluation.summary import HEADINGS, cell, interval_of, metric_of
from affectflow.report import page
from affectflow.report.sample_images import LICENSED, SHOW_ALL
from affectflow.tables.csv_files import read_csv

_OF_LABELS = ("mean_f1_always_yes",)
"""Measures of the benchmark, not of the model."""
_OF_DATA = {
    "download": "Shares of URLs that failed, beside the report of 2017.",
    "label_balance": "How often each action unit is present, absent, or not annotated.",
    "annotation": "Annotators of an image, their agreement with the others, and where their mean lies.",
}
_OF_RUNS = {
    "learning_curves": "Training loss, and measures on validation after each epoch; the best epoch's weights are kept.",
    "reliability": "What probabilities are worth on validation: on the dashed line they are honest.",
    "images": "Images of the test split, labelled and predicted.",
}
_OF_SCORES = {
    "action_units": "F1 with 95% intervals, what always answering yes gives, and AUC.",
    "affect_plane": "Labels against outputs, and where the outputs lie in the plane.",
    "tracks": "Labels (grey) and outputs (line) of the videos with the smallest and the largest mean error.",
    "emotions": "Emotions that labelled and predicted action units make, by the table of 2017 and by EMFACS.",
    "worst": "The frames with the largest error, at most two of a video.",
}


def write_overview(
    scores: Sequence[Path], summary: Path | None, figures: Sequence[Path], synthetic: bool, faces: str, out: Path
) -> None:
    """Write the page.

    ``scores`` are score files, those of one benchmark together; ``summary`` is the download's, None where there was
    none; ``figures`` are named ``{kind}.svg``, ``{kind}_{run}.svg`` or ``{kind}_{benchmark}_{run}.svg``.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in scores]
    drawings = {path.stem: path for path in figures}
    notes = [f"All faces are {NOTE}."] if synthetic else [LICENSED.capitalize() + "."] if faces == SHOW_ALL else []
    warnings = [page.text(note, "warning") for note in notes]
    sections = [
        ("data", "Data", chain(warnings, _data(summary, drawings))),
        ("training", "Training", _training(found, drawings)),
        ("scores", "Scores", _scores(found, drawings)),
        ("overlap", "Overlap of training and benchmarks", _overlap(found)),
        ("provenance", "Provenance", _provenance(found)),
    ]
    with atomic_write(out) as partial:
        partial.write_text(page.page("affectflow: what was learnt, and how well", sections), encoding="utf-8")


def _data(summary: Path | None, drawings: Mapping[str, Path]) -> Iterator[str]:
    if summary is None:
        yield page.text("No spreadsheet of URLs is configured; nothing was downloaded.")
        return
    rows = list(read_csv(summary, SUMMARY_COLUMNS))
    yield page.text(
        "What became of the URLs of EmotioNet's spreadsheets. The URLs themselves are in "
        "results/emotionet/errors.csv, rows without a usable URL or label in rejects.csv and left_out.csv."
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
            for row in rows
        ),
    )
    yield from _figures(drawings, _OF_DATA, "")


def _training(scores: Sequence[Mapping[str, Any]], drawings: Mapping[str, Path]) -> Iterator[str]:
    for run in dict.fromkeys(score["model"] for score in scores):
        yield page.heading(run)
        yield from _figures(drawings, _OF_RUNS, f"_{run}")


def _scores(scores: Sequence[Mapping[str, Any]], drawings: Mapping[str, Path]) -> Iterator[str]:
    for benchmark in dict.fromkeys(score["benchmark"] for score in scores):
        of_benchmark = [score for score in scores if score["benchmark"] == benchmark]
        yield page.heading(benchmark)
        for ours in (True, False):  # the default protocol's first
            some = [score for score in of_benchmark if (score["protocol"]["name"] == default(benchmark)) is ours]
            if some:
                yield from _table_of_scores(some)
        for run in dict.fromkeys(score["model"] for score in of_benchmark):
            yield from _figures(drawings, _OF_SCORES, f"_{benchmark}_{run}", f"{run} on {benchmark}. ")


def _table_of_scores(scores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shown = [name for name in HEADINGS if any(metric_of(score, name) is not None for score in scores)]
    yield page.table(
        ("protocol", "model", *(HEADINGS[name] for name in shown), "frames", "subjects"),
        (
            (
                score["protocol"]["name"],
                score["model"],
                *(_measure(score, name) for name in shown),
                score["protocol"]["used_frames"],
                score["protocol"]["subjects"],
            )
            for score in scores
        ),
    )
    yield from (page.text(f"{line}.", "note") for line in _of_protocols(scores))


def _of_protocols(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each protocol is, what is left out by it, and what others report; models are named where they differ."""
    found: dict[str, dict[str, list[str]]] = {}
    for score in scores:
        protocol = score["protocol"]
        lines = [f"{protocol['title']}, version {protocol['version']}"]
        lines += [f"{count:,} x {reason}" for reason, count in protocol["left_out"].items()]
        lines += [
            f"{one['model']} {HEADINGS.get(one['metric'], one['metric'])} {one['value']}" for one in score["published"]
        ]
        lines += filter(None, [score["published_note"]])
        found.setdefault(protocol["name"], {}).setdefault("; ".join(lines), []).append(score["model"])
    return [
        f"{name} ({', '.join(models)}): {text}" if len(said) > 1 else f"{name}: {text}"
        for name, said in found.items()
        for text, models in said.items()
    ]


def _measure(score: Mapping[str, Any], name: str) -> str:
    """With its interval, where it says something of the model."""
    return cell(metric_of(score, name), interval_of(score, name) if name not in _OF_LABELS else None)


def _overlap(scores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    pairs = {(score["benchmark"], score["model"]): score["leakage"] for score in scores}
    yield page.text(
        "Images of a benchmark whose pixels the model was trained on, others that look the same by their perceptual "
        "hash, and people whom both sets name. results/leakage names them."
    )
    for (benchmark, run), found in pairs.items():
        if found and any(found.values()):
            yield page.text(f"{run} has seen something of {benchmark}.", "warning")
    rows = [
        (benchmark, run, *((found or {}).get(kind) for kind in ("exact", "near", "subjects")))
        for (benchmark, run), found in pairs.items()
    ]
    yield page.table(("benchmark", "model", "same pixels", "look the same", "people"), rows)


def _provenance(scores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    snapshots = sorted({score["snapshot"]["id"] for score in scores if score["snapshot"]})
    if snapshots:
        yield page.text(f"Downloaded images: snapshot {', '.join(snapshots)} (results/emotionet/snapshot.parquet).")
    versions = {name: version for score in scores for name, version in score["provenance"]["versions"].items()}
    yield page.text(f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    yield page.text("The graph of jobs, their code and their settings are in this report under Workflow.", "note")
    yield page.table(
        ("benchmark", "protocol", "model", "configuration", "code", "predictions"),
        (
            (
                score["benchmark"],
                score["protocol"]["name"],
                score["model"],
                score["provenance"]["config_sha256"][:12],
                score["provenance"]["code_sha256"][:12],
                _first(score["provenance"]["inputs"], "predictions"),
            )
            for score in scores
        ),
    )


def _first(inputs: Mapping[str, str], name: str) -> str:
    """A digest by its name; of several folds the first."""
    return next((digest[:12] for key, digest in inputs.items() if key.rpartition("/")[2] == name), "")


def _figures(drawings: Mapping[str, Path], kinds: Mapping[str, str], ending: str, before: str = "") -> Iterable[str]:
    return [
        page.figure(drawings[kind + ending], before + caption)
        for kind, caption in kinds.items()
        if kind + ending in drawings
    ]
