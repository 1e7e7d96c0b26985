"""AM-FED: webcam videos of people watching advertisements, labelled by several FACS coders.

McDuff et al., "Affectiva-MIT Facial Expression Dataset (AM-FED)", CVPR Workshops 2013. Layout::

    AU Labels/<id>-label.csv     Time (seconds), then the percentage of coders who saw each label
    Video - AVI/<id>.avi         or Videos - FLV/<id>.flv
    Landmark Points/<id>-landmarks.txt   a row of x,y pairs for each frame, all zero where the tracker failed

Rows are change points: a row holds until the next ``Time``. Columns differ from file to file; a label whose column a
file lacks is unknown in its video. So is an AU that its own column has for few coders or none while another one has it
on one side (``Unilateral_LAU14``) or in a negative expression (``negAU12``).
"""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import MAX_LEFT_OVER, Dataset, by_name, find, find_folder, lines_of, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, BENCHMARK, DatasetInfo
from affectflow.datasets.face import Face, face_of_landmarks
from affectflow.datasets.sample import PERCENT, Sample, unknown_units
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.media import Media

SMILE, TRACKER_FAILED = "Smile", "Trackerfail"
_ENDING = "-label.csv"
_LABELS = ("AU Labels", "AULabels")
_VIDEOS = ("Video - AVI", "Videos - AVI", "Videos - FLV", "Video - FLV", "Videos - FLV (labeled)")
_VIDEO_FILES = (".avi", ".flv", ".mp4")
_OTHER_UNIT = 20
"""Labels that end so many times later than their video are not in seconds."""
_ALIASES = {"57": 57, "forward": 57, "58": 58, "backward": 58}
_PARTIAL = re.compile(r"(?:neg|unilateral_[lr]?)_?(AU\d+)", re.IGNORECASE)
"""An AU on one side only, or in a negative expression: not the AU, but not its absence either."""
_SIDED = re.compile(r"(neg|unilateral)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _ChangePoint:
    """The percentage of coders who saw each label from ``time`` (seconds) on."""

    time: float
    percent: dict[str, float]


class AmFed(Dataset):
    """Frames at the container's own times. Labels are positive from 50 % of the coders, negative at 0 %, else unknown.

    There is no standard split.
    """

    name = "amfed"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        labels = find_folder(root, *_LABELS)
        if labels is None:
            raise UserError(f"{root} has no folder AU Labels; set data.amfed.root to AM-FED's own folder.")
        self._labels = by_name(visible(labels, _ENDING), _ENDING)
        if not self._labels:
            raise UserError(f"{labels} holds no label file; expected <id>-label.csv.")
        self._landmarks = find_folder(root, "Landmark Points", "Landmark Points (labeled videos)")
        self._videos = [folder for name in _VIDEOS if (folder := find_folder(root, name)) is not None]
        labeled = {name.lower() for name in self._labels}
        files = (path for folder in self._videos for ending in _VIDEO_FILES for path in visible(folder, ending))
        if without := {path.stem.lower() for path in files} - labeled:
            self.left_out["video without labels"] += len(without)

    def groups(self) -> list[str]:
        return list(self._labels)

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        points = _change_points(self._labels[part])
        if not points:
            self.left_out["video with an empty label file"] += 1
            return
        times = [point.time for point in points]
        video = self._video_of(part)
        if times[-1] > _OTHER_UNIT * (end := self._media.end(video)) > 0:
            self._media.report(
                f"{self._labels[part]} ends at {times[-1]:g} s and {video.name} at {end:.1f} s, so that its times are "
                "in another unit, or of another video, and it is left out; correct the column Time."
            )
            self.left_out["frame of a video whose labels end long after it"] += self._media.length(video)
            return
        for index, time, image in self._media.frames(video, self.left_out):
            if math.isnan(time):
                self.left_out["frame without a time stamp"] += 1
                continue
            position = bisect_right(times, time + 1e-6) - 1
            if position < 0:
                self.left_out["frame before the first label"] += 1
                continue
            percent = points[position].percent
            yield Sample(
                image=image,
                dataset=self.name,
                source=f"{part}/{index}",
                group=part,
                video=part,
                frame=index,
                time=time,
                units=_units(percent),
                other=_others(percent),
            )

    def faces_of(self, part: str) -> dict[int, Face] | None:
        """Return boxes around the landmarks, whose scheme is not published."""
        if self._landmarks is None:
            return None
        path = find(self._landmarks, f"{part}-landmarks.txt")
        faces = _faces(path) if path is not None else {}
        if path is not None:
            frames = self._media.length(self._video_of(part))
            if abs(len(faces) - frames) > MAX_LEFT_OVER:
                self._media.report(
                    f"{path} has {len(faces)} rows for {frames} frames, so that a row cannot be assigned to its frame "
                    "and none is used; fetch it again, or set faces.detector to yunet."
                )
                return {}
        return {frame: face for frame, face in faces.items() if face is not None}

    def _video_of(self, identity: str) -> Path:
        """Return the file of a video; raises :class:`UserError` where there is none."""
        for folder in self._videos:
            for ending in _VIDEO_FILES:
                found = find(folder, f"{identity}{ending}")
                if found is not None:
                    return found
        raise UserError(f"AM-FED's {identity} has labels but no video; expected Video - AVI/{identity}.avi.")


def _faces(path: Path) -> dict[int, Face | None]:
    """Read faces by frame; raises :class:`UserError` for a row that does not consist of pairs of numbers."""
    import numpy as np

    faces: dict[int, Face | None] = {}
    with open_text(path) as stream:
        for number, line in lines_of(path, stream):
            try:
                values = np.array([float(word) for word in re.split(r"[\s,;]+", line.strip(" \t\r\n,;"))])
                faces[number] = face_of_landmarks(values.reshape(-1, 2))
            except ValueError:
                raise UserError(f"{path}, line {number}: expected pairs of x and y; fetch the file again.") from None
    return faces


def _occurrence(percent: float) -> int:
    if percent >= 50:
        return facs.PRESENT
    return facs.ABSENT if percent == 0 else facs.UNKNOWN


def _units(percent: dict[str, float]) -> NDArray[np.int8]:
    units, seen_in_part = unknown_units(), _seen_in_part(percent)
    for column, value in percent.items():
        if (unit := _unit(column)) is not None and not (unit in seen_in_part and value < 50):
            units[unit - 1] = _occurrence(value)
    return units


def _seen_in_part(percent: dict[str, float]) -> set[int]:
    """Return the AUs that coders saw on one side, or in a negative expression."""
    found = {facs.parse_label(match[1]) for name, value in percent.items() if value and (match := _PARTIAL.match(name))}
    return {unit for unit in found if unit is not None}


def _others(percent: dict[str, float]) -> dict[str, int]:
    """Return Smile, and the percentages of coders, for protocols with other thresholds and those that leave out frames
    in which coders saw that the face tracker had failed."""
    others = {SMILE: _occurrence(percent[SMILE])} if SMILE in percent else {}
    seen_in_part = _seen_in_part(percent)
    for column, value in percent.items():
        unit = _unit(column)
        if unit in seen_in_part and value < 50:
            continue
        if unit is not None or column in (SMILE, TRACKER_FAILED):
            others[PERCENT.format(column if unit is None else facs.label(unit))] = math.floor(value)
    return others


def _unit(column: str) -> int | None:
    if _SIDED.match(column):
        return None
    return _ALIASES.get(column.lower()) or facs.parse_label(column)


def _change_points(path: Path) -> list[_ChangePoint]:
    """Read the rows of a label file; raises :class:`UserError` for a malformed one."""
    points: list[_ChangePoint] = []
    with open_text(path) as stream:
        reader = csv.reader(stream)
        header = next((row for row in reader if any(cell.strip() for cell in row)), [])
        if not header:
            return []
        columns = _columns(path, header)
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            while len(cells) > len(columns) and not cells[-1].strip():
                cells.pop()
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise UserError(f"{where}: {len(cells)} cells for {len(columns)} columns; correct the line.")
            try:
                values = {name: float(cell) for name, cell in zip(columns, cells, strict=True) if cell.strip()}
                point = _ChangePoint(values.pop("Time"), values)
            except (ValueError, KeyError):
                raise UserError(f"{where}: the cells are not a time and percentages; correct the line.") from None
            if not all(0 <= value <= 100 for value in point.percent.values()) or math.isnan(point.time):
                raise UserError(f"{where}: a percentage is not between 0 and 100; correct the line.")
            if points and point.time < points[-1].time:
                raise UserError(f"{where}: Time decreases; sort the rows.")
            points.append(point)
    return points


def _columns(path: Path, header: list[str]) -> list[str]:
    """Return the columns in the spelling of AM-FED's authors; raises :class:`UserError` where a label has two."""
    while header and not header[-1].strip():
        header.pop()
    own = {name.lower(): name for name in ("Time", SMILE, TRACKER_FAILED)}
    columns = [own.get(name.strip().lower(), name.strip()) for name in header]
    if "Time" not in columns:
        raise UserError(f"{path} has no column Time; replace it by a label file of AM-FED.")
    meant: dict[object, str] = {}
    for column in columns:
        other = meant.setdefault(_unit(column) or column.lower(), column)
        if other is not column:
            raise UserError(f"{path} has the columns {other!r} and {column!r} for one label; remove one of them.")
    return columns


def _recognize(path: Path) -> bool:
    return find_folder(path, *_LABELS) is not None


INFO = DatasetInfo(
    name="amfed",
    title="AM-FED",
    heads=frozenset({ACTION_UNITS}),
    media="videos",
    opens=AmFed,
    recognize=_recognize,
    splits=("all",),
    uses=(BENCHMARK,),
    ships_faces=True,
    layout="AU Labels, Video - AVI or Videos - FLV",
    terms="AM-FED (Affectiva): signed agreement",
    citation='McDuff et al., "Affectiva-MIT Facial Expression Dataset (AM-FED)", CVPR Workshops 2013',
    where_to_ask='affectiva.com, "AM-FED": a signed agreement',
)
