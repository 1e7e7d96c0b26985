"""Model cards, ``card.md``: data, validation, settings and limits of a model (Mitchell et al. 2019, "Model cards")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.core.atomic import atomic_write
from affectflow.datasets import info
from affectflow.datasets.synthetic import NOTE


def write_card(metadata: Path, run: str, out: Path) -> None:
    """Write the card of a run from its ``model.json``.

    Args:
        metadata: the run's ``model.json``.
        run: name of the run.
        out: the card, in Markdown.
    """
    facts = ModelMetadata.read(metadata)
    with atomic_write(out) as partial:
        partial.write_text("\n".join(_lines(run, facts)) + "\n", encoding="utf-8")


def _lines(run: str, facts: ModelMetadata) -> Iterator[str]:
    recipe = facts.recipe
    start = "random weights" if recipe.weights is None else f"`{Path(recipe.weights).name}`"
    yield f"# {run}"
    if facts.synthetic:
        yield from ("", f"**Trained on faces {NOTE}.**")
    yield from ("", f"A {recipe.backbone} at {recipe.input_size} pixels from {start}, that predicts")
    yield from (f"{', '.join(name.replace('_', ' ') for name in facts.heads)}.", "")
    if facts.unsupported:
        yield from (f"Requested, but without training labels: {', '.join(facts.unsupported)}.", "")
    yield from ("## Data", "", "| set | images | terms |", "| --- | --- | --- |")
    for name, count in facts.datasets.items():
        terms = "drawn by affectflow, no terms" if facts.synthetic else info(name).terms
        yield f"| {name} | {count:,} | {terms} |"
    images = facts.images
    yield ""
    folds = facts.recipe.calibration_folds
    use = "stopping" if folds else "stopping and calibration"
    yield f"{images.train:,} images to train on; {images.validation:,} for {use}."
    if folds:
        yield f"Calibrated on {images.calibration:,} images by {folds} further networks, each without its part of them."
    yield f"{facts.images_without_label:,} of the training images have no label that the model is trained on;"
    yield f"{facts.images_with_affect:,} have valence and arousal."
    if facts.units or facts.intensity_units:
        yield from _units(facts)
    yield from (
        "",
        "## Validation",
        "",
        f"Metrics of the best epoch's weights, {facts.best_epoch} of {facts.epochs}.",
    )
    yield from ("", "| metric | value |", "| --- | --- |")
    for name, value in facts.validation.items():
        if "_AU" not in name:
            yield f"| {name.removeprefix('validation_').replace('_', ' ')} | {_text(value)} |"
    error = facts.calibration_error
    yield f"| expected calibration error, before and after | {_text(error.before)}, {_text(error.after)} |"
    yield from ("", "## Settings", "", "| key | value |", "| --- | --- |")
    for key, value in recipe.model_dump(mode="json").items():
        if key != "units":
            yield f"| {key} | `{json.dumps(value)}` |"
    yield from (
        "",
        "## Use and limits",
        "",
        "For research on facial expression. Action units are movements, not feelings; valence and arousal are ratings",
        "by observers. Neither says what a person feels, and neither is fit for decisions about people. Scores hold",
        "for the populations, cameras and poses of the benchmarks; validation shares its sources with training.",
    )


def _units(facts: ModelMetadata) -> Iterator[str]:
    yield from (
        "",
        "| AU | positives | negatives | AUC | F1 | threshold | of best F1 | scale, shift |",
        "| --- |" + " --- |" * 7,
    )
    for unit in facts.thresholds:
        auc, f1 = (facts.validation.get(f"validation_{name}_{unit}") for name in ("auc", "f1"))
        counts = f"{facts.positives[unit]:,} | {facts.negatives[unit]:,}"
        scaling = f"{facts.calibration[unit].scale:.3f}, {facts.calibration[unit].shift:.3f}"
        fitted = f"{facts.thresholds[unit]:.3g} | {facts.validation_thresholds[unit]:.3g} | {scaling}"
        yield f"| {unit} | {counts} | {_text(auc)} | {_text(f1)} | {fitted} |"
    for unit, count in facts.images_with_intensity.items():
        yield f"| {unit} intensity | {count:,} labelled | | | | | | |"
    if facts.unmeasured:
        yield from ("", f"Validation has only one value of {', '.join(facts.unmeasured)}.")
    if facts.uncalibrated:
        few = ", ".join(facts.uncalibrated)
        yield from ("", f"Validation shows too little of {few}: nothing is fitted to them.")


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
