"""DISFA: spontaneous expressions of 27 subjects, 12 AUs with intensity 0 to 5 in every frame.

Mavadati et al., "DISFA: A Spontaneous Facial Action Intensity Database", IEEE TAC 4(2), 2013. Layout::

    ActionUnit_Labels/SN001/SN001_au1.txt      frame,intensity (frame from 1)
    Videos_LeftCamera/LeftVideoSN001_comp.avi
    Video_RightCamera/RightVideoSN001_Comp.avi
    Landmark_Points/SN001/tmp_frame_lm/SN001_0000_lm.mat   from 0; 66 points of the left camera's frame, as "pts"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, find, find_folder, folders, visible
from affectflow.datasets.disfa_labels import UNITS, occurrence, subjects_of
from affectflow.datasets.face import Face, face_of_landmarks
from affectflow.datasets.media import Media
from affectflow.datasets.sample import Sample
from affectflow.tables.csv_files import open_text

_LANDMARKS = re.compile(r"(\d+)_lm\.mat$", re.IGNORECASE)
_NONE = np.full(facs.COUNT, np.nan, np.float32)


class Disfa(Dataset):
    """Frames of the left camera, or of the right where the left is missing; or the other way round."""

    name = "disfa"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        super().__init__()
        self._media = media
        labels = find_folder(root, "ActionUnit_Labels")
        if labels is None:
            raise UserError(f"{root} has no folder ActionUnit_Labels; set data.disfa.root to DISFA's own folder.")
        split, _, camera = split.partition("@")
        cameras = {
            "left": find_folder(root, "Videos_LeftCamera", "Video_LeftCamera"),
            "right": find_folder(root, "Video_RightCamera", "Videos_RightCamera"),
        }
        if camera and camera not in cameras:
            raise UserError(f"DISFA has no camera {camera!r}; known are left and right.")
        preferred = sorted(cameras.items(), key=lambda item: item[0] != (camera or "left"))
        self._landmarks = find_folder(root, "Landmark_Points")
        self._videos = [folder for _, folder in preferred if folder is not None]
        wanted = subjects_of(split)
        self._subjects = [folder for folder in folders(labels) if wanted is None or folder.name.upper() in wanted]
        if not self._subjects:
            raise UserError(f"{labels} holds no subject of {split!r}; expected folders such as SN001.")

    def groups(self) -> list[str]:
        return [folder.name for folder in self._subjects]

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        labels = read_labels(next(folder for folder in self._subjects if folder.name == part))
        video = self.video_of(part)
        count = 0
        for count, time, image in self._media.frames(video, self.left_out):
            intensities = labels.get(count)
            if intensities is None:
                self.left_out["frame without labels"] += 1
                continue
            yield Sample(
                image=image,
                dataset=self.name,
                source=f"{part}/{count}",
                group=part,
                subject=part,
                video=video.name,
                frame=count,
                time=time,
                units=occurrence(intensities),
                intensities=intensities,
            )
        if beyond := sum(index > count for index in labels):
            self.left_out["label without a frame"] += beyond

    def faces_of(self, part: str) -> dict[int, Face] | None:
        """From landmarks, which belong to the left camera."""
        if self._landmarks is None or not self.video_of(part).name.lower().startswith("left"):
            return None
        own = find_folder(self._landmarks, part)
        folder = find_folder(own, "tmp_frame_lm") or own if own is not None else None
        numbered = (
            (_LANDMARKS.search(path.name), path) for path in (visible(folder, ".mat") if folder is not None else ())
        )
        paths: dict[int, Path] = {}
        for match, path in numbered:
            if match and paths.setdefault(int(match[1]) + 1, path) != path:
                raise UserError(f"{paths[int(match[1]) + 1]} and {path} are of the same frame; remove one of them.")
        faces = {frame: _face(path) for frame, path in paths.items()}
        return {frame: face for frame, face in faces.items() if face is not None}

    def video_of(self, subject: str) -> Path:
        """Raises :class:`UserError` where there is none."""
        for folder in self._videos:
            side = "Right" if "right" in folder.name.lower() else "Left"
            for suffix in ("avi", "mp4"):
                found = find(folder, f"{side}Video{subject}_comp.{suffix}")
                if found is not None:
                    return found
        raise UserError(
            f"DISFA's subject {subject} has labels but no video; expected "
            f"Videos_LeftCamera/LeftVideo{subject}_comp.avi beside them."
        )


def open_dataset(root: Path, split: str, media: Media) -> Disfa:
    """``split`` is ``all``, or ``fold1-train``, ``fold1-test`` and so on; ``@right`` behind it prefers that camera."""
    return Disfa(root, split, media)


def read_labels(folder: Path) -> dict[int, NDArray[np.float32]]:
    """A subject's intensities float32 [60] by frame; NaN where a unit has no label. Raises :class:`UserError`."""
    subject = folder.name
    labels: dict[int, NDArray[np.float32]] = {}
    found = False
    for unit in UNITS:
        path = find(folder, f"{subject}_au{unit}.txt")
        if path is None:
            continue
        found = True
        with open_text(path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    frame, intensity = _parse(path, number, line)
                    if not np.isnan(labels.get(frame, _NONE)[unit - 1]):
                        raise UserError(f"{path}, line {number}: frame {frame} occurs twice; remove one of its lines.")
                    row = labels.setdefault(frame, np.full(facs.COUNT, np.nan, np.float32))
                    row[unit - 1] = intensity
    if not found:
        raise UserError(f"{folder} holds no label file; expected {subject}_au1.txt and so on.")
    return labels


def _face(path: Path) -> Face | None:
    """Raises :class:`UserError` for a file without landmarks."""
    from scipy.io import loadmat  # only where landmarks are wanted

    try:
        points = np.asarray(loadmat(path)["pts"], float)
    except Exception:  # SciPy raises many kinds on damaged files
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise UserError(f"{path} holds no landmarks (pts, 66 x 2); fetch it again.")
    return face_of_landmarks(points)


def _parse(path: Path, number: int, line: str) -> tuple[int, float]:
    first, _, second = line.replace(";", ",").partition(",")
    try:
        frame, intensity = int(first), float(second)
    except ValueError:
        frame, intensity = 0, -1.0
    if frame < 1 or not 0 <= intensity <= 5:
        raise UserError(f"{path}, line {number}: {line.strip()[:40]!r} is not a frame from 1 and an intensity 0 to 5.")
    return frame, intensity
