"""Derive where faces are searched for, and how images without one are handled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectflow.config.models import Faces as FacesSection
from affectflow.core.errors import UserError
from affectflow.datasets import info
from affectflow.faces.detector_file import DETECTOR
from affectflow.plan.data import FOLDERS
from affectflow.plan.followed import followed

_SHIP_FACES = tuple(name for name in FOLDERS if info(name).ships_faces)


class Faces:
    """The section ``faces``."""

    def __init__(self, section: FacesSection) -> None:
        self._section = section
        self.detected = bool(section.detector == "yunet")
        """Whether a detector searches for faces."""

    def table(self, dataset: str) -> str | None:
        """Return the table of a folder's faces; None without a search, or where the samples hold them."""
        sets: dict[str, tuple[str, ...]] = {"yunet": FOLDERS, "dataset": _SHIP_FACES, "none": ()}
        return f"results/faces/{dataset}.parquet" if dataset in sets[self._section.detector] else None

    def table_of_images(self, dataset: str) -> str | None:
        """Return :meth:`table` of a set of images; None for one of videos."""
        return self.table(dataset) if info(dataset).media == "images" else None

    def detector(self) -> str | None:
        """Return the detector's file, None without a detector; raises :class:`UserError` for a missing file."""
        if not self.detected:
            return None
        path = self._section.model.path
        if path is not None and not Path(path).is_file():
            raise UserError(f"{path} does not exist; correct faces.model.path.")
        return followed(path, "faces.model.path") if path else str(DETECTOR)

    def search(self) -> dict[str, Any] | None:
        """Return the settings that decide which faces are found; None without a detector."""
        if not self.detected:
            return None
        return {"sha256": self._section.model.sha256, "min_score": self._section.min_score}

    def alignment(self) -> dict[str, Any]:
        """Return how faces are found for training: the detector, the digest of its file and its score."""
        return {"detector": self._section.detector, **(self.search() or {})}

    def max_gap_s(self, benchmark: str) -> float:
        """Return for how many seconds a lost face keeps its position; 0 without a table of faces."""
        return self._section.max_gap_s if self.table(benchmark) else 0.0

    def on_missing_face(self, dataset: str) -> str | None:
        """Return the handling of training images without a face; None if faces are not searched for."""
        looked_for = self.detected if dataset == "emotionet" else self.table(dataset)
        return self._section.on_missing_face if looked_for else None
