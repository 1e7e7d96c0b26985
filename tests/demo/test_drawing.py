"""Drawn faces: a detector finds them, and each AU moves what FACS says it moves."""

from __future__ import annotations

import numpy as np
import pytest

from affectflow import facs
from affectflow.demo.drawing import DRAWN_ACTION_UNITS, SCENE_STYLES, draw_face, draw_identity, draw_scene
from affectflow.demo.expressions import draw_expression
from tests.conftest import DETECTOR, needs_faces

SCORED = {1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26} | {2, 4, 5, 9, 10, 12, 14, 15, 17, 18, 26, 57, 58}


def _face(seed: int, units: dict[int, float], size: int = 128, style: str = "laboratory") -> np.ndarray:
    rng = np.random.default_rng(seed)
    intensity = np.zeros(facs.COUNT, np.float32)
    for unit, value in units.items():
        intensity[unit - 1] = value
    return draw_face(draw_identity(rng), draw_scene(rng, style), intensity, size)


@needs_faces
@pytest.mark.parametrize("style", SCENE_STYLES)
def test_a_face_detector_finds_nine_in_ten(style: str) -> None:
    import cv2

    detector = cv2.FaceDetectorYN.create(str(DETECTOR), "", (320, 320), score_threshold=0.6)
    found = 0
    for seed in range(50):
        rng = np.random.default_rng([5, seed])
        pixels = draw_face(draw_identity(rng), draw_scene(rng, style), draw_expression(rng, 0.3), 320)
        _, faces = detector.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        found += faces is not None and len(faces) > 0
    assert found >= 45


def test_every_scored_unit_is_drawn() -> None:
    assert set(DRAWN_ACTION_UNITS) >= SCORED


@pytest.mark.parametrize("unit", DRAWN_ACTION_UNITS)
def test_more_intensity_changes_more(unit: int) -> None:
    changes = []
    for intensity in (1, 3, 5):
        differences = [
            np.abs(_face(seed, {unit: intensity}).astype(int) - _face(seed, {}).astype(int)).mean() for seed in range(4)
        ]
        changes.append(np.mean(differences))
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize(
    ("unit", "upper"), [(1, True), (2, True), (4, True), (5, True), (12, False), (15, False), (26, False)]
)
def test_a_unit_moves_its_own_half_of_the_face(unit: int, upper: bool) -> None:
    change = sum(np.abs(_face(seed, {unit: 4}).astype(int) - _face(seed, {}).astype(int)) for seed in range(4)).sum(
        axis=2
    )
    top, bottom = change[:64].sum(), change[64:].sum()
    assert (top > bottom) == upper


def test_same_arguments_same_pixels() -> None:
    assert np.array_equal(_face(1, {12: 3}), _face(1, {12: 3}))
    assert not np.array_equal(_face(1, {12: 3}), _face(2, {12: 3}))
