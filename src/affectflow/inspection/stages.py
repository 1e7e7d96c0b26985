"""Stages that check for leakage of benchmarks into training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage


@stage("inspection.leakage", "datasets", "faces", "facs", "media")
def digest_images(
    dataset: str, root: Path, images: Output, split: str = "all", faces: Path | None = None, threads: int = 1
) -> str:
    """Write digests of a data set's images, by which data sets are compared.

    Args:
        dataset: Name of the data set.
        root: Folder of the data set.
        images: Table of the digests.
        split: Split of the data set.
        faces: Table of the data set's faces, by which images of one face are found.
    """
    from affectflow.inspection.leakage import digest_images as digest

    return f"{digest(dataset, root, split, processes=threads, out=images, faces=faces)} images"


@stage("inspection.leakage", "contracts.leakage", "datasets", "faces", "facs", "media")
def check_leakage(
    images: list[Path],
    pairs: Output,
    counts: Output,
    sides: list[tuple[str, Path, str]],
    max_bits: Annotated[int, Setting("records.near_duplicate_bits")],
    max_face_bits: Annotated[int, Setting("records.near_duplicate_face_bits")],
) -> str:
    """Find the images and people of a benchmark that are in a model's training data.

    Args:
        images: Tables of digests: the benchmark's, and those of each training set.
        pairs: Table of what is in both.
        counts: Its numbers.
        sides: Name, folder and split of the benchmark and of each training set, as the tables.
        max_bits: Bits of 256 in which the perceptual hashes of near duplicates may differ.
        max_face_bits: Bits of 256 in which the hashes of near duplicates' faces may differ.
    """
    from affectflow.inspection.leakage import Side
    from affectflow.inspection.leakage import check_leakage as check

    benchmark, *trained = [
        Side(name, root, split, table) for (name, root, split), table in zip(sides, images, strict=True)
    ]
    return check(benchmark, trained, max_bits, max_face_bits, pairs=pairs, counts=counts).summary()
