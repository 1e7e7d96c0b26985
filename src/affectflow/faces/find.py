"""Find the faces in the images of a data set, or in downloaded images, and write them as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from affectflow.core.cache import cache_key, content_fingerprint
from affectflow.core.code import modules_digest
from affectflow.core.parallel import batched, over_processes
from affectflow.core.progress import progress
from affectflow.datasets import info
from affectflow.datasets.base import Dataset
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, FOUND, GIVEN, NO_FACE, NOT_LOOKED_FOR, face_cells
from affectflow.datasets.media import Media, MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import STORED
from affectflow.faces.face_hash import face_hash
from affectflow.faces.yunet import Detector
from affectflow.media.image_store import read_image
from affectflow.media.pixels import Encoded
from affectflow.media.versions import library_versions
from affectflow.tables.parquet import parquet_rows, write_parquet

_CODE = ("affectflow.faces.yunet", "affectflow.faces.face_hash", "affectflow.faces.crop", "affectflow.media.images")
"""The modules that decide which face is found in given bytes, and its hash: those changes invalidate kept faces."""

_VIDEO_CODE = ("affectflow.media.video", "affectflow.media.video_index")
_UNIT = "unit"
_KEPT_SCHEMA = pa.schema([(_UNIT, pa.string()), *FACES_SCHEMA])

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
    name: str,
    root: Path,
    split: str,
    search: Search | None,
    processes: int,
    out: Path,
    state: Path | None = None,
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
        state: Folder in which found faces are kept: a later call searches only the videos and images that are new, or
            whose content or shipped boxes changed. None to keep nothing.

    Returns:
        Number of samples by outcome.

    Raises:
        UserError: As the data set does.
    """
    for cached in (_dataset, _known_rows):
        cached.cache_clear()  # an earlier call's, of what may have changed since
    parts = get_dataset(name, root, split, MetadataOnly()).parts()
    kept = _kept(state, search) if state is not None and search is not None else None
    find = partial(_faces_of_part, name=name, root=root, split=split, search=search, kept=kept)
    counts: Counter[str] = Counter()
    searched: Rows = []
    unsaved = 0
    with progress(len(parts), "part", "faces") as bar:

        def rows() -> Iterator[dict[str, Any]]:
            nonlocal unsaved
            for found, is_new in over_processes(find, parts, processes):
                bar.update()
                searched.extend(found)
                unsaved += len(found) if is_new else 0
                if kept is not None and unsaved >= _IMAGES_PER_SAVE:
                    write_parquet(kept, _KEPT_SCHEMA, searched + _later_rows(kept, searched))
                    unsaved = 0
                for row in found:
                    counts[row["face"]] += 1
                    yield {key: value for key, value in row.items() if key != _UNIT}

        write_parquet(out, FACES_SCHEMA, rows())
    if kept is not None and unsaved:
        write_parquet(kept, _KEPT_SCHEMA, searched)
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
        if row["outcome"] in STORED and int(row["sha256"][:16], 16) % parts == part
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


def _kept(state: Path, search: Search) -> Path:
    settings = {"sha256": search.sha256, "min_score": search.min_score}
    key = cache_key(settings=settings, code=modules_digest(*_CODE, *_VIDEO_CODE), libraries=library_versions())
    return state / f"{key[:16]}.parquet"


def _later_rows(kept: Path, searched: Rows) -> Rows:
    """Return the kept rows of what this call has not come to, which a kill must not lose."""
    units = {row[_UNIT] for row in searched}
    rows = parquet_rows(kept, _KEPT_SCHEMA) if kept.is_file() else iter(())
    return [row for row in rows if row[_UNIT] not in units]


def _faces_of_part(
    part: str, name: str, root: Path, split: str, search: Search | None, kept: Path | None
) -> tuple[Rows, bool]:
    """Return the rows of a part, with the unit that each belongs to, and whether any was searched."""
    given = _dataset(name, root, split, decode=search is not None)[0].faces_of(part)
    if search is None and given is None:
        samples = _dataset(name, root, split, decode=False)[0].samples_of(part)
        return [{_UNIT: "", "source": s.source, "sha256": "", **face_cells(NOT_LOOKED_FOR)} for s in samples], False
    units = dict(_units(part, name, root, split, given or {})) if kept is not None else {}
    known = _known_rows(kept) if kept is not None and kept.is_file() else {}
    if units and all((unit, source) in known for source, unit in units.items()):
        return [known[unit, source] for source, unit in units.items()], False
    rows, searched = [], False
    for sample in _dataset(name, root, split, decode=search is not None)[0].samples_of(part):
        unit = units.get(sample.source, "")
        if (before := known.get((unit, sample.source))) is not None:
            rows.append(before)
            continue
        searched = True
        face: Face | None = (given or {}).get(sample.frame)
        outcome, digest = GIVEN if face is not None else NO_FACE, ""
        if search is not None:
            pixels = sample.image.rgb()
            if (found := _detector(search).find(pixels, face)) is not None:
                outcome, face = FOUND, found
            digest = face_hash(pixels, face)
        rows.append({_UNIT: unit, "source": sample.source, "sha256": "", **face_cells(outcome, face, digest)})
    return rows, searched


def _units(part: str, name: str, root: Path, split: str, given: Mapping[int, Face]) -> Iterator[tuple[str, str]]:
    """Yield the source of each sample of a part, and the digest of what is searched at once: a video, or an image."""
    dataset, media = _dataset(name, root, split, decode=False)
    media.opened.clear()
    samples = [(sample, len(media.opened)) for sample in dataset.samples_of(part)]
    digests = [content_fingerprint(path) for path in media.opened]
    of_videos = info(name).media == "videos"
    boxes = [[frame, list(face.box), list(face.points)] for frame, face in sorted(given.items())] if of_videos else []
    together = cache_key(rows=[*digests, *boxes])
    for sample, opened in samples:
        yield sample.source, together if of_videos else digests[opened - 1]


@lru_cache(1)
def _known_rows(kept: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row[_UNIT], row["source"]): row for row in parquet_rows(kept, _KEPT_SCHEMA)}


def _faces_of_images(files: Sequence[tuple[str, str]], images: Path, search: Search) -> Rows:
    rows = []
    for name, sha256 in files:
        pixels = Encoded(read_image(images, name, sha256), name).rgb()
        face = _detector(search).find(pixels)
        cells = face_cells(FOUND if face else NO_FACE, face, face_hash(pixels, face))
        rows.append({"source": name, "sha256": sha256, **cells})
    return rows


@lru_cache(2)
def _dataset(name: str, root: Path, split: str, decode: bool) -> tuple[Dataset, Media]:
    media = Media() if decode else MetadataOnly()
    return get_dataset(name, root, split, media), media


@lru_cache(1)
def _detector(search: Search) -> Detector:
    return Detector(search.model, search.sha256, search.min_score)
