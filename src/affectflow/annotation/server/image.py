"""The images of the batches, and where the server shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_csv


@dataclass(frozen=True, slots=True)
class Image:
    """A frame of a batch."""

    batch: int
    frame: int
    file_name: str
    image_sha256: str

    @property
    def address(self) -> str:
        """Where the server shows it."""
        return f"/image/{self.batch}/{self.frame}/{self.image_sha256}"


def read_images(manifest: Path) -> dict[int, list[Image]]:
    """Those of each batch, in order; raises :class:`UserError` where there is no manifest."""
    if not manifest.is_file():
        raise UserError(f"{manifest} does not exist; run snakemake {manifest} first.")
    found: dict[int, list[Image]] = {}
    for row in read_csv(manifest, MANIFEST_COLUMNS):
        one = Image(int(row["batch"]), int(row["frame"]), row["file_name"], row["image_sha256"])
        found.setdefault(one.batch, []).append(one)
    return found


def images_of(batches: Mapping[int, Sequence[Image]], batch: int) -> Sequence[Image]:
    """Raises :class:`UserError` where there is no such batch."""
    if batch not in batches:
        raise UserError(f"There is no batch {batch}; there are {len(batches)}.")
    return batches[batch]
