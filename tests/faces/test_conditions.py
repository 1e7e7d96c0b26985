"""What is measured of a face and its crop."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from affectflow.datasets.face import Face
from affectflow.faces.conditions import conditions_of, yaw_of

HEAD = np.array([(-3.2, 2.6, 3.5), (3.2, 2.6, 3.5), (0, -0.5, 7.6), (-2.5, -4.3, 4.3), (2.5, -4.3, 4.3)])
"""Eyes, tip of the nose and corners of the mouth in cm: x to the right, y up, z to the camera."""


def face(yaw: float, roll: float = 0.0, pitch: float = 0.0, scale: float = 20.0) -> Face:
    """The head turned by angles in degrees: to the right of the image, clockwise, up."""
    a, b, c = np.radians((yaw, pitch, -roll))
    turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    nod = np.array([[1, 0, 0], [0, math.cos(b), math.sin(b)], [0, -math.sin(b), math.cos(b)]])
    tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    x, y, _ = (HEAD @ (tilt @ nod @ turn).T).T * scale
    return Face((0, 0, 100, 100), tuple(np.stack([200 + x, 200 - y], axis=1).ravel()))


@pytest.mark.parametrize("yaw", [-50, -30, -10, 0, 15, 40])
@pytest.mark.parametrize("roll", [0, 20, 90, 180])
def test_yaw_of_a_head(yaw: float, roll: float) -> None:
    assert yaw_of(face(yaw, roll)) == pytest.approx(yaw, abs=1.5)
    assert yaw_of(face(yaw, roll, pitch=15)) == pytest.approx(yaw, abs=6)


def test_a_box_has_no_yaw() -> None:
    assert math.isnan(yaw_of(Face((0, 0, 10, 10))))
    assert math.isnan(yaw_of(Face((0, 0, 10, 10), (5.0,) * 10)))


def test_a_face_of_twice_the_size() -> None:
    """The eyes are 0.3 of the crop's side apart."""
    assert conditions_of(face(0, scale=10)).face_size == pytest.approx(64 / 0.3)
    assert conditions_of(face(0, scale=20)).face_size == pytest.approx(128 / 0.3)


def test_brightness_and_sharpness_of_a_crop() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2)
    assert conditions_of(None, noise).sharpness > 50 * conditions_of(None, blurred).sharpness
    green = np.zeros((8, 8, 3), np.uint8)
    green[..., 1] = 200
    found = conditions_of(None, green)
    assert found.brightness == pytest.approx(0.587 * 200, abs=1e-3) and found.sharpness == 0
    assert math.isnan(found.face_size) and math.isnan(found.yaw)
    luma = cv2.cvtColor(noise, cv2.COLOR_RGB2GRAY).astype(np.float64)
    expected = cv2.Laplacian(luma, cv2.CV_64F)[1:-1, 1:-1].var()
    assert conditions_of(None, noise).sharpness == pytest.approx(expected, rel=0.01)
