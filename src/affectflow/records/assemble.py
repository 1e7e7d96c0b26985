"""Labels, ledger and affect -> EmotioNet's samples: one row for each distinct image, with its split and shard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.annotation.columns import AFFECT_COLUMNS
from affectflow.core.errors import UserError
from affectflow.datasets.face import CENTER_CROP
from affectflow.datasets.face_table import FACE_FIELDS, FACES_SCHEMA, NO_FACE, NOT_LOOKED_FOR, Row, face_cells
from affectflow.datasets.sample import SPLITS
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.download.snapshot import Snapshot, read_snapshot
from affectflow.media.near_duplicates import group_near_duplicates
from affectflow.spreadsheet.ingest import LABEL_COLUMNS
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import parquet_rows, read_parquet, write_parquet

LEFT_OUT_COLUMNS = ("table", "sheet", "row", "url", "reason")


@dataclass(slots=True)
class _Image:
    url: str
    file_name: str
    sha256: str
    dhash: str
    units: NDArray[np.int8]
    contradicted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(facs.COUNT, bool))
    affect: dict[str, float] = field(default_factory=dict)
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Of the tables, in which it occurs."""


def assemble(
    labels: Path,
    ledger: Path,
    affect: Path | None,
    snapshot: Path | None,
    faces: Sequence[Path],
    on_missing_face: str | None,
    samples: Path,
    left_out: Path,
    shards: int,
    validation_fraction: float,
    test_fraction: float,
    near_duplicate_bits: int,
) -> dict[str, int]:
    """Join what is known of each image; returns the number of samples in each split.

    A row's image that did not come, and labels that could not be used, stand in ``left_out`` with the reason.
    ``faces`` are the tables of faces, none where none were looked for; images in which none was found are left out,
    unless ``on_missing_face`` is ``center_crop``, but for those of the test split, which are scored all the same. Rows that
    show the same bytes become one sample: the first URL wins, known labels fill unknown ones, and labels that
    contradict each other become unknown. Splits go by a hash of the group of near duplicates, so that further rows
    leave the sides of the others as they are; with a ``snapshot`` that has splits, they and the groups are its own.
    Raises :class:`UserError` when a split stays empty.
    """
    rows_left_out: list[tuple[str, str, str, str, str]] = []
    reference = read_snapshot(snapshot) if snapshot is not None else None
    images = _images(labels, ledger, reference, rows_left_out)
    if affect is not None:
        _add_affect(images, affect, rows_left_out)
    seen = {row["sha256"]: row for table in faces for row in parquet_rows(table, FACES_SCHEMA)}
    listed = list(images.values())
    if reference is not None and reference.has_splits:
        known = reference.images()
        sides = [known[image.sha256] for image in listed]
    else:
        groups = _groups(listed, near_duplicate_bits)
        sides = [(_split(group, validation_fraction, test_fraction), group) for group in groups]
    rows = [
        {
            "url": image.url,
            "file_name": image.file_name,
            "sha256": image.sha256,
            "group": group,
            "split": split,
            "shard": _number(image.sha256) % shards,
            "units": image.units.tolist(),
            "valence": image.affect.get("valence", np.nan),
            "arousal": image.affect.get("arousal", np.nan),
            **(_face(seen, image) if faces else face_cells(NOT_LOOKED_FOR)),
        }
        for image, (split, group) in zip(listed, sides, strict=True)
    ]
    if on_missing_face != CENTER_CROP:
        faceless = dict.fromkeys(row["sha256"] for row in rows if row["face"] == NO_FACE and row["split"] != "test")
        rows_left_out += ((*where, NO_FACE) for sha256 in faceless for where in images[sha256].rows)
        rows = [row for row in rows if row["sha256"] not in faceless]
    counts = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    for split, count in counts.items():
        if not count:
            raise UserError(
                f"No image of {len(rows)} fell to the {split} split; "
                "raise records.validation_fraction and records.test_fraction, or add images."
            )
    write_csv(left_out, LEFT_OUT_COLUMNS, rows_left_out)
    write_parquet(samples, SAMPLES_SCHEMA, rows)
    return counts


def _images(
    labels: Path, ledger: Path, reference: Snapshot | None, left_out: list[tuple[str, str, str, str, str]]
) -> dict[str, _Image]:
    """Distinct images by SHA-256, in order of first appearance."""
    fetched = {row["url"]: row for row in read_parquet(ledger, LEDGER_SCHEMA).to_pylist()}
    known = reference.images() if reference is not None else {}
    images: dict[str, _Image] = {}
    for row in read_csv(labels, LABEL_COLUMNS):
        where = (row["table"], row["sheet"], row["row"], row["url"])
        entry = fetched.get(row["url"])
        if entry is None and reference is not None and row["url"] not in reference.entries:
            left_out.append((*where, "not in the snapshot"))
            continue
        if entry is None:
            raise UserError(f"{ledger} knows nothing of {row['url'][:200]!r}; run the download again.")
        if entry["outcome"] != OK:
            left_out.append((*where, f"download: {entry['outcome']}"))
            continue
        if reference is not None and entry["sha256"] not in known:
            left_out.append((*where, "another image than in the snapshot"))
            continue
        units = np.array([_unit(row[name]) for name in facs.LABELS], np.int8)
        image = images.get(entry["sha256"])
        if image is None:
            image = _Image(row["url"], entry["file_name"], entry["sha256"], entry["dhash"], units)
            images[entry["sha256"]] = image
        else:
            conflicts = _merge(image, units)
            left_out.append((*where, f"same image as {image.url}: labels merged"))
            if conflicts:
                named = ", ".join(map(facs.label, conflicts))
                left_out.append((*where, f"{named} contradicted by another row of the same image: now unknown"))
        image.rows.append(where)
    return images


def _unit(text: str) -> int:
    return facs.UNKNOWN if text == "999" else int(text)


def _merge(image: _Image, other: NDArray[np.int8]) -> list[int]:
    """Fill an image's unknown labels; contradictions become unknown for good and are returned as AU numbers."""
    known = image.units
    conflict = (known != facs.UNKNOWN) & (other != facs.UNKNOWN) & (known != other)
    image.contradicted |= conflict
    fill = (known == facs.UNKNOWN) & ~image.contradicted
    known[fill] = other[fill]
    known[image.contradicted] = facs.UNKNOWN
    return (np.flatnonzero(conflict) + 1).tolist()


def _add_affect(images: dict[str, _Image], affect: Path, left_out: list[tuple[str, str, str, str, str]]) -> None:
    for row in read_csv(affect, AFFECT_COLUMNS):
        image = images.get(row["image_sha256"])
        if image is None:
            frame = f"{row['annotation_video']}/{row['frame']}"
            left_out.append(("annotation", "", frame, row["url"], "annotated, but in no table any more"))
        else:
            image.affect = {name: float(row[name]) for name in ("valence", "arousal") if row[name]}


def _face(faces: Mapping[str, Row], image: _Image) -> Row:
    """The cells of an image's face; raises :class:`UserError` where nobody looked for it."""
    row = faces.get(image.sha256)
    if row is None:
        raise UserError(f"The tables of faces know nothing of {image.file_name}; run the search for faces again.")
    return {name: row[name] for name, _ in FACE_FIELDS}


def _groups(images: Sequence[_Image], near_duplicate_bits: int) -> Iterable[str]:
    """A group's name is the SHA-256 of its first image, which further rows leave the first."""
    firsts = group_near_duplicates([image.dhash for image in images], near_duplicate_bits)
    return [images[first].sha256 for first in firsts]


def _split(group: str, validation_fraction: float, test_fraction: float) -> str:
    share = _number(hashlib.sha256(f"split {group}".encode()).hexdigest()) / 2**64
    if share < test_fraction:
        return "test"
    return "validation" if share < test_fraction + validation_fraction else "train"


def _number(digest: str) -> int:
    """64 bits of a hex digest."""
    return int(digest[:16], 16)
