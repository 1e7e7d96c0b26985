"""``results/study.json``: whose data the results are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from affectflow.contracts.json_file import JsonFile


class StudyFile(JsonFile):
    """What results are made from, ``results/study.json``: data of another kind or place is refused there."""

    remedy: ClassVar[str] = "keep the results elsewhere and start in an empty folder, or delete that file"
    schema_version: Literal[1] = 1
    data: Literal["drawn", "real"]
    """Drawn by affectflow, or real."""
    roots: Mapping[str, Sequence[str]]
    """Folder, or tables, of each data set that was ever used; relative to the folder that holds ``results``."""
