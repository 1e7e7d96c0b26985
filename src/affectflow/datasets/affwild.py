"""Aff-Wild: videos from the web with valence and arousal in [-1, 1] for every frame.

Zafeiriou et al., "Aff-Wild: Valence and Arousal 'in-the-wild' Challenge", CVPR Workshops 2017. Layout::

    videos/train/NNN.mp4 (or .avi)
    annotations/train/valence/NNN.txt   one value per line, no header; -5 is no label, as in Aff-Wild2
    annotations/train/arousal/NNN.txt
    bboxes/train/NNN/<frame>.pts        frame from 1; none where no face was found
    landmarks/train/NNN/<frame>.pts     68 points, likewise

Readers of the set disagree whether line n belongs to frame n or to the n-th frame with a box; the counts decide.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, find, find_folder, lines_of, number_of, side_of, visible
from affectflow.datasets.face import Face, face_of_corners, face_of_landmarks
from affectflow.datasets.media import Media
from affectflow.datasets.sample import Sample
from affectflow.tables.csv_files import open_text

_POINTS_FILE = re.compile(r"version:\s*1\s+n_points:\s*(\d{1,4})\s*\{([^{}]*)\}")
_CORNERS = 4
NO_LABEL = -5


class AffWild(Dataset):
    """Frames of the videos whose labels were released."""

    name = "affwild"

    def __init__(self, root: Path, split: str, persons: dict[str, str], media: Media) -> None:
        super().__init__()
        self._media = media
        self._persons = persons
        self._valence = _nested(root, "annotations", "valence")
        self._arousal = _nested(root, "annotations", "arousal")
        self._videos = _nested(root, "videos")
        self._boxes, self._landmarks = (
            _nested(root, name) if find_folder(root, name) else None for name in ("bboxes", "landmarks")
        )
        found = [{path.stem: path for path in visible(folder, ".txt")} for folder in (self._valence, self._arousal)]
        self._files = {name: [files.get(name) for files in found] for name in sorted({*found[0], *found[1]})}
        if strange := sorted(persons.keys() - self._files.keys()):
            raise UserError(
                f"{root}/persons.csv names the video {strange[0][:80]!r}, which has no annotation; mend it."
            )
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
        valence, arousal = (
            _values(path, f"{folder}/{part}.txt")
            for path, folder in zip(self._files[part], (self._valence, self._arousal), strict=True)
        )
        if len(valence) != len(arousal):
            raise UserError(
                f"Aff-Wild's {part} has {len(valence)} valence and {len(arousal)} arousal values; fetch it again."
            )
        line_of_frame = self._alignment(part, video, len(valence))
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
        """Landmarks where there are any, else boxes."""
        shipped = [folder for folder in (self._boxes, self._landmarks) if folder is not None]
        faces: dict[int, Face] = {}
        for folder in shipped:
            for frame, path in _points_files(folder, part).items():
                if (face := _face(path)) is not None:
                    faces[frame] = face
        return faces if shipped else None

    def _alignment(self, name: str, video: Path, lines: int) -> dict[int, int]:
        """Which line belongs to which frame."""
        frames = self._media.length(video)
        if lines == frames > 0:
            return {index: index - 1 for index in range(1, frames + 1)}
        boxed = sorted(_points_files(self._boxes, name)) if self._boxes is not None else []
        if lines == len(boxed) > 0 and boxed[0] >= 1 and boxed[-1] <= frames:
            return {index: line for line, index in enumerate(boxed)}
        raise UserError(
            f"Aff-Wild's {name} has {lines} values, which fits neither its {frames} frames "
            f"nor its {len(boxed)} boxes; fetch its video and annotation again."
        )

    def _side(self, name: str) -> str:
        return side_of("affwild", self._persons.get(name, name))


def open_dataset(root: Path, split: str, media: Media) -> AffWild:
    """``split`` is ``all``, ``train`` or ``test``; a table ``persons.csv`` in the folder keeps persons together."""
    if split not in ("all", "train", "test"):
        raise UserError(f"Aff-Wild has no split {split!r}; known are all, train and test.")
    table = root / "persons.csv"
    return AffWild(root, split, read_persons(table) if table.is_file() else {}, media)


def read_persons(path: Path) -> dict[str, str]:
    """A CSV ``video,person``, each video once; raises :class:`UserError` for another."""
    persons: dict[str, str] = {}
    with open_text(path) as stream:
        reader = csv.DictReader(stream)
        if not {"video", "person"} <= set(reader.fieldnames or ()):
            raise UserError(f"{path} needs the columns video and person.")
        for row in reader:
            video, person = ((row[name] or "").strip() for name in ("video", "person"))
            video = re.sub(r"\.(mp4|avi)$", "", video, flags=re.IGNORECASE)
            if not video or not person or video in persons:
                raise UserError(f"{path}, line {reader.line_num}: not a video that is new and its person; correct it.")
            persons[video] = person
    return persons


def _nested(root: Path, first: str, second: str = "") -> Path:
    """``first/train[/second]``, also where an archive was unpacked into ``train/train``."""
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
    """A video's ``.pts`` files by frame; raises :class:`UserError` where a frame has two."""
    own = find_folder(folder, name)
    found: dict[int, Path] = {}
    for path in visible(own, ".pts") if own is not None else ():
        frame = number_of(path)
        if frame is not None and found.setdefault(frame, path) != path:
            raise UserError(f"{found[frame]} and {path} are of the same frame; remove one of them.")
    return found


def _face(path: Path) -> Face | None:
    """A box by its four corners, or landmarks. Raises :class:`UserError` for a file that is neither."""
    with open_text(path) as stream:
        text = stream.read()
    match = _POINTS_FILE.fullmatch(text.strip())
    try:
        lines = match[2].strip().splitlines() if match else []
        points = np.array([[float(word) for word in line.split()] for line in lines])
    except ValueError:
        points = np.empty(0)
    if match is None or points.shape != (int(match[1]), 2) or len(points) < 2:
        raise UserError(f"{path} is no file of points (version, n_points, then x and y in braces); fetch it again.")
    return face_of_corners(points) if len(points) <= _CORNERS else face_of_landmarks(points)


def _values(path: Path | None, expected: str) -> list[float]:
    """NaN where there is no label."""
    if path is None:
        raise UserError(f"{expected} does not exist; Aff-Wild needs both valence and arousal of a video.")
    values = []
    with open_text(path) as stream:
        for number, line in lines_of(path, stream):
            try:
                value = float(line)
            except ValueError:
                value = float("nan")
            if value != NO_LABEL and not -1 <= value <= 1:
                raise UserError(f"{path}, line {number}: {line.strip()[:40]!r} is no number between -1 and 1.")
            values.append(math.nan if value == NO_LABEL else value)
    return values
