"""Aff-Wild2: cropped faces of videos from the web, with valence and arousal in [-1, 1].

Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2", BMVC 2019. Layout::

    VA_Set/Training_Set/NAME.txt        or VA_Estimation_Challenge/Train_Set; a header valence,arousal; -5 is no label
    VA_Set/Validation_Set/NAME.txt
    cropped_aligned/NAME/00001.jpg      frame from 1; missing where no face was found

Line n after the header belongs to frame n.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, find_folder, lines_of, number_of, visible
from affectflow.datasets.media import Media
from affectflow.datasets.sample import Sample
from affectflow.tables.csv_files import open_text

_NO_LABEL = -5.0
_SIDES = {"train": ("Training_Set", "Train_Set"), "test": ("Validation_Set",)}


class AffWild2(Dataset):
    """Faces of the videos whose labels were released; the official validation set is the test side."""

    name = "affwild2"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        labels = find_folder(root, "VA_Set", "VA_Estimation_Challenge")
        inner = find_folder(root, "Annotations")
        if labels is None and inner is not None:
            labels = find_folder(inner, "VA_Set", "VA_Estimation_Challenge")
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
        for path in files:
            frame = number_of(path)
            if frame not in unseen:
                self.left_out["image without labels"] += 1
                continue
            unseen.remove(frame)
            valence, arousal = values[frame - 1]
            if _NO_LABEL in (valence, arousal):
                self.left_out["image labelled -5, which is no label"] += 1
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


def open_dataset(root: Path, split: str, media: Media) -> AffWild2:
    """``split`` is ``all``, ``train`` or ``test``."""
    if split not in ("all", *_SIDES):
        raise UserError(f"Aff-Wild2 has no split {split!r}; known are all, train and test.")
    return AffWild2(root, split, media)


def _values(path: Path) -> list[tuple[float, float]]:
    values = []
    with open_text(path) as stream:
        header = [name.strip().lower() for name in next(csv.reader(stream), [])]
        if header != ["valence", "arousal"]:
            raise UserError(f"{path}, line 1: the header is not valence,arousal; it is no annotation of Aff-Wild2.")
        for number, line in lines_of(path, stream, first=2):
            try:
                valence, arousal = map(float, line.split(","))
            except ValueError:
                valence = arousal = float("nan")
            if not all(value == _NO_LABEL or -1 <= value <= 1 for value in (valence, arousal)):
                raise UserError(f"{path}, line {number}: {line.strip()[:40]!r} is not two values between -1 and 1.")
            values.append((valence, arousal))
    return values
