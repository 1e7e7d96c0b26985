"""Aff-Wild2: cropped faces of videos from the web, with valence and arousal in [-1, 1], 12 AUs and 8 expressions.

Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2", BMVC 2019. Layout::

    VA_Set/Training_Set/NAME.txt    or VA_Estimation_Challenge/Train_Set; header valence,arousal; -5 means unlabelled
    VA_Set/Validation_Set/NAME.txt
    AU_Set/Training_Set/NAME.txt    or AU_Detection_Challenge/Train_Set; header AU1,AU2,...; -1 means unlabelled
    AU_Set/Validation_Set/NAME.txt
    EXPR_Set/Training_Set/NAME.txt  or EXPR_Classification_Challenge, EXPR_Recognition_Challenge; header Neutral,...,
    EXPR_Set/Validation_Set/NAME.txt    then the place of the expression in it from 0; -1 means unlabelled
    cropped_aligned/NAME/00001.jpg  frame from 1; no file where no face was found

Line n after the header belongs to frame n. The sets of labels divide the videos differently.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, files_below, find_folder, folders, has_zero, lines_of, number_of, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, EXPRESSION, VALENCE_AROUSAL, DatasetInfo
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.facs.emotions import EXPRESSIONS, parse_expression
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    from affectflow.datasets.media import Media

_NO_AFFECT, _NO_UNIT, _NO_EXPRESSION = -5.0, -1.0, "-1"
_FOLDERS = {
    VALENCE_AROUSAL: ("VA_Set", "VA_Estimation_Challenge"),
    ACTION_UNITS: ("AU_Set", "AU_Detection_Challenge"),
    EXPRESSION: ("EXPR_Set", "EXPR_Classification_Challenge", "EXPR_Recognition_Challenge"),
}
_SIDES = {"train": ("Training_Set", "Train_Set"), "test": ("Validation_Set",)}
_UNKNOWN = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels of a video: valence and arousal, AUs and expressions, of each frame from the first."""

    affect: Sequence[tuple[float, float]] = ()
    units: Sequence[Mapping[int, int]] = ()
    expressions: Sequence[Mapping[str, int]] = ()

    def __len__(self) -> int:
        return max(map(len, (self.affect, self.units, self.expressions)))

    def of(self, frame: int) -> tuple[tuple[float, float], Mapping[int, int], Mapping[str, int]]:
        """Return valence and arousal, NaN where unknown, the known AUs and the expressions of a frame from 1."""
        affect = self.affect[frame - 1] if frame <= len(self.affect) else _UNKNOWN
        units = self.units[frame - 1] if frame <= len(self.units) else {}
        return affect, units, self.expressions[frame - 1] if frame <= len(self.expressions) else {}


class AffWild2(Dataset):
    """Faces of the videos whose labels were released.

    The official validation sets are the split ``test``. A video that is in the validation set of one kind of labels is
    not in the split ``train``, whatever set of another kind it is in.
    """

    name = "affwild2"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        labels = _label_folders(root)
        faces = find_folder(root, "cropped_aligned")
        if not labels or faces is None:
            missing = "cropped_aligned" if labels else "VA_Set"
            raise UserError(f"{root} has no folder {missing}; set data.affwild2.root to Aff-Wild2's own folder.")
        self._faces = faces
        self._files: dict[str, dict[str, Path]] = defaultdict(dict)
        tested: set[str] = set()
        for kind, folder in labels.items():
            for side, files in _sides(folder).items():
                tested.update(files if side == "test" else ())
                for name, path in files.items() if split in ("all", side) else ():
                    self._files[name][kind] = path
        both = tested & self._files.keys() if split == "train" else set()
        if both:
            self.left_out["video of another kind of labels' validation set"] += len(both)
        self._files = {name: self._files[name] for name in sorted(self._files.keys() - both)}
        shown: dict[Path, str] = {}
        for name in self._files:
            own = find_folder(faces, name)
            if own is not None and (other := shown.setdefault(own, name)) != name:
                raise UserError(f"The annotations {other} and {name} are both of {own}; rename one of them.")
        if not self._files:
            folder = next(iter(labels.values()))
            raise UserError(f"{folder} holds no annotation of the split {split!r}; expected Training_Set/NAME.txt.")

    def groups(self) -> list[str]:
        return list(self._files)

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        for sample in self.labelled_of(part):
            if _has_image(sample):
                yield sample
            else:
                self.left_out["label without an image"] += 1

    def labelled_of(self, part: str) -> Iterator[Sample]:
        from affectflow.media.pixels import NoImage

        files = self._files[part]
        labels = _Labels(
            _affect(files[VALENCE_AROUSAL]) if VALENCE_AROUSAL in files else (),
            _units(files[ACTION_UNITS]) if ACTION_UNITS in files else (),
            _expressions(files[EXPRESSION]) if EXPRESSION in files else (),
        )
        images = self._images_of(part, len(labels))
        for frame in range(1, len(labels) + 1):
            (valence, arousal), known, expressions = labels.of(frame)
            path = images.get(frame)
            if math.isnan(valence) and math.isnan(arousal) and not known and not expressions:
                if path is not None:
                    self.left_out["image without labels (-5, -1)"] += 1
                continue
            image = NoImage() if path is None else self._media.image(path, self.left_out)
            if image is None:  # damaged, which is counted
                continue
            units = unknown_units()
            for unit, value in known.items():
                units[unit - 1] = value
            yield Sample(
                image=image,
                dataset=self.name,
                source=f"{part}/{frame:05d}.jpg" if path is None else f"{part}/{path.name}",
                group=part,
                video=part,
                frame=frame,
                units=units,
                valence=valence,
                arousal=arousal,
                other=expressions,
            )

    @cached_property
    def _from_zero(self) -> bool:
        """Whether images are counted from 0: where one of any video is 0."""
        return has_zero(self._faces, ".jpg")

    def _images_of(self, part: str, frames: int) -> dict[int, Path]:
        """Return the images of a video by frame from 1, and count those without a label."""
        from_zero = self._from_zero
        found: dict[int, Path] = {}
        for path in files_below(self._faces, part, ending=".jpg"):
            number = number_of(path)
            frame = -1 if number is None else number + from_zero
            if not 1 <= frame <= frames or frame in found:
                self.left_out["image without labels"] += 1
            else:
                found[frame] = path
        return found


def _has_image(sample: Sample) -> bool:
    from affectflow.media.pixels import NoImage

    return not isinstance(sample.image, NoImage)


def _label_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each kind of labels that is there; they may be in one such as ``6th ABAW Annotations``."""
    outer = [root, *_annotations(root)]
    places = [*outer, *(inner for folder in outer[1:] for inner in _annotations(folder))]
    found: dict[str, Path] = {}
    for kind, spellings in _FOLDERS.items():
        there = [one for place in places for name in spellings if (one := find_folder(place, name))]
        if len(there) > 1:
            raise UserError(f"{there[0]} and {there[1]} hold labels of one kind; keep one of them in {root}.")
        if there:
            found[kind] = there[0]
    return found


def _annotations(folder: Path) -> list[Path]:
    return [inner for inner in folders(folder) if "annotation" in inner.name.lower()]


def _sides(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the annotations of each side by video; raises :class:`UserError` where a video is on both."""
    found: dict[str, dict[str, Path]] = {}
    seen: dict[str, Path] = {}
    for side, spellings in _SIDES.items():
        found[side] = {}
        for inner in filter(None, (find_folder(folder, spelling) for spelling in spellings)):
            for path in visible(inner, ".txt"):
                if seen.setdefault(path.stem, path) != path:
                    raise UserError(f"{seen[path.stem]} and {path} label the same video; remove one of them.")
                found[side][path.stem] = path
    return found


def _affect(path: Path) -> list[tuple[float, float]]:
    """Read valence and arousal by frame, NaN where a frame has no labels."""
    found = []
    for number, (valence, arousal) in _rows(path, ["valence", "arousal"]):
        if _NO_AFFECT in (valence, arousal):
            found.append(_UNKNOWN)
        elif -1 <= valence <= 1 and -1 <= arousal <= 1:
            found.append((valence, arousal))
        else:
            raise UserError(f"{path}, line {number}: {valence:g},{arousal:g} is not two numbers between -1 and 1.")
    return found


def _units(path: Path) -> list[dict[int, int]]:
    """Read the known AUs of each frame."""
    with open_text(path) as stream:
        header = next(csv.reader(stream), [])
    units = [facs.parse_label(name) for name in header]
    if not units or None in units or len(set(units)) < len(units):
        raise UserError(f"{path}, line 1: the header is not AU1,AU2,...; fetch the annotation again.")
    found = []
    for number, values in _rows(path, [name.strip().lower() for name in header]):
        if not set(values) <= {0.0, 1.0, _NO_UNIT}:
            raise UserError(f"{path}, line {number}: the values are not 0, 1 or -1; fetch the annotation again.")
        found.append({unit: int(v) for unit, v in zip(units, values, strict=True) if unit and v != _NO_UNIT})
    return found


def _expressions(path: Path) -> list[dict[str, int]]:
    """Read which of the expressions each frame shows, 1 or 0 by expression; nothing where it is not labelled."""
    found: list[dict[str, int]] = []
    with open_text(path) as stream:
        header = [name.strip() for name in next(csv.reader(stream), [])]
        try:
            names = [parse_expression(name) for name in header if not name.isdecimal()]
        except ValueError:
            names = []
        if not names or len(set(names)) < len(header):
            raise UserError(f"{path}, line 1: the header is not Neutral,Anger,...; fetch the annotation again.")
        for number, line in lines_of(path, stream, first=2):
            code = line.strip().removesuffix(".0")
            if code == _NO_EXPRESSION:
                found.append({})
            elif code.isdecimal() and int(code) < len(names):
                found.append({name: int(name == names[int(code)]) for name in EXPRESSIONS})
            else:
                raise UserError(f"{path}, line {number}: {code[:40]!r} is not -1 or a number below {len(names)}.")
    return found


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[float]]]:
    """Yield the number and the values of each line below the header."""
    with open_text(path) as stream:
        header = [name.strip().lower() for name in next(csv.reader(stream), [])]
        if header != list(columns):
            raise UserError(f"{path}, line 1: the header is not {','.join(columns)}; fetch the annotation again.")
        for number, line in lines_of(path, stream, first=2):
            try:
                values = [float(cell) for cell in line.split(",")]
            except ValueError:
                values = []
            if len(values) != len(columns) or any(map(math.isnan, values)):
                raise UserError(f"{path}, line {number}: {line.strip()[:40]!r} is not {len(columns)} numbers.")
            yield number, values


def _heads_of(root: Path, split: str) -> frozenset[str]:
    """Return the kinds of labels that have a file in a split."""
    sides = {kind: _sides(folder) for kind, folder in _label_folders(root).items()}
    return frozenset(
        kind
        for kind, by_side in sides.items()
        if any(files for side, files in by_side.items() if split in ("all", side))
    )


def _recognize(path: Path) -> bool:
    return bool(_label_folders(path))


INFO = DatasetInfo(
    name="affwild2",
    title="Aff-Wild2",
    heads=frozenset({VALENCE_AROUSAL, ACTION_UNITS}),
    heads_of=_heads_of,
    media="videos",
    opens=AffWild2,
    recognize=_recognize,
    splits=("all", *_SIDES),
    split_by="the official training and validation sets",
    shares_people_with="affwild",
    shares_videos_with="affwild",
    layout="VA_Set, AU_Set or EXPR_Set, and cropped_aligned",
    terms="Aff-Wild2 (iBUG, Imperial College London): signed agreement, non-commercial research only",
    citation=(
        'Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2, Multi-Task Learning and '
        'ArcFace", BMVC 2019'
    ),
    where_to_ask='ibug.doc.ic.ac.uk, "Aff-Wild2": a signed agreement',
)
