"""DISFA+: posed expressions of some of DISFA's subjects as images; intensity 0 to 5 of 12 AUs.

Mavadati, Sanger and Mahoor, "Extended DISFA Dataset", CVPR Workshops 2016. Layout, in one tree or in
separate trees ``Images`` and ``Labels``::

    SN001/A7_AU5z_TrailNo_2/046.jpg
    SN001/A7_AU5z_TrailNo_2/AU5.txt     two header lines, then image and intensity, separated by blanks
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, check_case, files_below, find_folder, folders, number_of, side_of, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, DatasetInfo
from affectflow.datasets.disfa_labels import FOLDS, occurrence
from affectflow.datasets.sample import Sample, unknown_intensities
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.media import Media

_HEADER_LINES = 2
_LABELS = re.compile(r"au(\d+)\.txt", re.IGNORECASE)


class DisfaPlus(Dataset):
    """Images by subject and trial. No standard split is published; ``train`` and ``test`` divide the subjects.

    ``all-fold1`` and ``train-fold1`` (so for the other folds) leave out the people whom DISFA's fold 1 tests.
    """

    name = "disfaplus"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        self._labels, self._images = find_folder(root, "Labels") or root, find_folder(root, "Images") or root
        check_case(folders(self._labels))
        for subject in folders(self._labels):
            check_case(folders(subject))
        self._trials: dict[str, Path | None] = {
            f"{subject.name}/{trial.name}": trial
            for subject in folders(self._labels)
            for trial in folders(subject)
            if _has_labels(trial)
        }
        if not self._trials:
            raise UserError(f"{root} holds no trial with labels; expected SN001/A1_AU1_TrailNo_1/AU1.txt and so on.")
        labelled = {part.lower() for part in self._trials}
        for subject in folders(self._images):
            names = (f"{subject.name}/{trial.name}" for trial in folders(subject))
            self._trials |= {name: None for name in names if name.lower() not in labelled}
        side, _, fold = split.partition("-fold")
        if side != "all":
            self._keep(lambda subject: side_of(self.name, subject) == side)
        if fold:
            before = self._trials
            self._keep(lambda subject: subject not in FOLDS.parts[int(fold)])
            for part in before.keys() - self._trials.keys():
                self.left_out[f"person whom fold {fold} of DISFA tests"] += len(self._files_of(*part.split("/")))
            if not self.groups():
                raise UserError(f"Fold {fold} of DISFA tests all people of {root}; leave disfaplus out of train_on.")
        if not self.groups():
            raise UserError(f"{root} holds no labelled subject of the split {split!r}; use the set as a whole.")

    def _keep(self, wanted: Callable[[str], bool]) -> None:
        """Keep the trials of some subjects, whose names are in capitals."""
        self._trials = {part: folder for part, folder in self._trials.items() if wanted(part.partition("/")[0].upper())}

    def groups(self) -> list[str]:
        return sorted({part.partition("/")[0] for part, folder in self._trials.items() if folder is not None})

    def parts(self) -> list[str]:
        return list(self._trials)

    def samples_of(self, part: str) -> Iterator[Sample]:
        subject, _, trial = part.partition("/")
        folder = self._trials[part]
        labels = _read_intensities(folder) if folder is not None else {}
        images = self._files_of(subject, trial)
        if unlabelled := len(images.keys() - labels.keys()):
            self.left_out["image without labels"] += unlabelled
        for name, intensities in sorted(labels.items()):
            path = images.get(name)
            if path is None:
                self.left_out["label without an image"] += 1
            elif (image := self._media.image(path, self.left_out)) is not None:
                yield Sample(
                    image=image,
                    dataset=self.name,
                    source=f"{part}/{path.name}",
                    group=subject,
                    subject=subject,
                    video=trial,
                    frame=0 if (number := number_of(path)) is None else number + 1,
                    units=occurrence(intensities),
                    intensities=intensities,
                )

    def _files_of(self, subject: str, trial: str) -> dict[str, Path]:
        """Return the images of a trial by file name in lower case."""
        return {path.name.lower(): path for path in files_below(self._images, subject, trial, ending=".jpg")}


def _has_labels(trial: Path) -> bool:
    return any(_LABELS.fullmatch(path.name) for path in visible(trial, ".txt"))


def _read_intensities(trial: Path) -> dict[str, NDArray[np.float32]]:
    """Read the intensities of a trial, float32 [60] by image; NaN where an AU has no label."""
    import numpy as np

    found: dict[str, NDArray[np.float32]] = {}
    for path in visible(trial, ".txt"):
        match = _LABELS.fullmatch(path.name)
        if match is None or not 1 <= int(match[1]) <= facs.COUNT:
            continue
        with open_text(path) as stream:
            for number, line in enumerate(stream, start=1):
                if number <= _HEADER_LINES:
                    if _is_label(line):
                        raise UserError(
                            f"{path}, line {number}: a label in place of a header; put two header lines first."
                        )
                elif line.strip():
                    name, intensity = _parse(path, number, line)
                    row = found.setdefault(name.lower(), unknown_intensities())
                    if not np.isnan(row[int(match[1]) - 1]):
                        raise UserError(
                            f"{path}, line {number}: {name[:40]!r} already has this AU; remove one of the lines."
                        )
                    row[int(match[1]) - 1] = intensity
    return found


def _parse(path: Path, number: int, line: str) -> tuple[str, float]:
    try:
        name, text = line.split()
        intensity = float(text)
    except ValueError:
        name, intensity = "", -1.0
    if not 0 <= intensity <= 5:
        raise UserError(
            f"{path}, line {number}: {line.strip()[:40]!r} is not an image and an intensity from 0 to 5; correct it."
        )
    return name, intensity


def _is_label(line: str) -> bool:
    words = line.split()
    return len(words) == 2 and words[0].lower().endswith(".jpg")


def _recognize(path: Path) -> bool:
    labels = find_folder(path, "Labels") or path
    return any(_has_labels(trial) for subject in folders(labels) for trial in folders(subject))


INFO = DatasetInfo(
    name="disfaplus",
    title="DISFA+",
    heads=frozenset({ACTION_UNITS, INTENSITIES}),
    media="videos",
    opens=DisfaPlus,
    recognize=_recognize,
    splits=("all", "train", "test", *(f"{side}-fold{fold}" for fold in FOLDS.parts for side in ("all", "train"))),
    split_by="subject",
    shares_people_with="disfa",
    without_folds=tuple(FOLDS.parts),
    layout="SN001/A1_AU1_TrailNo_1 and so on, or Images and Labels",
    terms="DISFA+ (Mahoor, University of Denver): signed agreement, research only",
    citation='Mavadati, Sanger and Mahoor, "Extended DISFA Dataset", CVPR Workshops 2016',
    where_to_ask='mohammadmahoor.com, "DISFA": a request by a faculty member',
)
