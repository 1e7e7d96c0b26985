"""Find the faces in the images of a data set, or in downloaded images, and write them as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from affectflow.core.cache import cache_key
from affectflow.core.code import modules_digest
from affectflow.core.parallel import batched, over_processes
from affectflow.core.progress import progress
from affectflow.datasets.base import Dataset
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, FOUND, GIVEN, NO_FACE, NOT_LOOKED_FOR, face_cells
from affectflow.datasets.media import MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.faces.yunet import Detector
from affectflow.media.image_store import read_image
from affectflow.media.pixels import Encoded
from affectflow.media.versions import library_versions
from affectflow.tables.parquet import parquet_rows, write_parquet

_CODE = ("affectflow.faces.yunet", "affectflow.media.images")
"""The modules that decide which face is found in given bytes. Only their changes invalidate kept faces."""

_IMAGES_PER_TASK = 16
_IMAGES_PER_SAVE = 4096  # a killed job loses at most the faces of so many images

T = TypeVar("T")
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Search:
    """The detector's file, its digest and the least confidence; see ``faces`` in ``config/README.md``."""

    model: Path
    sha256: str
    min_score: float


def find_dataset_faces(
    name: str, root: Path, split: str, search: Search | None, processes: int, out: Path
) -> Counter[str]:
    """Write the table of faces of all samples of a data set.

    Args:
        name: Name of the data set.
        root: Its folder.
        split: The split to read.
        search: How faces are searched for; None to take only the faces that the set ships. With a search, a shipped
            face selects among the faces found, and is taken where none is found.
        processes: Number of processes.
        out: The table to write, see :mod:`affectflow.datasets.face_table`.

    Returns:
        Number of samples by outcome.

    Raises:
        UserError: As the data set does.
    """
    parts = get_dataset(name, root, split, MetadataOnly()).parts()
    find = partial(_faces_of_part, name=name, root=root, split=split, search=search)
    counts: Counter[str] = Counter()
    with progress(len(parts), "part", "faces") as bar:

        def rows() -> Iterator[dict[str, Any]]:
            for found in over_processes(find, parts, processes):
                bar.update()
                for row in found:
                    counts[row["face"]] += 1
                    yield row

        write_parquet(out, FACES_SCHEMA, rows())
    return counts


def find_downloaded_faces(
    ledger: Path,
    images: Path,
    part: int,
    parts: int,
    search: Search,
    state: Path,
    processes: int,
    out: Path,
) -> Counter[str]:
    """Write the table of faces of one part of the downloaded images.

    Args:
        ledger: Table of the downloads.
        images: Store of the images.
        part: Which part, from 0. Images are divided by their SHA-256.
        parts: Number of parts.
        search: How faces are searched for.
        state: Folder in which faces are kept for later calls with the same detector, settings, code and libraries.
        processes: Number of processes.
        out: The table to write, see :mod:`affectflow.datasets.face_table`.

    Returns:
        Number of images by outcome.

    Raises:
        UserError: For an image that differs from the download.
    """
    settings = {"sha256": search.sha256, "min_score": search.min_score}
    key = cache_key(settings=settings, code=modules_digest(*_CODE), libraries=library_versions())[:16]
    kept = state / key / f"{part}-of-{parts}.parquet"
    known = {row["sha256"]: row for row in parquet_rows(kept, FACES_SCHEMA)} if kept.is_file() else {}
    wanted = {
        row["sha256"]: row["file_name"]
        for row in parquet_rows(ledger, LEDGER_SCHEMA)
        if row["outcome"] == OK and int(row["sha256"][:16], 16) % parts == part
    }
    missing = [(name, sha256) for sha256, name in wanted.items() if sha256 not in known]
    find = partial(_faces_of_images, images=images, search=search)
    with progress(len(missing), "image", "faces") as bar:
        for some in batched(missing, _IMAGES_PER_SAVE):
            for found in over_processes(find, list(batched(some, _IMAGES_PER_TASK)), processes):
                known |= {row["sha256"]: row for row in found}
                bar.update(len(found))
            write_parquet(kept, FACES_SCHEMA, known.values())
    rows = [{**known[sha256], "source": name} for sha256, name in wanted.items()]
    write_parquet(out, FACES_SCHEMA, rows)
    return Counter(row["face"] for row in rows)


def _faces_of_part(part: str, name: str, root: Path, split: str, search: Search | None) -> Rows:
    dataset = _dataset(name, root, split, decode=search is not None)
    given = dataset.faces_of(part)
    if search is None and given is None:
        return [
            {"source": sample.source, "sha256": "", **face_cells(NOT_LOOKED_FOR)} for sample in dataset.samples_of(part)
        ]
    rows = []
    for sample in dataset.samples_of(part):
        face: Face | None = (given or {}).get(sample.frame)
        outcome = GIVEN if face is not None else NO_FACE
        if search is not None and (found := _detector(search).find(sample.image.rgb(), face)) is not None:
            outcome, face = FOUND, found
        rows.append({"source": sample.source, "sha256": "", **face_cells(outcome, face)})
    return rows


def _faces_of_images(files: Sequence[tuple[str, str]], images: Path, search: Search) -> Rows:
    rows = []
    for name, sha256 in files:
        pixels = Encoded(read_image(images, name, sha256), name).rgb()
        face = _detector(search).find(pixels)
        rows.append({"source": name, "sha256": sha256, **face_cells(FOUND if face else NO_FACE, face)})
    return rows


@lru_cache(1)
def _dataset(name: str, root: Path, split: str, decode: bool) -> Dataset:
    return get_dataset(name, root, split, None if decode else MetadataOnly())


@lru_cache(1)
def _detector(search: Search) -> Detector:
    return Detector(search.model, search.sha256, search.min_score)
