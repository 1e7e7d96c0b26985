"""BP4D-Spontaneous: 41 people in eight tasks, with AUs in the frames of highest activity.

Zhang et al., "BP4D-Spontaneous: a high-resolution spontaneous 3D dynamic facial expression database", Image and Vision
Computing 32(10), 2014. Layout::

    AUCoding/AU_OCC/F001_T1.csv     frame, then a column for each AU; 1 present, 0 absent, 9 not coded
    BP4D-training/F001/T1/2440.jpg  or Sequences(2D+3D), 2D+3D, or none of these; any number of leading zeros

The header is a row of numbers, 0 for the frame, then the AUs. An image belongs to the row whose frame it is named
after, as in the lists of JAA-Net and ME-GraphAU.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, by_name, files_below, find_folder, number_of, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, BENCHMARK, DatasetInfo
from affectflow.datasets.folds import Folds
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.media import Media

_FOLDS = Folds.read("BP4D", Path(__file__).with_name("bp4d_folds.csv"))
_TABLE = re.compile(r"([FM]\d+)_(T\d+)", re.IGNORECASE)
_IMAGES = ("BP4D-training", "Sequences(2D+3D)", "2D+3D")
_LABELS = {"0": facs.ABSENT, "1": facs.PRESENT, "9": facs.UNKNOWN}


class Bp4d(Dataset):
    """The coded frames of the 2D images, by person and task."""

    name = "bp4d"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        tables = _tables(root)
        if not tables:
            raise UserError(
                f"{root} has no AUCoding/AU_OCC with tables such as F001_T1.csv; set data.bp4d.root to BP4D's own "
                "folder."
            )
        self._images = next((folder for name in _IMAGES if (folder := find_folder(root, name))), root)
        wanted = _FOLDS.subjects_of(split)
        self._tables = {
            part: path for part, path in tables.items() if wanted is None or part.partition("_")[0].upper() in wanted
        }
        if not self._tables:
            raise UserError(f"{root} holds no subject of {split!r}; expected tables such as F001_T1.csv.")

    def groups(self) -> list[str]:
        return sorted({part.partition("_")[0] for part in self._tables})

    def parts(self) -> list[str]:
        return list(self._tables)

    def samples_of(self, part: str) -> Iterator[Sample]:
        subject, _, task = part.partition("_")
        labels = _read_labels(self._tables[part])
        images = self._images_of(subject, task)
        if images and (unlabelled := len(images.keys() - labels.keys())):
            self.left_out["image that is not coded"] += unlabelled
        for frame, units in sorted(labels.items()):
            path = images.get(frame)
            if path is None:
                self.left_out["label without an image"] += 1
            elif not (units != facs.UNKNOWN).any():
                self.left_out["image of which no AU is coded"] += 1
            elif (image := self._media.image(path, self.left_out)) is not None:
                yield Sample(
                    image=image,
                    dataset=self.name,
                    source=f"{part}/{path.name}",
                    group=subject,
                    subject=subject,
                    video=part,
                    frame=frame + (0 in labels),  # of a task that is counted from 0
                    units=units,
                )

    def _images_of(self, subject: str, task: str) -> Mapping[int, Path]:
        """Return the images of a person and task by the number in their names."""
        found: dict[int, Path] = {}
        for path in files_below(self._images, subject, task, ending=".jpg"):
            number = number_of(path)
            if number is not None and found.setdefault(number, path) != path:
                raise UserError(f"{found[number]} and {path} belong to the same frame; remove one of them.")
        return found


def _tables(root: Path) -> dict[str, Path]:
    """Return the tables of labels by person and task, such as ``F001_T1``."""
    folder = find_folder(root, "AUCoding")
    if folder is None:
        return {}
    inner = find_folder(folder, "AU_OCC", "AUCoding") or folder
    return {name: path for name, path in by_name(visible(inner, ".csv"), ".csv").items() if _TABLE.fullmatch(name)}


def _read_labels(path: Path) -> dict[int, NDArray[np.int8]]:
    """Read the AUs of each coded frame, int8 [60]; raises :class:`UserError` for a malformed table."""
    found: dict[int, NDArray[np.int8]] = {}
    with open_text(path) as stream:
        reader = csv.reader(stream)
        header = [name.strip() for name in next(reader, [])]
        units = [_unit(name) for name in header[1:]]
        if _unit(header[0] if header else "") is not None or not any(units):
            raise UserError(f"{path}, line 1: the header is not 0 for the frame and then AUs; fetch the table again.")
        named = [unit for unit in units if unit is not None]
        if twice := next((unit for unit in named if named.count(unit) > 1), None):
            raise UserError(f"{path}, line 1: AU{twice} has two columns; fetch the table again.")
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header) or not cells[0].strip().isdecimal():
                raise UserError(f"{where}: expected a frame and {len(units)} values; fetch the table again.")
            row, frame = unknown_units(), int(cells[0])
            for unit, cell in zip(units, cells[1:], strict=True):
                if unit is not None and (label := _LABELS.get(cell.strip())) is not None:
                    row[unit - 1] = label
                elif unit is not None:
                    raise UserError(f"{where}: AU{unit} is {cell[:20]!r}, not 0, 1 or 9; fetch the table again.")
            if frame in found:
                raise UserError(f"{where}: frame {frame} occurs twice; remove one of its lines.")
            found[frame] = row
    return found


def _unit(name: str) -> int | None:
    """Return the AU that a column is named after, ``12`` or ``AU12``; None for another column."""
    return facs.parse_label(f"AU{name}" if name.isdecimal() else name)


def _recognize(path: Path) -> bool:
    return bool(_tables(path))


INFO = DatasetInfo(
    name="bp4d",
    title="BP4D",
    heads=frozenset({ACTION_UNITS}),
    media="videos",
    opens=Bp4d,
    recognize=_recognize,
    splits=_FOLDS.splits,
    uses=(BENCHMARK,),
    folds=tuple(_FOLDS.parts),
    subjects_of=_FOLDS.subjects_of,
    layout="AUCoding/AU_OCC, BP4D-training or Sequences(2D+3D)",
    terms="BP4D-Spontaneous (Binghamton University and University of Pittsburgh): signed agreement, research only",
    citation=(
        'Zhang et al., "BP4D-Spontaneous: a high-resolution spontaneous 3D dynamic facial expression database", Image '
        "and Vision Computing 32(10), 2014"
    ),
    where_to_ask='cs.binghamton.edu, "BP4D-Spontaneous": a signed agreement of the institution',
)
