"""Outputs for images that a network was not trained on, for all images that a run has.

A run's own network can be calibrated on its validation images alone, which in a benchmark's fold are those of four
people. Cross-fitting asks all of its people: networks by the same recipe are trained without one part of them each, and
their outputs of that part are what the calibration and the thresholds are fitted to (as scikit-learn's
``CalibratedClassifierCV`` with ``ensemble=False``). These networks are trained for as many epochs as the run's own took
to its best, and choose nothing by the part that they are asked about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.contracts.recipe import Recipe
from affectflow.core.errors import UserError
from affectflow.core.interruption import Interruption
from affectflow.datasets.dataset_info import ACTION_UNITS
from affectflow.metrics.scaling import parts_of
from affectflow.records.access import Records
from affectflow.training.checkpoint import Checkpoints, EpochLog
from affectflow.training.devices import Devices
from affectflow.training.feed import Feed
from affectflow.training.fit import Schedule, TrainerInputs, fit
from affectflow.training.heads import TrainedHeads
from affectflow.training.keras_setup import keras
from affectflow.training.model import build_model, float32_network
from affectflow.training.reader import Labels, images_in_order

log = logging.getLogger(__name__)


def out_of_fold_logits(
    recipe: Recipe,
    trained_heads: TrainedHeads,
    files: Sequence[Path],
    labels: Labels,
    schedule: Schedule,
    best_epoch: int,
    checkpoints: Callable[[int], Checkpoints],
    devices: Devices,
    interruption: Interruption,
) -> NDArray[np.float32]:
    """Train a network without each part of the images, and return what it says of that part.

    Args:
        recipe: Settings of the run, with ``calibration_folds`` parts.
        trained_heads: AUs of each head, occurrence among them.
        files: Records of training and validation, with others between those that are in no group with each other.
        labels: Their labels.
        schedule: Of the run's own training.
        best_epoch: The epoch after which each network is asked.
        checkpoints: Returns where the training without a part is saved.
        devices: The devices to train on.
        interruption: Requests to stop; must be entered.

    Returns:
        The logits of AU occurrence, [n, units], of all records in their order.

    Raises:
        UserError: There are fewer groups than parts, one part has all labels of a head, or a loss became NaN or
            infinite.
        Interrupted: A stop was requested, and the state is saved.
    """
    folds = recipe.calibration_folds
    groups = len(set(labels.groups))
    if groups < folds:
        raise UserError(
            f"training.calibration_folds is {folds}, but the images are of {groups} groups (people, videos or copies "
            "of one image) that may not be divided; lower it, or set it to 0."
        )
    records = Records(files)
    parts = parts_of(labels.groups, folds)
    policy = keras.mixed_precision.dtype_policy()
    logits = np.empty((len(labels), len(trained_heads[ACTION_UNITS])), np.float32)
    for part in range(folds):
        inside, others = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
        for head, units in trained_heads.items():
            if not labels.has(head, units)[others].any():
                raise UserError(
                    f"All images with labels for {head} are in one of {folds} parts; lower training.calibration_folds, "
                    "or set it to 0."
                )
        feed = Feed.of(recipe, trained_heads, records, labels, devices, others)
        title = f"calibration {part + 1}/{folds}, "
        of_part = replace(schedule, epochs=best_epoch, steps=feed.mixture.steps, title=title)
        keras.utils.set_random_seed(recipe.seed)  # whatever was built or restored before
        keras.mixed_precision.set_dtype_policy(policy)
        with devices.scope():
            model = build_model(recipe, trained_heads, labels.units[others], of_part.steps * recipe.epochs, devices)
        inputs = TrainerInputs(feed.batches, _nothing_measured, feed.image_sources, _nothing_said)
        state = fit(model, inputs, of_part, checkpoints(part), interruption)
        assert state.best_weights is not None
        model.set_weights(state.best_weights)
        network = float32_network(recipe, trained_heads, model.network)
        batches = [inside[i : i + recipe.batch_size] for i in range(0, len(inside), recipe.batch_size)]
        outputs = network.predict(images_in_order(records, [batch.tolist() for batch in batches]), verbose=0)
        logits[inside] = outputs[ACTION_UNITS]
        log.info("calibration: %d of %d parts are predicted", part + 1, folds)
    keras.mixed_precision.set_dtype_policy(policy)  # the run's own network is not in float32 yet
    return logits


def _nothing_measured(on_batch_end: Callable[[], None]) -> tuple[float, EpochLog]:
    """Stand for validation: without a score, the last weights are kept."""
    return float("nan"), {}


def _nothing_said(epoch_log: EpochLog) -> None:
    """Leave the epochs of these networks out of the log."""
