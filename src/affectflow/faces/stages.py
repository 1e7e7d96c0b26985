"""Stages that find faces."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage

_DECIDES = ("faces", "datasets", "download", "facs", "media")


@stage()
def fetch_detector(
    model: Output,
    url: Annotated[str, Setting("faces.model.url")],
    sha256: Annotated[str, Setting("faces.model.sha256")],
) -> None:
    """Fetch the face detector's file and check its SHA-256.

    Args:
        model: The detector's file.
        url: Where the file is published.
        sha256: SHA-256 that the file must have, in hex.
    """
    from affectflow.core.fetch import fetch_file

    fetch_file(url, "sha256", sha256, otherwise="set faces.model.path to its path", out=model)


@stage(*_DECIDES)
def find_faces(
    ledger: Path,
    model: Path,
    faces: Output,
    part: int,
    images: Path,
    state: Path,
    parts: Annotated[int, Setting("download.partitions")],
    sha256: Annotated[str, Setting("faces.model.sha256")],
    min_score: Annotated[float, Setting("faces.min_score")],
    threads: int = 1,
) -> str:
    """Find the faces in one part of the downloaded images.

    Args:
        ledger: The download's ledger.
        model: The detector's file.
        faces: Table of the faces.
        part: Number of the part, from 0.
        images: Folder of the image store.
        state: Folder of faces found before, by the same detector and settings.
    """
    from affectflow.faces.find import Search, find_downloaded_faces

    search = Search(model, sha256, min_score)
    return _counted(
        find_downloaded_faces(
            ledger,
            images=images,
            part=part,
            parts=parts,
            search=search,
            state=state,
            processes=threads,
            out=faces,
        )
    )


@stage(*_DECIDES)
def find_dataset_faces(
    dataset: str,
    root: Path,
    faces: Output,
    sha256: Annotated[str | None, Setting("faces.model.sha256")],
    min_score: Annotated[float | None, Setting("faces.min_score")],
    split: str = "all",
    model: Path | None = None,
    state: Path | None = None,
    threads: int = 1,
) -> str:
    """Find the faces in a data set, or take those that it ships.

    Args:
        dataset: Name of the data set.
        root: Folder of the data set.
        faces: Table of the faces.
        split: Split of the data set.
        model: The detector's file; without it, the boxes that the data set ships are taken.
        state: Folder of faces found before, so that only new videos and images are searched.
    """
    from affectflow.faces.find import Search
    from affectflow.faces.find import find_dataset_faces as find

    search = None
    if model is not None and sha256 is not None and min_score is not None:
        search = Search(model, sha256, min_score)
    return _counted(find(dataset, root, split, search, processes=threads, out=faces, state=state))


def _counted(counts: Counter[str]) -> str:
    return "\n".join(f"{count} images: {outcome or 'not searched'}" for outcome, count in counts.most_common())
