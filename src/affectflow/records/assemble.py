"""Labels, ledger and affect -> EmotioNet's samples: one row for each distinct picture, with its split and shard."""

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
from affectflow.datasets.emotionet import SAMPLES_SCHEMA
from affectflow.datasets.face_table import FACE_FIELDS, FACES_SCHEMA, NO_FACE, NOT_LOOKED_FOR, Row, face_cells
from affectflow.datasets.sample import SPLITS
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.download.snapshot import Snapshot, read_snapshot
from affectflow.faces.crop import CENTRE
from affectflow.media.near_duplicates import group_near_duplicates
from affectflow.spreadsheet.ingest import LABEL_COLUMNS
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import parquet_rows, read_parquet, write_parquet

LEFT_OUT_COLUMNS = ("table", "sheet", "row", "url", "reason")


@dataclass(slots=True)
class _Picture:
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
    without_face: str | None,
    samples: Path,
    left_out: Path,
    shards: int,
    validation_fraction: float,
    test_fraction: float,
    near_duplicate_bits: int,
) -> dict[str, int]:
    """Join what is known of each picture; returns the number of samples in each split.

    A row's picture that did not come, and labels that could not be used, stand in ``left_out`` with the reason.
    ``faces`` are the tables of faces, none where none were looked for; pictures in which none was found are left out,
    unless ``without_face`` is ``centre``, but for those of the test split, which are scored all the same. Rows that
    show the same bytes become one sample: the first URL wins, known labels fill unknown ones, and labels that
    contradict each other become unknown. Splits go by a hash of the group of near duplicates, so that further rows
    leave the sides of the others as they are; with a ``snapshot`` that has splits, they and the groups are its own.
    Raises :class:`UserError` when a split stays empty.
    """
    rows_left_out: list[tuple[str, str, str, str, str]] = []
    reference = read_snapshot(snapshot) if snapshot is not None else None
    pictures = _pictures(labels, ledger, reference, rows_left_out)
    if affect is not None:
        _add_affect(pictures, affect, rows_left_out)
    seen = {row["sha256"]: row for table in faces for row in parquet_rows(table, FACES_SCHEMA)}
    listed = list(pictures.values())
    if reference is not None and reference.has_splits:
        known = reference.pictures()
        sides = [known[picture.sha256] for picture in listed]
    else:
        groups = _groups(listed, near_duplicate_bits)
        sides = [(_split(group, validation_fraction, test_fraction), group) for group in groups]
    rows = [
        {
            "url": picture.url,
            "file_name": picture.file_name,
            "sha256": picture.sha256,
            "group": group,
            "split": split,
            "shard": _number(picture.sha256) % shards,
            "units": picture.units.tolist(),
            "valence": picture.affect.get("valence", np.nan),
            "arousal": picture.affect.get("arousal", np.nan),
            **(_face(seen, picture) if faces else face_cells(NOT_LOOKED_FOR)),
        }
        for picture, (split, group) in zip(listed, sides, strict=True)
    ]
    if without_face != CENTRE:
        faceless = dict.fromkeys(row["sha256"] for row in rows if row["face"] == NO_FACE and row["split"] != "test")
        rows_left_out += ((*where, NO_FACE) for sha256 in faceless for where in pictures[sha256].rows)
        rows = [row for row in rows if row["sha256"] not in faceless]
    counts = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    for split, count in counts.items():
        if not count:
            raise UserError(
                f"No picture of {len(rows)} fell to the {split} split; "
                "raise records.validation_fraction and records.test_fraction, or add pictures."
            )
    write_csv(left_out, LEFT_OUT_COLUMNS, rows_left_out)
    write_parquet(samples, SAMPLES_SCHEMA, rows)
    return counts


def _pictures(
    labels: Path, ledger: Path, reference: Snapshot | None, left_out: list[tuple[str, str, str, str, str]]
) -> dict[str, _Picture]:
    """Distinct pictures by SHA-256, in order of first appearance."""
    fetched = {row["url"]: row for row in read_parquet(ledger, LEDGER_SCHEMA).to_pylist()}
    known = reference.pictures() if reference is not None else {}
    pictures: dict[str, _Picture] = {}
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
            left_out.append((*where, "another picture than in the snapshot"))
            continue
        units = np.array([_unit(row[name]) for name in facs.LABELS], np.int8)
        picture = pictures.get(entry["sha256"])
        if picture is None:
            picture = _Picture(row["url"], entry["file_name"], entry["sha256"], entry["dhash"], units)
            pictures[entry["sha256"]] = picture
        else:
            conflicts = _merge(picture, units)
            left_out.append((*where, f"same picture as {picture.url}: labels merged"))
            if conflicts:
                named = ", ".join(map(facs.label, conflicts))
                left_out.append((*where, f"{named} contradicted by another row of the same picture: now unknown"))
        picture.rows.append(where)
    return pictures


def _unit(text: str) -> int:
    return facs.UNKNOWN if text == "999" else int(text)


def _merge(picture: _Picture, other: NDArray[np.int8]) -> list[int]:
    """Fill a picture's unknown labels; contradictions become unknown for good and are returned as AU numbers."""
    known = picture.units
    conflict = (known != facs.UNKNOWN) & (other != facs.UNKNOWN) & (known != other)
    picture.contradicted |= conflict
    fill = (known == facs.UNKNOWN) & ~picture.contradicted
    known[fill] = other[fill]
    known[picture.contradicted] = facs.UNKNOWN
    return (np.flatnonzero(conflict) + 1).tolist()


def _add_affect(pictures: dict[str, _Picture], affect: Path, left_out: list[tuple[str, str, str, str, str]]) -> None:
    for row in read_csv(affect, AFFECT_COLUMNS):
        picture = pictures.get(row["image_sha256"])
        if picture is None:
            frame = f"{row['batch']}/{row['frame']}"
            left_out.append(("annotation", "", frame, row["url"], "annotated, but in no table any more"))
        else:
            picture.affect = {name: float(row[name]) for name in ("valence", "arousal") if row[name]}


def _face(faces: Mapping[str, Row], picture: _Picture) -> Row:
    """The cells of a picture's face; raises :class:`UserError` where nobody looked for it."""
    row = faces.get(picture.sha256)
    if row is None:
        raise UserError(f"The tables of faces know nothing of {picture.file_name}; run the search for faces again.")
    return {name: row[name] for name, _ in FACE_FIELDS}


def _groups(pictures: Sequence[_Picture], near_duplicate_bits: int) -> Iterable[str]:
    """A group's name is the SHA-256 of its first picture, which further rows leave the first."""
    firsts = group_near_duplicates([picture.dhash for picture in pictures], near_duplicate_bits)
    return [pictures[first].sha256 for first in firsts]


def _split(group: str, validation_fraction: float, test_fraction: float) -> str:
    share = _number(hashlib.sha256(f"split {group}".encode()).hexdigest()) / 2**64
    if share < test_fraction:
        return "test"
    return "validation" if share < test_fraction + validation_fraction else "train"


def _number(digest: str) -> int:
    """64 bits of a hex digest."""
    return int(digest[:16], 16)
