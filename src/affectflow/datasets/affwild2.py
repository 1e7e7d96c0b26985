"""Aff-Wild2: cropped faces of videos from the web, with valence and arousal in [-1, 1].

Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2", BMVC 2019. Layout::

    VA_Set/Training_Set/NAME.txt    or VA_Estimation_Challenge/Train_Set; header valence,arousal; -5 means unlabelled
    VA_Set/Validation_Set/NAME.txt
    cropped_aligned/NAME/00001.jpg  frame from 1; no file where no face was found

Line n after the header belongs to frame n.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, find_folder, lines_of, number_of, visible
from affectflow.datasets.dataset_info import VALENCE_AROUSAL, DatasetInfo
from affectflow.datasets.sample import Sample
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    from affectflow.datasets.media import Media

_NO_LABEL = -5.0
_LABELS = ("VA_Set", "VA_Estimation_Challenge")
_SIDES = {"train": ("Training_Set", "Train_Set"), "test": ("Validation_Set",)}


class AffWild2(Dataset):
    """Faces of the videos whose labels were released. The official validation set is the split ``test``."""

    name = "affwild2"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        labels = _labels_folder(root)
        faces = find_folder(root, "cropped_aligned")
        if labels is None or faces is None:
            missing = "cropped_aligned" if labels is not None else "VA_Set"
            raise UserError(f"{root} has no folder {missing}; set data.affwild2.root to Aff-Wild2's own folder.")
        self._faces = faces
        self._files: dict[str, Path] = {}
        seen: dict[str, Path] = {}
        for side, spellings in _SIDES.items():
            folder = find_folder(labels, *spellings)
            for path in visible(folder, ".txt") if folder is not None else ():
                if seen.setdefault(path.stem, path) != path:
                    raise UserError(f"{seen[path.stem]} and {path} label the same video; remove one of them.")
                if split in ("all", side):
                    self._files[path.stem] = path
        self._files = dict(sorted(self._files.items()))
        if not self._files:
            raise UserError(f"{labels} holds no annotation of the split {split!r}; expected Training_Set/NAME.txt.")

    def groups(self) -> list[str]:
        return list(self._files)

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        values = _values(self._files[part])
        folder = find_folder(self._faces, part)
        files = visible(folder, ".jpg") if folder is not None else []
        unseen = set(range(1, len(values) + 1))
        from_zero = any(number_of(path) == 0 for path in files)
        for path in files:
            number = number_of(path)
            frame = -1 if number is None else number + from_zero
            if frame not in unseen:
                self.left_out["image without labels"] += 1
                continue
            unseen.remove(frame)
            valence, arousal = values[frame - 1]
            if _NO_LABEL in (valence, arousal):
                self.left_out["image labelled -5 (unlabelled)"] += 1
            elif (image := self._media.image(path, self.left_out)) is not None:
                yield Sample(
                    image=image,
                    dataset=self.name,
                    source=f"{part}/{path.name}",
                    group=part,
                    video=part,
                    frame=frame,
                    valence=valence,
                    arousal=arousal,
                )
        if unseen:
            self.left_out["label without an image"] += len(unseen)


def _labels_folder(root: Path) -> Path | None:
    """Return the folder of labels, which may be in a folder ``Annotations``."""
    labels = find_folder(root, *_LABELS)
    inner = find_folder(root, "Annotations")
    return find_folder(inner, *_LABELS) if labels is None and inner is not None else labels


def _values(path: Path) -> list[tuple[float, float]]:
    """Read valence and arousal by frame."""
    values = []
    with open_text(path) as stream:
        header = [name.strip().lower() for name in next(csv.reader(stream), [])]
        if header != ["valence", "arousal"]:
            raise UserError(f"{path}, line 1: the header is not valence,arousal; fetch the annotation again.")
        for number, line in lines_of(path, stream, first=2):
            try:
                valence, arousal = map(float, line.split(","))
            except ValueError:
                valence = arousal = float("nan")
            if not all(value == _NO_LABEL or -1 <= value <= 1 for value in (valence, arousal)):
                raise UserError(f"{path}, line {number}: {line.strip()[:40]!r} is not two numbers between -1 and 1.")
            values.append((valence, arousal))
    return values


def _recognize(path: Path) -> bool:
    return _labels_folder(path) is not None


INFO = DatasetInfo(
    name="affwild2",
    title="Aff-Wild2",
    heads=frozenset({VALENCE_AROUSAL}),
    media="videos",
    opens=AffWild2,
    recognize=_recognize,
    splits=("all", *_SIDES),
    split_by="the official training and validation sets",
    shares_people_with="affwild",
    shares_videos_with="affwild",
    layout="VA_Set or VA_Estimation_Challenge, cropped_aligned",
    terms="Aff-Wild2 (iBUG, Imperial College London): signed agreement, non-commercial research only",
    citation=(
        'Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2, Multi-Task Learning and '
        'ArcFace", BMVC 2019'
    ),
    where_to_ask='ibug.doc.ic.ac.uk, "Aff-Wild2": a signed agreement',
)
