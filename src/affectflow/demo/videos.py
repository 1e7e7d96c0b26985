"""Draw DISFA, AM-FED and Aff-Wild: video files and label files in the sets' own layouts.

The people, cameras and light differ from those of the drawn EmotioNet.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.orphan import end_with
from affectflow.core.progress import progress
from affectflow.datasets.disfa_labels import FOLDS, UNITS
from affectflow.datasets.synthetic import mark_as_drawn
from affectflow.demo.drawing import draw_face, draw_identity, draw_scene
from affectflow.demo.expressions import Affect, affect, coded, draw_course
from affectflow.media.video import write_video
from affectflow.tables.csv_files import write_csv

T = TypeVar("T")

_DISFA, _AMFED, _AFFWILD = 10, 11, 12  # keys of random streams, so that no two sets share a person
_DISFA_RATE, _AMFED_RATE, _AFFWILD_RATE = Fraction(20), Fraction(14), Fraction(25)
_CODER_THRESHOLDS = (1.0, 1.5, 2.0, 2.5, 3.0)  # the intensity from which each of five coders sees an AU
_AMFED_COLUMNS = {"AU02": 2, "AU04": 4, "AU05": 5, "AU09": 9, "AU10": 10, "AU14": 14, "AU15": 15, "Au17": 17}
_AMFED_RARE_COLUMNS = {"AU18": 18, "Au26": 26, "57": 57, "58": 58}


@dataclass(frozen=True, slots=True)
class Video:
    """Seed of the demo, and number of frames and side in pixels of each video."""

    seed: int
    frames: int
    size: int


def make_disfa(video: Video, subjects: int, processes: int, root: Path) -> None:
    """Draw a DISFA: AVI videos of the left camera, and intensities 0 to 5 of 12 AUs in every frame.

    Args:
        video: Seed, number of frames and side of the videos.
        subjects: Number of subjects, one video each; up to 27.
        processes: Number of processes.
        root: Folder of the set; what it has is deleted.
    """
    names = sorted(subject for part in FOLDS.parts.values() for subject in part)[:subjects]
    _make_all(partial(_disfa_subject, video=video, root=root), names, processes, root)


def make_amfed(video: Video, videos: int, processes: int, root: Path) -> None:
    """Draw an AM-FED: FLV videos, and percentages of coders at change points, with columns that differ by file.

    Args:
        video: Seed, number of frames and side of the videos.
        videos: Number of videos.
        processes: Number of processes.
        root: Folder of the set; what it has is deleted.
    """
    _make_all(partial(_amfed_video, video=video, root=root), range(videos), processes, root)


def make_affwild(video: Video, videos: int, processes: int, root: Path) -> None:
    """Draw an Aff-Wild: MP4 videos, and valence and arousal with one value per line.

    Args:
        video: Seed, number of frames and side of the videos.
        videos: Number of videos.
        processes: Number of processes.
        root: Folder of the set; what it has is deleted.
    """
    _make_all(partial(_affwild_video, video=video, root=root), range(videos), processes, root)


def _make_all(make: Callable[[T], None], parts: Sequence[T], processes: int, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)  # the files of another configuration
    with (
        ProcessPoolExecutor(processes, initializer=end_with, initargs=(os.getpid(),)) as pool,
        progress(len(parts), "video", "draw") as bar,
    ):
        for _ in pool.map(make, parts):
            bar.update()
    mark_as_drawn(root)


def _disfa_subject(name: str, video: Video, root: Path) -> None:
    rng = np.random.default_rng([video.seed, _DISFA, int(name[2:])])
    course = draw_course(rng, video.frames, events=5, presence=0.25)
    frames = _frames(rng, "laboratory", course, video.size)
    write_video(root / "Videos_LeftCamera" / f"LeftVideo{name}_comp.avi", frames, _DISFA_RATE, "avi", "mpeg4")
    codes = np.array([coded(intensity) for intensity in course])
    for unit in UNITS:
        with atomic_write(root / "ActionUnit_Labels" / name / f"{name}_au{unit}.txt") as path:
            lines = (f"{frame},{code}\n" for frame, code in enumerate(codes[:, unit - 1], start=1))
            path.write_text("".join(lines), encoding="ascii")


def _amfed_video(number: int, video: Video, root: Path) -> None:
    rng = np.random.default_rng([video.seed, _AMFED, number])
    name = f"{number:02d}a{rng.integers(16**6):06x}"
    course = draw_course(rng, video.frames, events=4, presence=0.25)
    frames = _frames(rng, "webcam", course, video.size)
    write_video(root / "Videos - FLV" / f"{name}.flv", frames, _AMFED_RATE, "flv", "flv1")
    columns = {"Smile": 12, **_AMFED_COLUMNS, **{c: u for c, u in _AMFED_RARE_COLUMNS.items() if rng.random() < 0.7}}
    tracker_failed = np.zeros(video.frames, np.int64)
    if number % 4 == 0:
        tracker_failed[: video.frames // 12] = 100
    rows: list[list[object]] = []
    for frame, intensity in enumerate(course):
        seen = [np.mean(intensity[unit - 1] >= np.array(_CODER_THRESHOLDS)) for unit in columns.values()]
        row = [*(round(100 * share) for share in seen), int(tracker_failed[frame])]
        if not rows or rows[-1][1:] != row:
            rows.append([f"{float(frame / _AMFED_RATE):.4f}", *row])
    write_csv(root / "AU Labels" / f"{name}-label.csv", ["Time", *columns, "Trackerfail"], rows)


def _affwild_video(number: int, video: Video, root: Path) -> None:
    rng = np.random.default_rng([video.seed, _AFFWILD, number])
    name = f"{number + 1:03d}"
    course = draw_course(rng, video.frames, events=5, presence=0.2, emotional=0.9)
    frames = _frames(rng, "wild", course, video.size)
    write_video(root / "videos" / "train" / f"{name}.mp4", frames, _AFFWILD_RATE)
    feelings: list[Affect] = [affect(intensity, rng) for intensity in course]
    for dimension in ("valence", "arousal"):
        with atomic_write(root / "annotations" / "train" / dimension / f"{name}.txt") as path:
            path.write_text("".join(f"{getattr(f, dimension):.4f}\n" for f in feelings), encoding="ascii")


def _frames(
    rng: np.random.Generator, style: str, course: NDArray[np.float32], size: int
) -> Iterator[NDArray[np.uint8]]:
    """Draw the frames of one person in one scene, with small head movements and new sensor noise in every frame."""
    import cv2

    cv2.setNumThreads(1)
    person, scene = draw_identity(rng), draw_scene(rng, style)
    sway = rng.uniform(0, 2 * np.pi, 3)
    for frame, intensity in enumerate(course):
        phase = 2 * np.pi * frame / 75
        moment = replace(
            scene,
            yaw=scene.yaw + 0.03 * np.sin(phase + sway[0]),
            pitch=scene.pitch + 0.02 * np.sin(1.3 * phase + sway[1]),
            roll=scene.roll + 0.02 * np.sin(0.7 * phase + sway[2]),
            seed=scene.seed + frame,
        )
        yield draw_face(person, moment, intensity, size)
