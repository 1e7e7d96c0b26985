"""The report's page: what was run, how well, where it fails, whether the numbers can be trusted, and from what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from affectflow.contracts.leakage import LEAKAGE
from affectflow.contracts.score import ScoreFile
from affectflow.core.atomic import atomic_write
from affectflow.core.palette import PALETTE
from affectflow.datasets import info
from affectflow.evaluation.summary import HEADINGS, cell
from affectflow.report import headline
from affectflow.report.annotation import annotation_panels
from affectflow.report.balance import balance_panels
from affectflow.report.download import download_panels
from affectflow.report.panel import SHOW_ALL, Panel, RunReport, Table, table
from affectflow.report.templates import render

_WITHOUT_INTERVAL = ("mean_f1_always_yes",)
"""Metrics of the benchmark's labels, not of a model."""


def write_overview(
    scores: Sequence[Path],
    runs: Sequence[Path],
    summary: Path | None,
    samples: Path | None,
    merged: Path | None,
    annotators: Path | None,
    synthetic: bool,
    faces: str,
    out: Path,
) -> None:
    """Write the page as HTML that needs no other file and no network.

    Args:
        scores: score files of all runs and protocols, those of one benchmark together.
        runs: files of :class:`affectflow.report.panel.RunReport`.
        summary: CSV of download outcomes, None where nothing was downloaded.
        samples: EmotioNet's samples, None without them.
        merged: CSV of merged valence and arousal, None without annotations.
        annotators: CSV of annotators' agreement, None without annotations.
        synthetic: whether the data is drawn.
        faces: ``report.faces``.
        out: HTML file.
    """
    results = [ScoreFile.read(path) for path in scores]
    reports = [RunReport.read(path) for path in runs]
    benchmarks = list(dict.fromkeys(score.benchmark for score in results))
    found = headline.headline(results, [report.run for report in reports if report.baseline])
    data: list[Panel] = []
    if samples is not None:
        data += balance_panels(samples)
    if merged is not None and annotators is not None:
        data += annotation_panels(merged, annotators)
    if summary is not None:
        data += download_panels(summary)
    drawn = {info(score.benchmark).title: score.synthetic for score in results}
    of_people = not all(drawn.values()) if drawn else not synthetic
    text = render(
        "overview.html.j2",
        palette=PALETTE.read_text(encoding="utf-8"),
        synthetic=synthetic,
        photographs=[name for name, is_drawn in drawn.items() if synthetic and not is_drawn],
        licensed=of_people and faces == SHOW_ALL,
        without_images=of_people and faces != SHOW_ALL,
        reports=_in_order(reports, found),
        benchmarks={name: info(name).title for name in benchmarks},
        scored=_scored(results),
        headline=found,
        heading=headline.heading,
        other_protocols=_other_protocols(results),
        across=_across(results),
        notes=list(_protocol_notes(results)),
        leaks=list(_leaks(results)),
        leakage=_leakage(results),
        left_out=_left_out(results),
        data=data,
        provenance=_provenance(results),
    )
    with atomic_write(out) as partial:
        partial.write_text(text, encoding="utf-8")


def _in_order(reports: Sequence[RunReport], found: headline.Headline) -> list[RunReport]:
    """Return the reports as the headline table names the runs, those without a score by a default protocol last."""
    places = {row.name: place for place, row in enumerate(found.rows)}
    return sorted(reports, key=lambda report: places.get(report.run, len(places)))


def _scored(scores: Sequence[ScoreFile]) -> Table:
    """Return what each benchmark consists of, by its default protocol."""
    rows = {
        score.benchmark: (
            info(score.benchmark).title,
            score.protocol.title,
            score.protocol.used_frames,
            f"{score.protocol.subjects:,} {score.protocol.intervals.resampled}s",
        )
        for score in scores
        if headline.is_default(score)
    }
    return table(("benchmark", "what is scored", "frames", "intervals are over"), rows.values())


def _other_protocols(scores: Sequence[ScoreFile]) -> Table | None:
    shown = [score for score in scores if not headline.is_default(score)]
    metrics = [name for name in HEADINGS if any(score.metric(name) is not None for score in shown)]
    if not shown:
        return None
    return table(
        ("benchmark", "protocol", "model", *(HEADINGS[name] for name in metrics), "frames"),
        (
            (
                *(score.benchmark, score.protocol.name, score.model),
                *(
                    cell(score.metric(name), None if name in _WITHOUT_INTERVAL else score.interval(name))
                    for name in metrics
                ),
                score.protocol.used_frames,
            )
            for score in shown
        ),
    )


def _across(scores: Sequence[ScoreFile]) -> Table | None:
    """Return what models learned from by what they were scored on; None where that is the same for all."""
    shown = [score for score in scores if score.trained_on and (headline.is_default(score) or score.folds is not None)]
    metrics = [name for name in HEADINGS if any(score.metric(name) is not None for score in shown)]
    metrics = [name for name in metrics if name not in _WITHOUT_INTERVAL]
    if len({score.trained_on for score in shown}) < 2:
        return None
    return table(
        ("learned from", "scored on", "within the set", "model", *(HEADINGS[name] for name in metrics), "frames"),
        (
            (
                *(" + ".join(info(name).title for name in score.trained_on), info(score.benchmark).title),
                *("yes" if score.within_set else "no", score.model),
                *(cell(score.metric(name), score.interval(name)) for name in metrics),
                score.protocol.used_frames,
            )
            for score in sorted(shown, key=lambda score: (score.trained_on, score.benchmark, score.model))
        ),
    )


def _protocol_notes(scores: Sequence[ScoreFile]) -> Iterator[tuple[str, str]]:
    """Yield each protocol once: its name, and its title, source and published results."""
    for key, score in {(score.benchmark, score.protocol.name): score for score in scores}.items():
        protocol = score.protocol
        parts = [f"{protocol.title}, version {protocol.version}", f"after {protocol.source}"]
        parts += [
            f"{one.model} {HEADINGS.get(one.metric, one.metric)} {one.value}" + (f": {one.how}" if one.how else "")
            for one in score.published
        ]
        parts += filter(None, [score.published_note])
        yield "-".join(key), "; ".join(part.rstrip(".") for part in parts) + "."


def _left_out(scores: Sequence[ScoreFile]) -> Table:
    """Return why frames were not scored; protocols and models with the same counts are one row."""
    rows: dict[tuple[str, str, int], list[str]] = {}
    for score in scores:
        for reason, count in score.protocol.left_out.items():
            names = rows.setdefault((score.benchmark, reason, count), [])
            names += [score.protocol.name] if score.protocol.name not in names else []
    return table(
        ("benchmark", "reason", "frames", "protocols"),
        ((benchmark, reason, count, ", ".join(names)) for (benchmark, reason, count), names in rows.items()),
    )


def _pairs(scores: Sequence[ScoreFile]) -> Mapping[tuple[str, str], ScoreFile]:
    return {(score.benchmark, score.model): score for score in scores}


def _leaks(scores: Sequence[ScoreFile]) -> Iterator[str]:
    for (benchmark, run), score in _pairs(scores).items():
        if score.leaks:
            yield f"{run} was trained on images or people of {benchmark}; its scores there are too good."


def _leakage(scores: Sequence[ScoreFile]) -> Table:
    return table(
        ("benchmark", "model", "same pixels", "look the same", "people", "videos"),
        (
            (benchmark, run, *(getattr(score.leakage, kind, None) for kind in LEAKAGE))
            for (benchmark, run), score in _pairs(scores).items()
        ),
    )


def _provenance(scores: Sequence[ScoreFile]) -> dict[str, Any]:
    versions = dict(chain.from_iterable(score.provenance.versions.items() for score in scores))
    return {
        "snapshots": sorted({score.snapshot.id for score in scores if score.snapshot}),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "scores": table(
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
        ),
    }


def _first_digest(inputs: Mapping[str, str], name: str) -> str:
    """Return an input's short digest by its name; with several folds, the first fold's."""
    return next((digest[:12] for key, digest in inputs.items() if key.rpartition("/")[2] == name), "")
