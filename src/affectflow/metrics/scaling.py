"""A scale and a shift of logits that make calibrated probabilities.

Platt 1999, "Probabilistic outputs for support vector machines", with the targets of its section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

LEAST = 10
"""Positives and negatives of an AU that a scaling or threshold is fitted to at the least."""
_NEARLY = 1e-7  # how near to 0 and 1 a probability may be where its logit is taken
_SCALES, _SHIFTS = (0.05, 20.0), (-20.0, 20.0)


@dataclass(frozen=True, slots=True)
class Scaling:
    """What turns an AU's logit into that of a calibrated probability: ``scale * logit + shift``."""

    scale: float = 1.0
    shift: float = 0.0

    def probability(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities, [n]."""
        probability: NDArray[np.float64] = expit(self.scale * logits.astype(np.float64) + self.shift)
        return probability

    @property
    def threshold(self) -> float:
        """The calibrated probability where the one before calibration is 0.5."""
        return float(expit(self.shift))


def logits_of(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the logits of probabilities, finite also for 0 and 1, [n]."""
    found: NDArray[np.float64] = logit(np.clip(probability.astype(np.float64), _NEARLY, 1 - _NEARLY))
    return found


def fit_scaling(truth: NDArray[np.bool_], logits: NDArray[np.floating], unfitted: Scaling = Scaling()) -> Scaling:
    """Return the scaling of the greatest likelihood; the scale is positive, so that the order of images stays.

    Args:
        truth: Whether each image shows the AU, [n].
        logits: Its logits, [n].
        unfitted: For too few positives or negatives.
    """
    if not is_enough(truth):
        return unfitted
    positives, negatives = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    values = logits.astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = parameters[0] * values + parameters[1]
        error = expit(scaled) - target
        mean = np.mean(np.logaddexp(0, scaled) - target * scaled)
        return float(mean), np.array([np.mean(error * values), np.mean(error)])

    start = np.array([1.0, unfitted.shift])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_SCALES, _SHIFTS])
    return Scaling(float(found.x[0]), float(found.x[1]))


def parts_of(groups: Sequence[str], count: int) -> NDArray[np.int64]:
    """Divide images at random, those of a group together.

    Args:
        groups: Group of each image, [n].
        count: Number of parts; none is empty where there are as many groups.

    Returns:
        The part of each image, [n].
    """
    names, codes = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    order: NDArray[np.int64] = np.random.default_rng(0).permutation(len(names)) % count
    return order[codes]


def probability_apart(
    truth: NDArray[np.bool_], logits: NDArray[np.floating], parts: NDArray[np.int64], unfitted: Scaling
) -> NDArray[np.float64]:
    """Return probabilities that are calibrated by the other parts of the data each, [n].

    Args:
        truth: Whether each image shows the AU, [n].
        logits: Its logits, [n].
        parts: The part of each image, [n].
        unfitted: For too few positives or negatives in the other parts.
    """
    probability = np.empty(len(truth))
    for part in np.unique(parts):
        inside = parts == part
        scaling = fit_scaling(truth[~inside], logits[~inside], unfitted)
        probability[inside] = scaling.probability(logits[inside])
    return probability


def is_enough(truth: NDArray[np.bool_]) -> bool:
    """Return whether labels have enough of both classes to fit something to."""
    return min(int(truth.sum()), int((~truth).sum())) >= LEAST
