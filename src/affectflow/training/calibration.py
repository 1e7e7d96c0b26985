"""Probabilities that mean what they say, by one temperature for each AU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from affectflow import facs
from affectflow.metrics.calibration import ReliabilityBin, reliability_bins

_SHARPEST, _FLATTEST = 0.05, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability(ReliabilityBin):
    """A bin of the probabilities of one AU, before or after calibration."""

    unit: int
    calibrated: bool


def fit_temperatures(
    units: Sequence[int], unit_labels: NDArray[np.int8], logits: NDArray[np.float32]
) -> dict[int, float]:
    """For each AU the temperature by which its logits [n, units] are divided for the best likelihood.

    Guo et al. 2017, "On calibration of modern neural networks", section 4.2. 1 where validation lacks a class: its
    likelihood has no best temperature.
    """
    temperatures = {}
    for column, unit in enumerate(units):
        labels = unit_labels[:, unit - 1]
        known = labels != facs.UNKNOWN
        truth, values = labels[known] == facs.PRESENT, logits[known, column].astype(np.float64)
        temperatures[unit] = _best(truth, values) if truth.any() and not truth.all() else 1.0
    return temperatures


def divide_logits(head: keras.layers.Dense, temperatures: Sequence[float]) -> None:
    """Put the temperatures into the weights of the head, so that nothing else needs to know of them."""
    scale = 1 / np.asarray(temperatures, np.float32)
    head.kernel.assign(head.kernel * scale)
    head.bias.assign(head.bias * scale)


def reliability(
    units: Sequence[int], unit_labels: NDArray[np.int8], logits: NDArray[np.float32], temperatures: Mapping[int, float]
) -> list[Reliability]:
    """The bins of each AU that hold anything, before and after; bins are a tenth wide."""
    found = []
    for column, unit in enumerate(units):
        labels = unit_labels[:, unit - 1]
        known = labels != facs.UNKNOWN
        truth = labels[known] == facs.PRESENT
        for calibrated, temperature in ((False, 1.0), (True, temperatures[unit])):
            probability = 1 / (1 + np.exp(-logits[known, column].astype(np.float64) / temperature))
            found += [
                Reliability(unit=unit, calibrated=calibrated, **asdict(one))
                for one in reliability_bins(truth, probability)
            ]
    return found


def _best(truth: NDArray[np.bool_], logits: NDArray[np.float64]) -> float:
    towards = np.where(truth, logits, -logits)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -towards / np.exp(log_temperature)).mean())

    bounds = (np.log(_SHARPEST), np.log(_FLATTEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
