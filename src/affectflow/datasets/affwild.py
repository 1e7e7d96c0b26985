"""Aff-Wild: videos from the web with valence and arousal in [-1, 1] for every frame.

Zafeiriou et al., "Aff-Wild: Valence and Arousal 'in-the-wild' Challenge", CVPR Workshops 2017. Layout::

    videos/train/NNN.mp4 (or .avi)
    annotations/train/valence/NNN.txt   one value per line, no header; -5 means unlabelled, as in Aff-Wild2
    annotations/train/arousal/NNN.txt
    bboxes/train/NNN/<frame>.pts        frame from 1; no file where no face was found
    landmarks/train/NNN/<frame>.pts     68 points, likewise

Published readers disagree whether line n belongs to frame n or to the n-th frame with a box. The number of lines
decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.errors import UserError
from affectflow.datasets.base import (
    MAX_LEFT_OVER,
    Dataset,
    by_name,
    files_below,
    find,
    find_folder,
    has_zero,
    lines_of,
    number_of,
    side_of,
    visible,
)
from affectflow.datasets.dataset_info import VALENCE_AROUSAL, DatasetInfo
from affectflow.datasets.face import Face, face_of_corners, face_of_landmarks
from affectflow.datasets.sample import Sample
from affectflow.tables.cells import is_missing
from affectflow.tables.delimited import open_table
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    from affectflow.datasets.media import Media

_POINTS_FILE = re.compile(r"version:\s*1\s+n_points:\s*(\d{1,4})\s*\{([^{}]*)\}")
_CORNERS = 4
_PERSONS = "persons.csv"
NO_LABEL = -5
"""Value of an unlabelled frame."""


class AffWild(Dataset):
    """Frames of the videos whose labels were released.

    ``train`` and ``test`` divide the videos, and a table ``persons.csv`` in the folder keeps persons on one side.
    """

    name = "affwild"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        table = root / _PERSONS
        persons = read_persons(table) if table.is_file() else {}
        self._media = media
        self._persons = persons
        self._from_zero: dict[Path, bool] = {}
        self._valence = _nested(root, "annotations", "valence")
        self._arousal = _nested(root, "annotations", "arousal")
        self._videos = _nested(root, "videos")
        self._boxes, self._landmarks = (
            _nested(root, name) if find_folder(root, name) else None for name in ("bboxes", "landmarks")
        )
        found = [by_name(visible(folder, ".txt"), ".txt") for folder in (self._valence, self._arousal)]
        self._files = {name: [files.get(name) for files in found] for name in sorted({*found[0], *found[1]})}
        if unknown := sorted(persons.keys() - self._files.keys()):
            raise UserError(f"{table} names the video {unknown[0][:80]!r}, which has no annotation; correct its name.")
        self._names = [name for name in self._files if split == "all" or self._side(name) == split]
        if not self._names:
            raise UserError(f"{self._valence} holds no annotation of the split {split!r}; expected NNN.txt.")
        if split == "all":
            videos = {path.stem for ending in (".mp4", ".avi") for path in visible(self._videos, ending)}
            if without := len(videos - self._files.keys()):
                self.left_out["video without labels"] += without

    def groups(self) -> list[str]:
        return sorted({self._persons.get(name, name) for name in self._names})

    def parts(self) -> list[str]:
        return self._names

    def samples_of(self, part: str) -> Iterator[Sample]:
        video = next((found for s in ("mp4", "avi") if (found := find(self._videos, f"{part}.{s}"))), None)
        if video is None:
            raise UserError(f"Aff-Wild's {part} has annotations but no video; expected {self._videos}/{part}.mp4.")
        halves = zip(self._files[part], (self._valence, self._arousal), strict=True)
        if missing := next((f"{folder}/{part}.txt" for path, folder in halves if path is None), None):
            self._media.report(f"{missing} does not exist, so {part} is left out; fetch valence and arousal again.")
            self.left_out[f"frame of {part}, which lacks valence or arousal"] += self._media.length(video)
            return
        valence, arousal = (_values(path) for path in self._files[part] if path is not None)
        values = min(len(valence), len(arousal))
        line_of_frame = self._alignment(part, video, values)
        if line_of_frame is None or abs(len(valence) - len(arousal)) > MAX_LEFT_OVER:
            self.left_out[f"frame of {part}, whose values do not fit its frames"] += self._media.length(video)
            return
        if left_over := max(len(valence), len(arousal)) - len(line_of_frame):
            self.left_out[f"value of {part} without a frame"] += left_over
        for index, time, image in self._media.frames(video, self.left_out):
            line = line_of_frame.get(index)
            if line is None or (math.isnan(valence[line]) and math.isnan(arousal[line])):
                self.left_out["frame without labels"] += 1
                continue
            yield Sample(
                image=image,
                dataset=self.name,
                source=f"{part}/{index}",
                group=self._persons.get(part, part),
                subject=self._persons.get(part, ""),
                video=part,
                frame=index,
                time=time,
                valence=valence[line],
                arousal=arousal[line],
            )

    def faces_of(self, part: str) -> dict[int, Face] | None:
        """Return faces from the landmarks where there are any, else from the boxes."""
        shipped = [folder for folder in (self._boxes, self._landmarks) if folder is not None]
        faces: dict[int, Face] = {}
        for folder in shipped:
            for frame, path in self._points_files(folder, part).items():
                if (face := _face(path)) is not None:
                    faces[frame] = face
        return faces if shipped else None

    def _points_files(self, folder: Path, name: str) -> dict[int, Path]:
        """Return the ``.pts`` files of a video by frame from 1; where one of any video is 0, all are counted from 0."""
        if folder not in self._from_zero:
            self._from_zero[folder] = has_zero(folder, ".pts")
        return {number + self._from_zero[folder]: path for number, path in _points_files(folder, name).items()}

    def _alignment(self, name: str, video: Path, lines: int) -> dict[int, int] | None:
        """Return the line (from 0) of each labelled frame (from 1); None where neither frames nor boxes fit."""
        frames = self._media.length(video)
        boxed = sorted(self._points_files(self._boxes, name)) if self._boxes is not None else []
        if not (boxed and boxed[0] >= 1 and boxed[-1] <= frames):
            boxed = []
        by_frame = {index: index - 1 for index in range(1, min(lines, frames) + 1)}
        by_box = {index: line for line, index in enumerate(boxed[:lines])}
        if lines == frames > 0:
            return by_frame
        if lines == len(boxed) > 0:
            return by_box
        near = [rows for rows, count in ((by_frame, frames), (by_box, len(boxed))) if _is_near(lines, count)]
        if len(near) == 1:
            return near[0]
        self._media.report(
            f"Aff-Wild's {name} has {lines} values for {frames} frames and {len(boxed)} boxes, so that it is not sure "
            "which value belongs to which frame, and it is left out; fetch its video and annotation again."
        )
        return None

    def _side(self, name: str) -> str:
        return side_of("affwild", self._persons.get(name, name))


def read_persons(path: Path) -> dict[str, str]:
    """Read the person of each video from a CSV ``video,person``; raises :class:`UserError` for a malformed one."""
    persons: dict[str, str] = {}
    with open_table(path, lambda name: name.lower() in ("video", "person"), "the columns video and person") as table:
        header = [name.lower() for name in table.header]
        if not {"video", "person"} <= set(header):
            raise UserError(f"{path} lacks the columns video and person; add a header.")
        for line, cells in table.rows:
            video, person = (cells[header.index(name)].strip() for name in ("video", "person"))
            video = re.sub(r"\.(mp4|avi)$", "", video, flags=re.IGNORECASE)
            if not video or is_missing(person) or video in persons:
                raise UserError(f"{path}, line {line}: expected a new video and its person; correct it.")
            persons[video] = person
    return persons


def _nested(root: Path, first: str, second: str = "") -> Path:
    """Return the folder ``first/train[/second]``, also where an archive was unpacked into ``train/train``."""
    folder = find_folder(root, first)
    while folder is not None and (inner := find_folder(folder, "train")) is not None:
        folder = inner
    if folder is not None and second:
        folder = find_folder(folder, second)
    if folder is None:
        expected = "/".join(filter(None, (first, "train", second)))
        raise UserError(f"{root} has no folder {expected}; set data.affwild.root to Aff-Wild's own folder.")
    return folder


def _points_files(folder: Path, name: str) -> dict[int, Path]:
    """List the ``.pts`` files of a video by number; raises :class:`UserError` where a frame has two."""
    found: dict[int, Path] = {}
    for path in files_below(folder, name, ending=".pts"):
        frame = number_of(path)
        if frame is not None and found.setdefault(frame, path) != path:
            raise UserError(f"{found[frame]} and {path} belong to the same frame; remove one of them.")
    return found


def _is_near(lines: int, count: int) -> bool:
    return lines > 0 and count > 0 and abs(lines - count) <= MAX_LEFT_OVER


def _face(path: Path) -> Face | None:
    """Read a face from the four corners of its box or from landmarks; raises :class:`UserError` for other files."""
    import numpy as np

    with open_text(path) as stream:
        text = stream.read()
    match = _POINTS_FILE.fullmatch(text.strip())
    try:
        lines = match[2].strip().splitlines() if match else []
        points = np.array([[float(word) for word in line.split()] for line in lines])
    except ValueError:
        points = np.empty(0)
    if match is None or points.shape != (int(match[1]), 2) or len(points) < 2:
        raise UserError(f"{path} is not a file of points (version, n_points, x and y in braces); fetch it again.")
    return face_of_corners(points) if len(points) <= _CORNERS else face_of_landmarks(points)


def _values(path: Path) -> list[float]:
    """Read one value per frame, NaN where there is no label."""
    values = []
    with open_text(path) as stream:
        for number, line in lines_of(path, stream):
            try:
                value = float(line)
            except ValueError:
                value = float("nan")
            if value != NO_LABEL and not -1 <= value <= 1:
                raise UserError(f"{path}, line {number}: {line.strip()[:40]!r} is not a number between -1 and 1.")
            values.append(math.nan if value == NO_LABEL else value)
    return values


def _recognize(path: Path) -> bool:
    return find_folder(path, "annotations") is not None and find_folder(path, "videos") is not None


INFO = DatasetInfo(
    name="affwild",
    title="Aff-Wild",
    heads=frozenset({VALENCE_AROUSAL}),
    media="videos",
    opens=AffWild,
    recognize=_recognize,
    splits=("all", "train", "test"),
    split_by="video, or by person where the folder has a table `persons.csv` (video,person)",
    ships_faces=True,
    layout="videos/train, annotations/train",
    terms="Aff-Wild (iBUG, Imperial College London): signed agreement, non-commercial research only",
    citation="Zafeiriou et al., \"Aff-Wild: Valence and Arousal 'in-the-wild' Challenge\", CVPR Workshops 2017",
    where_to_ask='ibug.doc.ic.ac.uk, "Aff-Wild": a signed agreement',
)
