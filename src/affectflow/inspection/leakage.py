"""Leakage of a benchmark into training data: the same images, images that look the same, and the same people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from affectflow.contracts.leakage import LeakageFile
from affectflow.core.parallel import over_processes
from affectflow.core.progress import progress
from affectflow.datasets import info, may_share_videos, people_of
from affectflow.datasets.face_table import with_faces
from affectflow.datasets.media import MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.faces.face_hash import face_hash
from affectflow.media.images import difference_hash
from affectflow.media.near_duplicates import face_hashes_of, hashes_of, mirrored, nearest
from affectflow.tables.arrow import column
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import read_parquet, write_parquet

IMAGES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("group", pa.string()),
        ("subject", pa.string()),
        ("sha256", pa.string()),
        ("dhash", pa.string()),
        ("face_hash", pa.string()),
    ]
)
"""``sha256`` is of the pixels, whatever their file format; ``dhash`` is the perceptual hash, 256 bits in hex;
``face_hash`` is as in :mod:`affectflow.faces.face_hash`, of the faces in sets of images, and empty for videos."""
PAIRS_COLUMNS = ("kind", "benchmark", "trained_on", "trained", "bits")
"""An image or person of the benchmark, and the data set and image or person that a model was trained on."""
EXACT, NEAR, SUBJECT, VIDEO = "exact", "near", "subject", "video"
Pair = tuple[str, str, str, str, int | None]


@dataclass(frozen=True, slots=True)
class Side:
    """A split of a data set, and the table of :func:`digest_images` for the complete set."""

    dataset: str
    root: Path
    split: str
    images: Path


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    dataset: str
    sources: list[str]
    subjects: list[str]
    sha256: list[str]
    hashes: NDArray[np.uint16]
    faces: tuple[NDArray[np.uint16], NDArray[np.uint16]]
    """Hashes of the faces and of their mirror images; blank without a face."""


def digest_images(name: str, root: Path, split: str, processes: int, out: Path, faces: Path | None = None) -> int:
    """Write the digests of all labelled images and frames of a data set.

    Args:
        name: of the data set.
        root: its folder.
        split: of the data set.
        processes: number of processes to work in.
        out: table of :data:`IMAGES_SCHEMA`.
        faces: table of the set's faces; None without one, or where the samples hold them.

    Returns:
        The number of images.

    Raises:
        UserError: the data set cannot be read.
    """
    parts = get_dataset(name, root, split, MetadataOnly()).parts()
    digest = partial(_digest_part, name=name, root=root, split=split, faces=faces)
    with progress(len(parts), "part", "digest") as bar:

        def rows() -> Iterator[dict[str, Any]]:
            for found in over_processes(digest, parts, processes):
                bar.update()
                yield from found

        return write_parquet(out, IMAGES_SCHEMA, rows())


def check_leakage(
    benchmark: Side, trained: Sequence[Side], max_bits: int, max_face_bits: int, pairs: Path, counts: Path
) -> LeakageFile:
    """Find the images and people of a benchmark that are in training data.

    Each image of the benchmark is counted once: as ``exact`` where a training image has the same pixels, else as
    ``near`` where a training image's perceptual hash is similar, or that of its mirror image, or between two sets of
    images that of the aligned face; the nearest one is listed. A ``subject`` is a person
    whom both sides name, a ``video`` one that both have. Images without contrast all have similar hashes and are
    compared by their pixels alone. Where two sets share videos (Aff-Wild and Aff-Wild2) and no name says which, nothing
    that was not found counts as 0: whole frames and crops of one video look different.

    Args:
        benchmark: what a model is scored on.
        trained: what it was trained on.
        max_bits: most differing bits of 256 for similar hashes of images, from 0 to 31.
        max_face_bits: the same of faces.
        pairs: CSV with :data:`PAIRS_COLUMNS`.
        counts: JSON file, :class:`LeakageFile`.

    Returns:
        The content of ``counts``.
    """
    tested = _read(benchmark)
    training = [_read(side) for side in trained]
    related = [one for one in training if may_share_videos(tested.dataset, one.dataset)]
    videos = list(_same_names(VIDEO, _videos, tested, related))
    subjects = _same_names(SUBJECT, _subjects, tested, training)
    found = [*_image_pairs(tested, training, max_bits, max_face_bits), *subjects, *videos]
    write_csv(pairs, PAIRS_COLUMNS, found)
    kinds = [row[0] for row in found]
    undecided = bool(related) and not videos
    count = {kind: kinds.count(kind) or (None if undecided else 0) for kind in (EXACT, NEAR, SUBJECT, VIDEO)}
    result = LeakageFile(
        images=len(tested.sources),
        exact=count[EXACT],
        near=count[NEAR],
        subjects=count[SUBJECT],
        videos=count[VIDEO],
        compared_with=sum(len(one.sources) for one in training),
        max_bits=max_bits,
        max_face_bits=max_face_bits,
    )
    result.write(counts)
    return result


def _digest_part(part: str, name: str, root: Path, split: str, faces: Path | None) -> list[dict[str, Any]]:
    rows = []
    of_images = info(name).media == "images"
    for sample in with_faces(get_dataset(name, root, split).samples_of(part), faces):
        pixels = sample.image.rgb()
        rows.append(
            {
                "source": sample.source,
                "group": sample.group,
                "subject": sample.subject,
                "sha256": hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest(),
                "dhash": difference_hash(Image.fromarray(pixels)).hex(),
                "face_hash": face_hash(pixels, sample.face) if of_images else "",
            }
        )
    return rows


def _read(side: Side) -> _Images:
    """Read the digests of a split's images."""
    table = read_parquet(side.images, IMAGES_SCHEMA)
    groups = set(get_dataset(side.dataset, side.root, side.split, MetadataOnly()).groups())
    table = table.filter(column([group in groups for group in table["group"].to_pylist()], pa.bool_()))
    columns = {name: table[name].to_pylist() for name in IMAGES_SCHEMA.names}
    return _Images(
        *(side.dataset, columns["source"], columns["subject"], columns["sha256"]),
        *(hashes_of(columns["dhash"]), face_hashes_of(columns["face_hash"])),
    )


def _image_pairs(tested: _Images, training: Sequence[_Images], max_bits: int, max_face_bits: int) -> Iterator[Pair]:
    same: dict[str, tuple[str, str]] = {}
    for one in reversed(training):  # the first of equal training images is listed
        for source, digest in zip(reversed(one.sources), reversed(one.sha256), strict=True):
            same[digest] = (one.dataset, source)
    candidates = [(one, *nearest(tested.hashes, (one.hashes, mirrored(one.hashes)), max_bits)) for one in training]
    candidates += [(one, *nearest(tested.faces[0], one.faces, max_face_bits)) for one in training]
    for i, (source, digest) in enumerate(zip(tested.sources, tested.sha256, strict=True)):
        if digest in same:
            yield EXACT, source, *same[digest], 0
            continue
        one, place, bits = min(candidates, key=lambda candidate: candidate[2][i])
        if place[i] >= 0:
            yield NEAR, source, one.dataset, one.sources[place[i]], int(bits[i])


def _same_names(
    kind: str, names_of: Callable[[_Images], dict[tuple[str, str], str]], tested: _Images, training: Sequence[_Images]
) -> Iterator[Pair]:
    """Yield what the benchmark and a training set name alike."""
    names = names_of(tested)
    for one in training:
        trained = names_of(one)
        for key in sorted(names.keys() & trained.keys()):
            yield kind, names[key], one.dataset, trained[key], None


def _videos(images: _Images) -> dict[tuple[str, str], str]:
    """Return the names of videos by their names in lower case."""
    names = {source.rpartition("/")[0] for source in images.sources}
    return {("", name.casefold()): name for name in names if name}


def _subjects(images: _Images) -> dict[tuple[str, str], str]:
    """Return the named subjects by the data set that named them and their name in upper case."""
    namer = people_of(images.dataset)
    return {(namer, subject.upper()): subject for subject in images.subjects if subject}
