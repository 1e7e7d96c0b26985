"""Calibrated probabilities and decision thresholds of a trained model, from images that it was not trained on.

Positives weigh more in the loss, so that a network's outputs are too high by the logarithm of the weight. A scale and a
shift of each AU's logits correct that (Platt 1999, "Probabilistic outputs for support vector machines", with the
targets of its section 2.2). Decisions are apart from it: an AU counts as predicted from the probability where the
output before calibration is 0.5, which the shift moves.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.datasets.dataset_info import ACTION_UNITS
from affectflow.metrics.calibration import ReliabilityBin, calibration_error_of_bins, reliability_bins
from affectflow.metrics.decision import best_threshold
from affectflow.metrics.scaling import LEAST, Scaling, fit_scaling, is_enough, parts_of, probability_apart
from affectflow.tables.csv_files import write_csv
from affectflow.training.keras_setup import keras
from affectflow.training.validation import known_and_present

log = logging.getLogger(__name__)

_UNFITTED_THRESHOLD = 0.5
_PARTS = 5
"""Of the validation data: each is calibrated by what is fitted to the others, to measure the calibration."""
_RELIABILITY_COLUMNS = ("unit", "calibrated", "from", "images", "mean_probability", "positive_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitBin(ReliabilityBin):
    """A bin of the probabilities of one AU, before or after calibration."""

    unit: int
    calibrated: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scaling and thresholds of each AU, and the reliability of probabilities before and after calibration."""

    scalings: Mapping[int, Scaling]
    thresholds: Mapping[int, float]
    """Best on validation."""
    bins: Sequence[UnitBin]
    too_few: Sequence[int]
    """AUs that are shown, or not shown, by too few images to fit anything."""

    def error(self, calibrated: bool) -> float:
        """Return the expected calibration error after or before calibration."""
        return calibration_error_of_bins([entry for entry in self.bins if entry.calibrated is calibrated])


def calibrate(
    network: keras.Model,
    units: Sequence[int],
    unit_labels: NDArray[np.int8],
    groups: Sequence[str],
    logits: NDArray[np.float32],
    method: str,
    positive_weights: Sequence[float],
) -> Calibration:
    """Fit scalings, which become part of the network's weights, and then thresholds.

    Args:
        network: A network with a head for AUs.
        units: AUs of that head.
        unit_labels: Labels [n, 60] of images that the network that said ``logits`` was not trained on.
        groups: Of each of these images, what stays on one side of a split, [n].
        logits: The head's logits [n, units].
        method: ``platt``, or ``none`` to leave the probabilities as they are.
        positive_weights: How often a positive of each AU counted in the loss, [units].
    """
    too_few = [unit for unit in units if not is_enough(known_and_present(unit_labels, unit)[1])]
    for unit in too_few:
        log.warning(
            "Fewer than %d images that it could be calibrated on show %s, or do not; its probability is corrected for "
            "its weight in the loss alone.",
            LEAST,
            facs.label(unit),
        )
    scalings: dict[int, Scaling] = {}
    bins: list[UnitBin] = []
    thresholds: dict[int, float] = {}
    parts = parts_of(groups, _PARTS)
    for column, (unit, weight) in enumerate(zip(units, positive_weights, strict=True)):
        known, truth = known_and_present(unit_labels, unit)
        values = logits[known, column]
        unfitted = Scaling(shift=-float(np.log(weight))) if method == "platt" else Scaling()
        scaling = fit_scaling(truth, values, unfitted) if method == "platt" else unfitted
        probability = scaling.probability(values)
        apart = probability_apart(truth, values, parts[known], unfitted) if method == "platt" else probability
        scalings[unit] = scaling
        thresholds[unit] = best_threshold(truth, probability) if is_enough(truth) else _UNFITTED_THRESHOLD
        for calibrated, shown in ((False, Scaling().probability(values)), (True, apart)):
            found = reliability_bins(truth, shown)
            bins += [UnitBin(unit=unit, calibrated=calibrated, **asdict(one)) for one in found]
    _scale_logits(network.get_layer(ACTION_UNITS), list(scalings.values()))
    return Calibration(scalings, thresholds, bins, too_few)


def write_reliability(path: Path, bins: Sequence[UnitBin]) -> None:
    """Write the bins as CSV.

    Args:
        path: The file.
        bins: Bins of all AUs, before and after calibration.
    """
    rows = (
        (
            facs.label(entry.unit),
            str(entry.calibrated).lower(),
            f"{entry.low:g}",
            entry.count,
            f"{entry.mean_probability:.6f}",
            f"{entry.positive_rate:.6f}",
        )
        for entry in bins
    )
    write_csv(path, _RELIABILITY_COLUMNS, rows)


def _scale_logits(head: keras.layers.Dense, scalings: Sequence[Scaling]) -> None:
    """Scale and shift the head's logits, so that the saved model's probabilities are calibrated."""
    scale = np.array([one.scale for one in scalings], np.float32)
    head.kernel.assign(head.kernel * scale)
    head.bias.assign(head.bias * scale + np.array([one.shift for one in scalings], np.float32))
