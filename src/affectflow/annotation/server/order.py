"""Which image comes next, and which is shown a second time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random

import numpy as np

from affectflow.annotation.model_predictions import ModelPrediction
from affectflow.annotation.server.image import Image
from affectflow.core.parallel import batched

_APART = 15
"""So many images lie between the two times at least, that the second is not judged from memory."""

_AT_A_TIME = 256
_WIDTH = 8**0.5
"""Of the plane, from corner to corner."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An image to be judged; ``again`` for the second time, which the page does not tell."""

    image: Image
    again: bool = False

    @property
    def key(self) -> tuple[str, bool]:
        """As that of :attr:`affectflow.annotation.rating_log.Kept.latest`."""
        return self.image.image_sha256, self.again


def with_repeats(
    images: Sequence[Image],
    share: float,
    random: Random,
    before: Sequence[Image] = (),
    repeated: AbstractSet[str] = frozenset(),
    eligible: AbstractSet[str] | None = None,
) -> list[Slot]:
    """Images with a share of them shown a second time in between.

    ``before`` are those that were judged already, in order, ``repeated`` the SHA-256 of those that were shown twice;
    ``eligible`` of those that may be, where that is not left to chance.
    """
    slots: list[Slot] = []
    past = list(before)
    done = set(repeated)
    owed = min(1.0, share * len(before) - len(repeated))  # a share that is raised later is not made up for at once

    def may(sha256: str) -> bool:
        return sha256 not in done and (eligible is None or sha256 in eligible)

    for image in images:
        slots.append(Slot(image))
        past.append(image)
        owed += share
        candidates = [one for one in past[: max(0, len(past) - _APART)] if may(one.image_sha256)]
        if owed >= 1 and candidates:
            chosen = random.choice(candidates)
            done.add(chosen.image_sha256)
            slots.append(Slot(chosen, again=True))
            owed -= 1
    return slots


def most_informative(
    images: Sequence[Image],
    predictions: Mapping[str, ModelPrediction],
    judged: Sequence[tuple[float, float]],
    count: int,
) -> list[Image]:
    """So many of the images, the most informative first.

    Each is the one whose prediction is the least certain and the furthest from all that was judged: its spread times its
    distance in the plane from the nearest judged point, those before it in the list taken as judged where the model
    predictions them (greedy sampling in the space of outputs, Wu, Lin and Huang 2019, "Active learning for regression
    using greedy sampling", weighted by the model's doubt). Images without a prediction follow those that have one.
    """
    known = [one for one in images if one.image_sha256 in predictions]
    if not known:
        return list(images[:count])
    of_each = [predictions[one.image_sha256] for one in known]
    places = np.array([(prediction.valence, prediction.arousal) for prediction in of_each])
    doubt = np.array([prediction.spread for prediction in of_each])
    nearest = np.full(len(known), _WIDTH)
    for some in batched(judged, _AT_A_TIME):
        apart = places[:, np.newaxis] - np.array(some)
        np.minimum(nearest, np.sqrt((apart**2).sum(axis=-1).min(axis=1)), out=nearest)
    left = np.ones(len(known), bool)
    chosen: list[Image] = []
    while len(chosen) < min(count, len(known)):
        # Where nothing tells them apart, the first of the manifest.
        best = int(np.argmax(np.where(left, doubt * nearest, -1.0)))
        chosen.append(known[best])
        left[best] = False
        np.minimum(nearest, np.hypot(*(places - places[best]).T), out=nearest)
    others = (one for one in images if one.image_sha256 not in predictions)
    return chosen + [one for one, _ in zip(others, range(count - len(chosen)), strict=False)]
