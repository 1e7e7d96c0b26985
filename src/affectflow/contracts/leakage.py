"""``results/leakage/{benchmark}_{run}.json``: what of a benchmark is in the training data of a run."""

from __future__ import annotations

from typing import ClassVar, Literal

from affectflow.contracts.json_file import JsonFile, Part


class FoundInTraining(Part):
    """What of a benchmark is in the training data of a model; null where it cannot be told."""

    exact: int | None
    """Images of the benchmark with the same pixels as a training image."""
    near: int | None
    """Other images that look like a training image, by the perceptual hash of the image or, in sets of images, of the
    face."""
    subjects: int | None
    """People whom both name."""
    videos: int | None
    """Videos that both have, by name."""

    @property
    def is_unknown(self) -> bool:
        """Whether nothing was found in sets that share videos under other names, so that there may be more."""
        return self.videos is None


LEAKAGE = tuple(FoundInTraining.model_fields)
"""The kinds of leakage that are counted."""


class LeakageFile(FoundInTraining, JsonFile):
    """The numbers of one benchmark and one run, ``results/leakage/{benchmark}_{run}.json``."""

    remedy: ClassVar[str] = "check the leakage again"
    schema_version: Literal[3] = 3
    images: int
    """Images of the benchmark."""
    compared_with: int
    """Training images."""
    max_bits: int
    """Bits of 256 in which the hashes of near duplicates may differ."""
    max_face_bits: int
    """Bits of 256 in which the hashes of near duplicates' faces may differ."""

    def summary(self) -> str:
        """Return the numbers as a sentence."""
        if self.is_unknown:
            return (
                f"{self.images} images of the benchmark, {self.compared_with} to train on: the two sets share videos "
                "under other names, so that what is in both is unknown"
            )
        return (
            f"{self.images} images of the benchmark: {self.exact} are among the {self.compared_with} training images, "
            f"{self.near} are near duplicates of one; {self.subjects} people and {self.videos} videos are "
            "in both"
        )
