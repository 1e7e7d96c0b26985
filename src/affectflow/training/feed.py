"""What a network is fed with in training: which records make which batch, by the recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow.contracts.recipe import Recipe
from affectflow.records.access import Records
from affectflow.training.devices import Devices
from affectflow.training.heads import TrainedHeads
from affectflow.training.reader import Augmentation, Labels, image_sources, training_batches
from affectflow.training.sampling import Mixture


@dataclass(frozen=True, slots=True)
class Feed:
    """The batches of one fit.

    Attributes:
        recipe: Settings of the run.
        trained_heads: AUs of each head.
        records: All records.
        among: Numbers of the records that are learned from, [n].
        mixture: How these are sampled.
        devices: The devices to train on.
    """

    recipe: Recipe
    trained_heads: TrainedHeads
    records: Records
    among: NDArray[np.int64]
    mixture: Mixture
    devices: Devices

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        trained_heads: TrainedHeads,
        records: Records,
        labels: Labels,
        devices: Devices,
        among: NDArray[np.int64] | None = None,
    ) -> Feed:
        """Plan the batches.

        Args:
            recipe: Settings of the run.
            trained_heads: AUs of each head.
            records: All records.
            labels: Their labels.
            devices: The devices to train on.
            among: Numbers of the records that are learned from; None for all.

        Raises:
            UserError: A batch is too small for records of every data set and task.
        """
        chosen = np.arange(len(labels)) if among is None else among
        labelled = {head: labels.has(head, units)[chosen] for head, units in trained_heads.items()}
        datasets: Sequence[str] = [labels.datasets[number] for number in chosen.tolist()]
        mixture = Mixture(datasets, labelled, recipe.batch_size, recipe.shares, recipe.seed)
        return cls(recipe, trained_heads, records, chosen, mixture, devices)

    @property
    def batches(self) -> Callable[[int], tf.data.Dataset]:
        """Return a function from a step to the endless batches from it on."""

        def start_at(start: int) -> tf.data.Dataset:
            return self.devices.prefetch(
                training_batches(
                    self.records,
                    self.indices,
                    batch_size=self.recipe.batch_size,
                    input_size=self.recipe.input_size,
                    trained_heads=self.trained_heads,
                    augmentation=Augmentation(**self.recipe.augmentation.model_dump()),
                    seed=self.recipe.seed,
                    start=start,
                )
            )

        return start_at

    def indices(self, step: int) -> NDArray[np.int64]:
        """Return the numbers of a step's records."""
        numbers: NDArray[np.int64] = self.among[self.mixture.indices(step)]
        return numbers

    def image_sources(self, step: int) -> list[str]:
        """Return the file names of a step's images."""
        return image_sources(self.records, self.indices(step))
