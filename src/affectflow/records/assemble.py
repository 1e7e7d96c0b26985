"""Assemble EmotioNet's samples: one row for each distinct image, with labels, split and shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

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
from affectflow.download.outcomes import STORED
from affectflow.download.snapshot import Snapshot, read_snapshot
from affectflow.records.divide import TIES, Assignments, Division, Look, divide
from affectflow.spreadsheet.ingest import LABEL_COLUMNS
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import parquet_rows, read_parquet, write_parquet

LEFT_OUT_COLUMNS = ("table", "sheet", "row", "url", "reason")
LeftOut = list[tuple[str, str, str, str, str]]
"""Rows of the table of what was left out."""


@dataclass(frozen=True, slots=True)
class AssemblyInputs:
    """Tables to join.

    Attributes:
        labels: Labels of the spreadsheets, see :mod:`affectflow.spreadsheet.ingest`.
        ledger: Table of the downloads.
        affect: Merged valence and arousal, or None.
        snapshot: A snapshot to reproduce, or None.
        faces: Tables of faces; none where faces were not searched for.
        kept: Table in which the splits of images are kept from one run to the next; None to keep nothing.
    """

    labels: Path
    ledger: Path
    affect: Path | None = None
    snapshot: Path | None = None
    faces: Sequence[Path] = ()
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class AssemblyOptions:
    """How samples are selected and divided.

    Attributes:
        on_missing_face: ``center_crop`` to keep images without a face; otherwise they are left out, except in the test
            split, in which they still count.
        shards: Number of shards.
        validation_fraction: Share of the groups that goes to validation.
        test_fraction: Share of the groups that goes to test.
        near_duplicate_bits: Perceptual hashes that differ in at most so many of 256 bits are in one group.
        near_duplicate_face_bits: The same of the hashes of aligned faces.
        automatic: File names of the tables whose labels a program made, with ``*`` for anything: they are for the
            training split only.
    """

    on_missing_face: str | None
    shards: int
    validation_fraction: float
    test_fraction: float
    near_duplicate_bits: int
    near_duplicate_face_bits: int
    automatic: Sequence[str] = ()

    @property
    def division(self) -> Division:
        """How images are divided."""
        return Division(
            self.validation_fraction, self.test_fraction, self.near_duplicate_bits, self.near_duplicate_face_bits
        )


Where = tuple[str, str, str, str]
"""Table, sheet, row and URL of a row."""


@dataclass(slots=True)
class _Units:
    """An image's AU labels by all rows of one provenance, and the rows."""

    values: NDArray[np.int8] = field(default_factory=lambda: np.full(facs.COUNT, facs.UNKNOWN, np.int8))
    contradicted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(facs.COUNT, bool))
    rows: list[Where] = field(default_factory=list)

    def add(self, where: Where, other: NDArray[np.int8]) -> list[int]:
        """Fill unknown labels; contradicted ones stay unknown. Returns the AUs that the row contradicts."""
        conflict = _contradicts(self.values, other)
        self.contradicted |= conflict
        self.values = np.where(self.values == facs.UNKNOWN, other, self.values)
        self.values[self.contradicted] = facs.UNKNOWN
        self.rows.append(where)
        return (np.flatnonzero(conflict) + 1).tolist()


@dataclass(slots=True)
class _Image:
    url: str
    file_name: str
    sha256: str
    dhash: str
    by_hand: _Units = field(default_factory=_Units)
    automatic: _Units = field(default_factory=_Units)
    affect: dict[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> list[Where]:
        return self.by_hand.rows + self.automatic.rows

    @property
    def only_automatic(self) -> bool:
        return not self.by_hand.rows and not self.affect

    def units(self, split: str) -> NDArray[np.int8]:
        """Return the labels that count in a split; a program's never stand against those of people."""
        values, automatic = self.by_hand.values, self.automatic.values
        if split != "train":
            return values
        return np.where((values == facs.UNKNOWN) & ~self.by_hand.contradicted, automatic, values)


def assemble(inputs: AssemblyInputs, options: AssemblyOptions, samples: Path, left_out: Path) -> dict[str, int]:
    """Join what is known of each image.

    Rows with the same bytes become one sample: the first URL is kept, known labels fill unknown ones, and labels that
    contradict each other become unknown. Near duplicates are in one split (:mod:`affectflow.records.divide`), and
    further rows do not move other images: a row that would tie two splits is left out. With a snapshot that has splits,
    splits and groups are taken from it.
    Labels that a program made are used in the training split only, where people gave none: images that have no others
    go there.

    Args:
        inputs: The tables to join.
        options: How samples are selected and divided.
        samples: The table to write, see :mod:`affectflow.datasets.samples_table`.
        left_out: Table to write of the images and labels that were not used, with reasons.

    Returns:
        Number of samples by split.

    Raises:
        UserError: Where a split is empty.
    """
    rows_left_out: LeftOut = []
    reference = read_snapshot(inputs.snapshot) if inputs.snapshot is not None else None
    images = _images(inputs.labels, inputs.ledger, reference, options.automatic, rows_left_out)
    if inputs.affect is not None:
        _add_affect(images, inputs.affect, rows_left_out)
    division = replace(options.division, has_faces=bool(inputs.faces))
    kept = Assignments.read(inputs.kept, division)
    divided = _rows(list(images.values()), reference, inputs.faces, options, division, kept, rows_left_out)
    rows = _without_automatic(divided, images, rows_left_out)
    if options.on_missing_face != CENTER_CROP:
        faceless = dict.fromkeys(row["sha256"] for row in rows if row["face"] == NO_FACE and row["split"] != "test")
        rows_left_out += ((*where, NO_FACE) for sha256 in faceless for where in images[sha256].rows)
        rows = [row for row in rows if row["sha256"] not in faceless]
    counts = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    for split, count in counts.items():
        if not count and images and all(image.only_automatic for image in images.values()):
            raise UserError(
                "A program made the labels of all tables (data.emotionet.automatic), and these are for training only; "
                "add a table of labels made by hand, or set data.emotionet.automatic to [] to use them everywhere."
            )
        if not count:
            raise UserError(
                f"None of {len(rows)} images is in the {split} split; "
                "raise records.validation_fraction and records.test_fraction, or add images."
            )
    write_csv(left_out, LEFT_OUT_COLUMNS, rows_left_out)
    write_parquet(samples, SAMPLES_SCHEMA, rows)
    if inputs.kept is not None and not (reference is not None and reference.has_splits):
        kept.write(inputs.kept, division)
    return counts


def _rows(
    images: Sequence[_Image],
    reference: Snapshot | None,
    faces: Sequence[Path],
    options: AssemblyOptions,
    division: Division,
    kept: Assignments,
    left_out: LeftOut,
) -> list[dict[str, Any]]:
    """Return the rows of ``SAMPLES_SCHEMA``."""
    face_rows = {row["sha256"]: row for table in faces for row in parquet_rows(table, FACES_SCHEMA)}
    if reference is not None and reference.has_splits:
        known = reference.images()
        places: list[tuple[str, str] | None] = [known[image.sha256] for image in images]
    else:
        looks = [
            Look(image.sha256, image.dhash, face_rows.get(image.sha256, {}).get("face_hash", ""), image.only_automatic)
            for image in images
        ]
        places = divide(looks, division, kept)
    divided = []
    for image, place in zip(images, places, strict=True):
        if place is None:
            left_out += ((*where, TIES) for where in image.rows)
        else:
            divided.append((image, *place))
    return [
        {
            "url": image.url,
            "file_name": image.file_name,
            "sha256": image.sha256,
            "group": group,
            "split": split,
            "shard": _number(image.sha256) % options.shards,
            "units": image.units(split).tolist(),
            "valence": image.affect.get("valence", np.nan),
            "arousal": image.affect.get("arousal", np.nan),
            **(_face(face_rows, image) if faces else face_cells(NOT_LOOKED_FOR)),
        }
        for image, split, group in divided
    ]


def _without_automatic(rows: Sequence[Row], images: Mapping[str, _Image], left_out: LeftOut) -> list[Row]:
    """Leave out the images that only a program labelled of the splits that models are chosen and scored on.

    Labels of programs that are not used are named in ``left_out``, in all splits.
    """
    kept: list[Row] = []
    for row in rows:
        image, split = images[row["sha256"]], row["split"]
        if split != "train":
            left_out += ((*where, f"automatic labels, not used in the {split} split") for where in image.automatic.rows)
        elif (overruled := _contradicts(image.by_hand.values, image.automatic.values)).any():
            named = ", ".join(map(facs.label, (np.flatnonzero(overruled) + 1).tolist()))
            left_out += ((*where, f"{named}: the label made by hand is used") for where in image.automatic.rows)
        if split == "train" or not image.only_automatic:
            kept.append(row)
    return kept


def _images(
    labels: Path, ledger: Path, reference: Snapshot | None, automatic: Sequence[str], left_out: LeftOut
) -> dict[str, _Image]:
    """Return the distinct images by SHA-256, in order of first appearance."""
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
            raise UserError(f"{ledger} lacks the URL {row['url'][:200]!r}; run the download again.")
        if entry["outcome"] not in STORED:
            left_out.append((*where, f"download: {entry['outcome']}"))
            continue
        if reference is not None and entry["sha256"] not in known:
            left_out.append((*where, "another image than in the snapshot"))
            continue
        units = np.array([_unit(row[name]) for name in facs.LABELS], np.int8)
        image = images.get(entry["sha256"])
        if image is None:
            image = _Image(row["url"], entry["file_name"], entry["sha256"], entry["dhash"])
            images[entry["sha256"]] = image
        else:
            left_out.append((*where, f"same image as {image.url}: labels merged"))
        of_program = any(fnmatchcase(row["table"].lower(), pattern.lower()) for pattern in automatic)
        conflicts = (image.automatic if of_program else image.by_hand).add(where, units)
        if conflicts:
            named = ", ".join(map(facs.label, conflicts))
            left_out.append((*where, f"{named} contradicted by another row of the same image: unknown"))
    return images


def _unit(text: str) -> int:
    return facs.UNKNOWN if text == "999" else int(text)


def _contradicts(labels: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.bool_]:
    contradicts: NDArray[np.bool_] = (labels != facs.UNKNOWN) & (others != facs.UNKNOWN) & (labels != others)
    return contradicts


def _add_affect(images: dict[str, _Image], affect: Path, left_out: LeftOut) -> None:
    """Add valence and arousal to the images that were annotated."""
    for row in read_csv(affect, AFFECT_COLUMNS):
        image = images.get(row["image_sha256"])
        if image is None:
            frame = f"{row['annotation_video']}/{row['frame']}"
            left_out.append(("annotation", "", frame, row["url"], "annotated, but no longer in any table"))
        else:
            image.affect = {name: float(row[name]) for name in ("valence", "arousal") if row[name]}


def _face(faces: Mapping[str, Row], image: _Image) -> Row:
    """Return the cells of an image's face; raises :class:`UserError` where the tables of faces lack the image."""
    row = faces.get(image.sha256)
    if row is None:
        raise UserError(f"The tables of faces lack {image.file_name}; run the search for faces again.")
    return {name: row[name] for name, _ in FACE_FIELDS}


def _number(digest: str) -> int:
    """Return the first 64 bits of a hex digest as an integer."""
    return int(digest[:16], 16)
