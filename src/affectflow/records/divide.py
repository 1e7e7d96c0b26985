"""Divide EmotioNet's images into splits, so that images that look the same stay on one side, and stay there."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from affectflow.media.near_duplicates import first_members, group_near_duplicates, join_near_faces
from affectflow.tables.parquet import parquet_columns, parquet_note, write_parquet

log = logging.getLogger(__name__)

TIES = "looks like images of several splits"
_MOST_GROUPS = 10
"""As many groups of images that look the same are not joined by their faces: chance pairs chain."""
_NOTE = "affectflow.division"
_COLUMNS = ("sha256", "split", "group")


@dataclass(frozen=True, slots=True)
class Division:
    """How images are divided.

    Attributes:
        validation_fraction: Share of the groups that goes to validation.
        test_fraction: Share of the groups that goes to test.
        image_bits: Perceptual hashes of images that differ in at most so many of 256 bits are in one group.
        face_bits: The same of the hashes of aligned faces.
        has_faces: Whether faces were searched for.
    """

    validation_fraction: float
    test_fraction: float
    image_bits: int
    face_bits: int
    has_faces: bool = False

    @property
    def identity(self) -> str:
        """A text that differs where images were divided in another way."""
        return json.dumps(list(astuple(self)))


@dataclass(frozen=True, slots=True)
class Look:
    """What decides an image's split.

    Attributes:
        sha256: Its digest.
        dhash: Its perceptual hash, in hex.
        face: The hashes of its aligned face, see :mod:`affectflow.faces.face_hash`; empty without a face.
        for_training: Whether it must be trained on, unless a group of others decides.
    """

    sha256: str
    dhash: str
    face: str
    for_training: bool


@dataclass(slots=True)
class Assignments:
    """The split and group of images by SHA-256, kept from one run to the next.

    A further image may look like two groups. Neither moves: an image that is known stays where it is.
    """

    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None, division: Division) -> Assignments:
        """Read the assignments of an earlier run; none where there are none, or images were divided in another way.

        Args:
            path: The table; None for none.
            division: How images are divided.
        """
        if path is None or not path.is_file() or parquet_note(path, _NOTE) != division.identity:
            return cls()
        return cls({sha256: (split, group) for sha256, split, group in parquet_columns(path, _COLUMNS)})

    def write(self, path: Path, division: Division) -> None:
        """Write the assignments for later runs.

        Args:
            path: The table.
            division: How images were divided.
        """
        schema = pa.schema([(name, pa.string()) for name in _COLUMNS], {_NOTE: division.identity})
        rows = (dict(zip(_COLUMNS, (sha256, *place), strict=True)) for sha256, place in sorted(self.known.items()))
        write_parquet(path, schema, rows)


def divide(images: Sequence[Look], division: Division, kept: Assignments) -> list[tuple[str, str] | None]:
    """Return the split and the group of each image; None for one that would tie two splits.

    A group is named by its first image, and its split follows from a hash of the name, so that further rows do not
    move other images. Groups of images for training alone are for training. An image that looks like known ones gets
    their split.

    Args:
        images: The images, in order.
        division: How they are divided.
        kept: Earlier assignments, to which the new ones are added.
    """
    members: dict[int, list[Look]] = defaultdict(list)
    for image, first in zip(images, _groups(images, division), strict=True):
        members[first].append(image)
    placed: dict[str, tuple[str, str] | None] = {}
    torn = 0
    for first, group in members.items():
        if all(image.for_training for image in group):  # not kept: once somebody labels one of them, it may be tested
            placed |= {image.sha256: ("train", images[first].sha256) for image in group}
            continue
        place = _place(images[first].sha256, group, division, kept.known)
        torn += place is None
        found = {image.sha256: kept.known.get(image.sha256, place) for image in group}
        kept.known |= {sha256: one for sha256, one in found.items() if one is not None}
        placed |= found
    if torn:
        log.warning(
            "%d groups of images that look the same lie in several splits since earlier runs; delete the table of kept "
            "splits (results/state/splits.parquet) to divide all images anew",
            torn,
        )
    return [placed[image.sha256] for image in images]


def _place(
    name: str, group: Sequence[Look], division: Division, known: Mapping[str, tuple[str, str]]
) -> tuple[str, str] | None:
    """Return the split and name of a group, as its known images say; None where these are in several splits."""
    before = [known[image.sha256] for image in group if image.sha256 in known]
    if before:
        return before[0] if len({split for split, _ in before}) == 1 else None
    return split_of(name, division), name


def split_of(group: str, division: Division) -> str:
    """Return the split of a group by a hash of its name.

    Args:
        group: The name.
        division: How images are divided.
    """
    share = int(hashlib.sha256(f"split {group}".encode()).hexdigest()[:16], 16) / 2**64
    if share < division.test_fraction:
        return "test"
    return "validation" if share < division.test_fraction + division.validation_fraction else "train"


def _groups(images: Sequence[Look], division: Division) -> list[int]:
    """Return the position of the first image of each image's group."""
    labels = np.array(group_near_duplicates([image.dhash for image in images], division.image_bits), np.int64)
    if any(image.face for image in images):
        faces = [image.face for image in images]
        labels = first_members(join_near_faces(labels, faces, division.face_bits, _MOST_GROUPS))
    found: list[int] = labels.tolist()
    return found
