"""The score file of one model by one protocol."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from affectflow import datasets
from affectflow.contracts.leakage import LEAKAGE, FoundInTraining
from affectflow.contracts.score import IntervalMethod, ScoreFile
from affectflow.contracts.snapshot_card import SnapshotCard
from affectflow.core.cache import file_sha256
from affectflow.datasets.face import CENTER, FACE, HELD, MISSING
from affectflow.datasets.synthetic import NOTE
from affectflow.evaluation.conditions import condition_scores
from affectflow.evaluation.evaluate import Evaluation, evaluate, means_of_folds
from affectflow.evaluation.outputs import CLIPPED, Labels, Outputs, RunPredictions, answer_all, answered, read_outputs
from affectflow.evaluation.programs import TRAINED, UNKNOWN, training_data
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import to_json
from affectflow.evaluation.subjects import read_subjects
from affectflow.evaluation.temporal import smooth
from affectflow.facs.expression import THRESHOLD
from affectflow.metrics.jackknife import CONFIDENCE, METHOD
from affectflow.prediction.columns import LEFT_OUT_COLUMNS
from affectflow.tables.csv_files import read_csv

_PACKAGES = ("affectflow", "numpy", "pyarrow", "av", "pillow", "keras", "tensorflow-cpu", "tensorflow")
_AFFECT = ("valence", "arousal")
_MANY_UNANSWERED = 0.01
"""Share of frames without an answer above which a score warns of it."""


def score(
    protocol: Protocol,
    model: str,
    runs: Sequence[RunPredictions],
    snapshot: Path | None,
    config_sha256: str,
    code_sha256: str,
    out: Path,
    subjects: Path | None = None,
) -> None:
    """Write the score file of a model, ``results/eval/{benchmark}[-{protocol}]_{model}.json``.

    Labels that the model was not trained on are listed as ``unsupported``, labels that no frame has as
    ``unlabelled``. Neither counts in a mean, nor does a label with a single class. ``intervals`` holds the 95%
    interval of each metric.

    Args:
        protocol: which labels are scored, and how.
        model: name for the score file.
        runs: one run, or one for each fold of a protocol with folds; their frames are scored together.
        snapshot: metadata of the downloaded images that the model was trained or is scored on, None without any.
        config_sha256: digest of the configuration, for the provenance.
        code_sha256: digest of the code, for the provenance.
        out: the score file.
        subjects: table of what is known of the people, see :mod:`affectflow.evaluation.subjects`; None without one.

    Raises:
        UserError: labels and predictions have nothing in common, or ``subjects`` cannot be read.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    people = read_subjects(subjects) if subjects is not None else None
    given = read_outputs(runs)
    outputs = answer_all(given)
    evaluation = evaluate(protocol, model, outputs)
    jackknife = evaluation.jackknife
    means = evaluation.means()
    answers = _answered_entry(protocol, model, given, outputs, evaluation)
    entries = {
        **heading(protocol, model, outputs),
        "protocol": _protocol_entry(evaluation, outputs, runs),
        **means.values,
        **means.intervals(jackknife),
        "mean_of": means.mean_of,
        **_smoothed_entry(protocol, model, outputs),
        **answers,
        "action_units": {name: one.entry(jackknife) for name, one in evaluation.units.items()},
        "intensities": {name: one.entry(jackknife) for name, one in evaluation.intensities.items()},
        **{name: one.entry(jackknife) if (one := evaluation.affect.get(name)) else None for name in _AFFECT},
        **({"folds": _folds_entry(protocol, outputs)} if protocol.folds else {}),
        "conditions": condition_scores(protocol, model, outputs, evaluation, people),
        "trained_on": (trained_on := tuple(sorted({name for run in runs for name in run.trained_on}))),
        "within_set": protocol.benchmark in trained_on,
        "unsupported": evaluation.unsupported,
        "unlabelled": evaluation.unlabelled,
        "leakage": _leakage_entry(runs),
        **_program_entry(protocol.benchmark, runs[0]),
        "warnings": (*_warnings(evaluation, runs[0]), *_unanswered(evaluation, answers, runs[0])),
        "published_note": protocol.published_note,
        "published": protocol.published,
        "snapshot": SnapshotCard.read(snapshot) if snapshot is not None else None,
        "provenance": {
            "config_sha256": config_sha256,
            "code_sha256": code_sha256,
            "inputs": _input_digests(runs),
            "versions": {"python": platform.python_version(), **_versions()},
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - clock, 3),
        },
    }
    ScoreFile.model_validate(to_json(entries)).write(out)


def heading(protocol: Protocol, model: str, outputs: Outputs, **more: str) -> dict[str, Any]:
    """Return the first entries of a result file.

    Args:
        protocol: by which the result was computed.
        model: name of the model.
        outputs: predictions and labels that the result was computed from.
        **more: further names beside the model's, by entry.
    """
    synthetic = outputs.runs[0].synthetic and not datasets.info(protocol.benchmark).open_to_drawn
    return {
        "benchmark": protocol.benchmark,
        "model": model,
        **more,
        "synthetic": synthetic,
        **({"note": NOTE} if synthetic else {}),
    }


def interval_method(evaluation: Evaluation) -> IntervalMethod:
    """Return how the intervals of a result file were computed.

    Args:
        evaluation: whose protocol says what the jackknife leaves out.
    """
    jackknife = evaluation.jackknife
    return IntervalMethod(
        confidence=f"{CONFIDENCE:.0%}",
        method=METHOD,
        resampled=evaluation.protocol.subject,
        clusters=jackknife.clusters,
        replicates=jackknife.count,
    )


def _protocol_entry(evaluation: Evaluation, outputs: Outputs, runs: Sequence[RunPredictions]) -> dict[str, Any]:
    protocol, used = evaluation.protocol, int(evaluation.labels.used.sum())
    left_out = _left_out(runs, evaluation.labels)
    occurrence = {"positive_if": protocol.positive_if, "threshold": _threshold_in_words(outputs)}
    return {
        "name": protocol.name,
        "version": protocol.version,
        "title": protocol.title,
        "source": protocol.source,
        **(occurrence if protocol.labels else {}),
        "frames": outputs.table.num_rows,
        "used_frames": used,
        "left_out": left_out,
        "all_frames": used + sum(left_out.values()),
        "subjects": len(set(evaluation.subjects)),
        "crops": _crops(outputs.table),
        "intervals": interval_method(evaluation),
    }


def _threshold_in_words(outputs: Outputs) -> str:
    if outputs.is_complete:
        return "probability >= the model's decision threshold of the AU, where its output before calibration is 0.5"
    return f"probability >= {THRESHOLD}"


def _smoothed_entry(protocol: Protocol, model: str, outputs: Outputs) -> dict[str, Any]:
    """Return the means for predictions averaged over neighbouring frames, where the protocol asks for them."""
    if not protocol.smoothing:
        return {}
    evaluation = evaluate(protocol, model, smooth(outputs, protocol.smoothing))
    means = evaluation.means()
    each = {name: one.values["ccc"] for name, one in evaluation.affect.items()}
    entry = {"frames": protocol.smoothing, **means.values, **each, **means.intervals(evaluation.jackknife)}
    return {"smoothed": entry}


def _left_out(runs: Sequence[RunPredictions], labels: Labels) -> dict[str, int]:
    """Return the number of frames that are not scored, by reason."""
    left_out: Counter[str] = Counter()
    for run in runs:
        left_out.update({row["reason"]: int(row["count"]) for row in read_csv(run.left_out, LEFT_OUT_COLUMNS)})
    return dict(left_out + labels.left_out)


def _folds_entry(protocol: Protocol, outputs: Outputs) -> dict[str, Any]:
    each = means_of_folds(protocol, outputs)
    names = [run.run.rpartition("-")[2] for run in outputs.runs]  # fold1 of resnet-disfa-fold1, whatever the seed
    mean = {}
    for metric in each[0]:
        defined = [values[metric] for values in each if not math.isnan(values[metric])]
        mean[metric] = float(np.mean(defined)) if defined else math.nan
    return {"each": dict(zip(names, each, strict=True)), "mean": mean}


def _answered_entry(
    protocol: Protocol, model: str, given: Outputs, all_answered: Outputs, all_frames: Evaluation
) -> dict[str, Any]:
    """Return the means over the frames with an answer, and add to the labels how many frames have none.

    Nothing for a run that was trained here, where every labelled frame has an image.
    """
    has_answer = answered(given.table)
    if given.is_complete:
        if has_answer[all_frames.labels.used].all():
            return {}
        evaluation = evaluate(protocol, model, all_answered, (all_frames, has_answer))
    else:
        evaluation = evaluate(protocol, model, given)
    for kind in ("units", "intensities", "affect"):
        for name, one in getattr(evaluation, kind).items():
            if (without := one.facts.get("without_prediction")) is not None:
                getattr(all_frames, kind)[name].facts["without_prediction"] = without
    means = evaluation.means()
    used = evaluation.labels.used
    frames = int((used & has_answer).sum())
    entry = {
        "frames": frames,
        "without": int(all_frames.labels.used.sum()) - frames,
        **means.values,
        **{name: one.values["ccc"] for name, one in evaluation.affect.items()},
        **means.intervals(evaluation.jackknife),
    }
    return {"answered": entry}


def _program_entry(benchmark: str, run: RunPredictions) -> dict[str, Any]:
    if run.program is None:
        return {}
    known = training_data(run.program, benchmark)
    return {"program": run.program, "training_data": known, "unused_rows": run.unused_rows}


def _unanswered(evaluation: Evaluation, answers: dict[str, Any], run: RunPredictions) -> Iterator[str]:
    """Yield a warning where many frames have no answer."""
    used = int(evaluation.labels.used.sum())
    without = answers["answered"]["without"] if answers else 0
    if without > _MANY_UNANSWERED * used:
        lack = "no answer" if run.program is not None else "no image in the data set"
        yield (
            f"{without:,} of {used:,} frames ({without / used:.1%}) have {lack} and count as without expression; "
            "the means over the others alone are under 'answered'."
        )


def _warnings(evaluation: Evaluation, run: RunPredictions) -> Iterator[str]:
    """Yield what a reader must know of a score: whom the model learned from, and what another program's lacks."""
    facts = datasets.info(evaluation.protocol.benchmark)
    title = facts.title
    if run.synthetic and facts.open_to_drawn:
        yield f"{run.run} learned from faces drawn by affectflow, and is scored on photographs of real people."
    if run.program is None:
        return
    known = training_data(run.program, evaluation.protocol.benchmark)
    if known.status == TRAINED:
        yield f"{run.program} was trained on {title} ({known.source}); this is not how well it reads other people."
    elif known.status == UNKNOWN:
        yield f"What {run.program} was trained on is not known here; it may have seen {title}."
    if clipped := (run.unused_rows or {}).get(CLIPPED):
        yield f"{clipped:,} values lie outside their range and were clipped; is the scale another one?"
    if evaluation.unsupported:
        yield f"{run.program} predicts no {', '.join(evaluation.unsupported)}, which count in no mean."
    ranked = {name: one.facts["ranked_by"] for name, one in evaluation.units.items() if "ranked_by" in one.facts}
    for by, what in (("intensity", "are of its intensities"), ("nothing", "are left out")):
        if names := [name for name, found in ranked.items() if found == by]:
            yield f"{run.program} writes 0 or 1 for {', '.join(names)}: AUC and average precision {what}."


def _leakage_entry(runs: Sequence[RunPredictions]) -> FoundInTraining | None:
    """Return the images and people of the benchmark in the training data of all runs; None where it is unknown."""
    found = [run.leakage for run in runs if run.leakage is not None]
    if len(found) < len(runs):
        return None

    def total(kind: str) -> int | None:
        counts = [getattr(one, kind) for one in found]
        return sum(filter(None, counts)) or (None if None in counts else 0)

    return FoundInTraining(**{kind: total(kind) for kind in LEAKAGE})


def _crops(table: pa.Table) -> dict[str, int]:
    crops = Counter(table["crop"].to_pylist())
    return {how: crops[how] for how in (FACE, HELD, CENTER, MISSING) if crops[how] or how != MISSING}


def _input_digests(runs: Sequence[RunPredictions]) -> dict[str, str]:
    """Return the digests of the scored files, by name, or by run and name where there are several runs."""
    return {
        (f"{run.run}/{name}" if len(runs) > 1 else name): file_sha256(path)
        for run in runs
        for name, path in run.inputs.items()
    }


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # only one of the two builds of TensorFlow is installed
    return versions
