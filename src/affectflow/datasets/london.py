"""Face Research Lab London Set: 102 adults, neutral and smiling; AU 12 as a weak label.

DeBruine and Jones, "Face Research Lab London Set" (figshare 2017, doi 10.6084/m9.figshare.5047666), CC BY 4.0. Layout::

    neutral_front/001_03.jpg    as unpacked from neutral_front.zip; folders may be nested
    smiling_front/001_08.jpg
    001_neutral.jpg             or both looks of a person in one folder, under such names

The set has no AU labels. A posed smile counts as AU 12; its intensity and all other AUs are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, folders, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, BENCHMARK, DatasetInfo
from affectflow.datasets.sample import Sample, unknown_units

if TYPE_CHECKING:
    from affectflow.datasets.media import Media

_SMILE = 12
_PERSON = re.compile(r"(\d{3})(?:_(neutral|smiling|\d+))?\.jpg", re.IGNORECASE)
_FOLDERS = {"neutral_front": False, "smiling_front": True}
_LOOKS = {"neutral": False, "smiling": True}


class London(Dataset):
    """Photographs by person, the neutral one first."""

    name = "london"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media, self._root = media, root
        self._photographs: dict[str, dict[bool, Path]] = {}
        for path in _images_below(root):
            match, smiles = _PERSON.fullmatch(path.name), _smiles(path)
            if match is None or smiles is None:
                self.left_out["photograph that is neither neutral nor smiling from the front"] += 1
                continue
            looks = self._photographs.setdefault(match[1], {})
            if smiles in looks:
                raise UserError(f"{looks[smiles]} and {path} are the same look of one person; remove one.")
            looks[smiles] = path
        if not self._photographs:
            raise UserError(f"{root} holds no photograph such as neutral_front/001_03.jpg; unpack the set's archives.")

    def groups(self) -> list[str]:
        return sorted(self._photographs)

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        for smiles, path in sorted(self._photographs[part].items()):
            units = unknown_units()
            units[_SMILE - 1] = facs.PRESENT if smiles else facs.ABSENT
            if (image := self._media.image(path, self.left_out)) is not None:
                source = path.relative_to(self._root).as_posix()
                yield Sample(image=image, dataset=self.name, source=source, group=part, subject=part, units=units)


def _images_below(folder: Path) -> Iterator[Path]:
    yield from visible(folder, ".jpg")
    for inner in folders(folder):
        yield from _images_below(inner)


def _smiles(path: Path) -> bool | None:
    """Return whether a photograph is of a smile; None for other ones, such as profiles."""
    match = _PERSON.fullmatch(path.name)
    if match is not None and match[2] and (look := match[2].lower()) in _LOOKS:
        return _LOOKS[look]
    return _FOLDERS.get(path.parent.name.lower())


def _recognize(path: Path) -> bool:
    if not path.is_dir():
        return False
    names = {folder.name.lower() for folder in path.iterdir() if folder.is_dir()}
    looks = {match[2] for file in path.glob("*_*.jpg") if (match := _PERSON.fullmatch(file.name))}
    return names >= set(_FOLDERS) or looks >= set(_LOOKS)


INFO = DatasetInfo(
    name="london",
    title="Face Research Lab London Set",
    heads=frozenset({ACTION_UNITS}),
    media="images",
    opens=London,
    recognize=_recognize,
    splits=("all",),
    uses=(BENCHMARK,),
    fetched_from="https://ndownloader.figshare.com",
    open_to_drawn=True,
    layout="neutral_front/001_03.jpg and smiling_front/001_08.jpg",
    terms="Face Research Lab London Set: CC BY 4.0, name DeBruine and Jones",
    citation='DeBruine and Jones, "Face Research Lab London Set", figshare 2017, doi 10.6084/m9.figshare.5047666',
    where_to_ask="figshare, doi 10.6084/m9.figshare.5047666: anyone",
)
