"""DISFA: spontaneous expressions of 27 subjects; intensity 0 to 5 of 12 AUs in every frame.

Mavadati et al., "DISFA: A Spontaneous Facial Action Intensity Database", IEEE TAC 4(2), 2013. Layout::

    ActionUnit_Labels/SN001/SN001_au1.txt      frame,intensity (frame from 1)
    Videos_LeftCamera/LeftVideoSN001_comp.avi
    Video_RightCamera/RightVideoSN001_Comp.avi
    Landmark_Points/SN001/tmp_frame_lm/SN001_0000_lm.mat   frame from 0; "pts" has 66 points in the left video
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.errors import UserError
from affectflow.datasets.base import MAX_LEFT_OVER, Dataset, check_case, find, find_folder, folders, from_one, visible
from affectflow.datasets.dataset_info import ACTION_UNITS, BENCHMARK, INTENSITIES, DatasetInfo, Option
from affectflow.datasets.disfa_labels import FOLDS, UNITS, occurrence
from affectflow.datasets.face import Face, face_of_landmarks
from affectflow.datasets.sample import Sample, unknown_intensities
from affectflow.tables.text import open_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.media import Media

_VIDEO = re.compile(r"(?:left|right)video(.+)_comp", re.IGNORECASE)
_LABELS = re.compile(r"(?:.*[_-])?au0*(\d{1,2})\.txt", re.IGNORECASE)
_LANDMARKS = re.compile(r"(\d+)_lm\.mat$", re.IGNORECASE)


class Disfa(Dataset):
    """Frames of the chosen camera; of the other camera for a subject whose video is missing.

    The split is one of ``FOLDS.splits``; ``@right`` after it chooses the right camera.
    """

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
        preferred = sorted(cameras.items(), key=lambda item: item[0] != (camera or "left"))
        self._landmarks = find_folder(root, "Landmark_Points")
        self._videos = [folder for _, folder in preferred if folder is not None]
        wanted = FOLDS.subjects_of(split)
        self._subjects = [folder for folder in folders(labels) if wanted is None or folder.name.upper() in wanted]
        check_case(folders(labels))
        labeled = {folder.name.lower() for folder in folders(labels)}
        files = (path for folder in self._videos for ending in (".avi", ".mp4") for path in visible(folder, ending))
        filmed = {match[1].lower() for path in files if (match := _VIDEO.fullmatch(path.stem))}
        if split == "all" and (without := filmed - labeled):
            self.left_out["video without labels"] += len(without)
        if not self._subjects:
            raise UserError(f"{labels} holds no subject of {split!r}; expected folders such as SN001.")

    def groups(self) -> list[str]:
        return [folder.name for folder in self._subjects]

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        folder = next(folder for folder in self._subjects if folder.name == part)
        labels = read_labels(folder)
        self._report_gaps(folder, labels)
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
        unlabelled = count - sum(index <= count for index in labels)
        if unlabelled > MAX_LEFT_OVER:
            self._media.report(
                f"{folder} has labels of {count - unlabelled} of the {count} frames of {video.name}; DISFA has labels "
                "of all frames, so fetch both again."
            )
        if beyond := sum(index > count for index in labels):
            self.left_out["label without a frame"] += beyond

    @cached_property
    def _known_units(self) -> set[int]:
        """The AUs that any subject has a file of."""
        return {unit for folder in self._subjects for unit in label_files(folder)}

    def _report_gaps(self, folder: Path, labels: Mapping[int, NDArray[np.float32]]) -> None:
        """Report where a label is missing: DISFA has one of each of its 12 AUs for every frame."""
        import numpy as np

        files = label_files(folder)
        paths = {unit: files.get(unit) for unit in UNITS}
        unread = [path.name for path in visible(folder, ".txt") if path not in files.values()]
        if unread:
            self._media.report(
                f"{folder} has files that are not of DISFA's AUs: {', '.join(unread)[:200]}; remove them."
            )
        # Whoever has few AUs, and the same ones of everybody, has chosen them.
        complete = sum(path is not None for path in paths.values()) > len(UNITS) // 2
        absent = [unit for unit, path in paths.items() if path is None and (complete or unit in self._known_units)]
        if absent:
            names = ", ".join(f"AU{unit}" for unit in absent)
            self._media.report(f"{folder} has no files of {names}; DISFA has all 12 AUs, so fetch them.")
        for unit, path in paths.items():
            without = [frame for frame, row in labels.items() if np.isnan(row[unit - 1])]
            if path is not None and without:
                self._media.report(
                    f"{path} has {len(labels) - len(without)} of {len(labels)} frames, and the first without a line is "
                    f"{min(without)}; fetch it again."
                )

    def faces_of(self, part: str) -> dict[int, Face] | None:
        """Return faces from the landmarks, which belong to the left camera."""
        if self._landmarks is None or not self.video_of(part).name.lower().startswith("left"):
            return None
        own = find_folder(self._landmarks, part)
        folder = find_folder(own, "tmp_frame_lm") or own if own is not None else None
        numbered = (
            (_LANDMARKS.search(path.name), path) for path in (visible(folder, ".mat") if folder is not None else ())
        )
        paths: dict[int, Path] = {}
        for match, path in numbered:
            if match and paths.setdefault(int(match[1]), path) != path:
                raise UserError(f"{paths[int(match[1])]} and {path} belong to the same frame; remove one of them.")
        if paths:
            paths = from_one(paths, self._media.length(self.video_of(part)))
        faces = {frame: _face(path) for frame, path in paths.items()}
        return {frame: face for frame, face in faces.items() if face is not None}

    def video_of(self, subject: str) -> Path:
        """Return the video of a subject; raises :class:`UserError` where there is none."""
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


def read_labels(folder: Path) -> dict[int, NDArray[np.float32]]:
    """Read the intensities of a subject, float32 [60] by frame; NaN where an AU has no label.

    Raises :class:`UserError` for a malformed line, a frame or a file that occurs twice, or a folder without label
    files.
    """
    import numpy as np

    labels: dict[int, NDArray[np.float32]] = {}
    files = label_files(folder)
    for unit, path in files.items():
        with open_text(path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    frame, intensity = _parse(path, number, line)
                    row = labels.setdefault(frame, unknown_intensities())
                    if not np.isnan(row[unit - 1]):
                        raise UserError(f"{path}, line {number}: frame {frame} occurs twice; remove one of its lines.")
                    row[unit - 1] = intensity
    if not files:
        raise UserError(f"{folder} holds no label file; expected {folder.name}_au1.txt and so on.")
    return labels


def label_files(folder: Path) -> dict[int, Path]:
    """Return a subject's files of labels by AU, in order; raises :class:`UserError` where an AU has two."""
    found: dict[int, Path] = {}
    for path in visible(folder, ".txt"):
        match = _LABELS.fullmatch(path.name)
        unit = int(match[1]) if match else 0
        if unit in UNITS and found.setdefault(unit, path) != path:
            raise UserError(f"{found[unit]} and {path} are both of AU{unit}; remove one of them.")
    return dict(sorted(found.items()))


def _face(path: Path) -> Face | None:
    """Read the face from a file of landmarks; raises :class:`UserError` for a file without landmarks."""
    import numpy as np
    from scipy.io import loadmat

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
        raise UserError(
            f"{path}, line {number}: {line.strip()[:40]!r} is not a frame from 1 and an intensity "
            "from 0 to 5; correct it."
        )
    return frame, intensity


def _recognize(path: Path) -> bool:
    return find_folder(path, "ActionUnit_Labels") is not None


INFO = DatasetInfo(
    name="disfa",
    title="DISFA",
    heads=frozenset({ACTION_UNITS, INTENSITIES}),
    media="videos",
    opens=Disfa,
    recognize=_recognize,
    splits=FOLDS.splits,
    options={
        "camera": Option(
            ("left", "right"),
            "The camera whose videos are read; the other camera's where a subject's video is missing.",
        )
    },
    uses=(BENCHMARK,),
    folds=tuple(FOLDS.parts),
    subjects_of=FOLDS.subjects_of,
    ships_faces=True,
    layout="ActionUnit_Labels, Videos_LeftCamera",
    terms="DISFA (Mahoor, University of Denver): signed agreement, research only",
    citation='Mavadati et al., "DISFA: A Spontaneous Facial Action Intensity Database", IEEE TAC 4(2), 2013',
    where_to_ask='mohammadmahoor.com, "DISFA": a request by a faculty member',
)
