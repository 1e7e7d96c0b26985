"""The order of images on the page: which image comes next, and which is shown a second time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random

import numpy as np

from affectflow.annotation.model_predictions import ModelPrediction
from affectflow.annotation.server.media import Image
from affectflow.core.parallel import batched

_MIN_BETWEEN = 15
"""Least number of images between the first and the second showing, so that the repeat is not rated from memory."""
_CHUNK = 256
"""Rated points compared at once, which bounds the memory."""
_DIAGONAL = 8**0.5
"""Of the plane of valence and arousal, the largest possible distance."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An image to rate; ``is_repeat`` if it is shown a second time, which the annotator is not told."""

    image: Image
    is_repeat: bool = False

    @property
    def key(self) -> tuple[str, bool]:
        """The key in :attr:`affectflow.annotation.rating_log.RecordedRatings.latest`."""
        return self.image.image_sha256, self.is_repeat


def with_repeats(
    images: Sequence[Image],
    share: float,
    random: Random,
    before: Sequence[Image] = (),
    repeated: AbstractSet[str] = frozenset(),
    eligible: AbstractSet[str] | None = None,
) -> list[Slot]:
    """Insert a second showing of a share of the images.

    Args:
        images: Images in order.
        share: Share of the images to repeat, in [0, 1].
        random: Chooses the images to repeat.
        before: Images that were rated already, in order.
        repeated: SHA-256 of the images that were repeated already.
        eligible: SHA-256 of the images that may be repeated; None for all.
    """
    slots: list[Slot] = []
    past = list(before)
    done = set(repeated)
    owed = min(1.0, share * len(before) - len(repeated))  # at most one, so that a larger share applies gradually

    def may_repeat(sha256: str) -> bool:
        return sha256 not in done and (eligible is None or sha256 in eligible)

    for image in images:
        slots.append(Slot(image))
        past.append(image)
        owed += share
        candidates = [one for one in past[: max(0, len(past) - _MIN_BETWEEN)] if may_repeat(one.image_sha256)]
        if owed >= 1 and candidates:
            chosen = random.choice(candidates)
            done.add(chosen.image_sha256)
            slots.append(Slot(chosen, is_repeat=True))
            owed -= 1
    return slots


def most_informative(
    images: Sequence[Image],
    predictions: Mapping[str, ModelPrediction],
    rated: Sequence[tuple[float, float]],
    count: int,
) -> list[Image]:
    """Choose so many images, the most informative first.

    Each is the image with the largest product of the prediction's uncertainty and its distance in the plane from the
    nearest rated point. Images chosen before count as rated with the values that the model predicts. This is greedy
    sampling in the output space (Wu, Lin and Huang 2019, "Active learning for regression using greedy sampling"),
    weighted by the uncertainty. Images without a prediction follow those that have one.

    Args:
        images: Images that are not yet rated.
        predictions: By SHA-256 of the image.
        rated: Valence and arousal of the images rated so far.
        count: Number of images to choose.
    """
    known = [image for image in images if image.image_sha256 in predictions]
    if not known:
        return list(images[:count])
    found = [predictions[image.image_sha256] for image in known]
    points = np.array([(prediction.valence, prediction.arousal) for prediction in found])
    uncertainty = np.array([prediction.uncertainty for prediction in found])
    nearest = np.full(len(known), _DIAGONAL)
    for chunk in batched(rated, _CHUNK):
        apart = points[:, np.newaxis] - np.array(chunk)
        np.minimum(nearest, np.sqrt((apart**2).sum(axis=-1).min(axis=1)), out=nearest)
    left = np.ones(len(known), bool)
    chosen: list[Image] = []
    while len(chosen) < min(count, len(known)):
        # The first of the manifest if several are equally informative.
        best = int(np.argmax(np.where(left, uncertainty * nearest, -1.0)))
        chosen.append(known[best])
        left[best] = False
        np.minimum(nearest, np.hypot(*(points - points[best]).T), out=nearest)
    others = (image for image in images if image.image_sha256 not in predictions)
    return chosen + [image for image, _ in zip(others, range(count - len(chosen)), strict=False)]
