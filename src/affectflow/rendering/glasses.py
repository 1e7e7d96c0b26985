"""Glasses: rims, bridge and temples as thick strands before the eyes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, cos, sin
from affectflow.rendering.head import Float32, Head
from affectflow.rendering.person import Person

_BENT = 0.2
"""How glasses bend around a face."""
_POINTS = 25


def glasses_course(head: Head, person: Person, centers: NDArray[np.float64], points: Float32) -> Float32:
    """Return the curves of a frame in the head's place, [5, 25, 3].

    Args:
        head: The base head.
        person: Who wears it.
        centers: Centers of the left and the right eye [2, 3].
        points: Positions of the head's points [n, 3].
    """
    half_width, half_height = person.glasses_size
    left_eye, right_eye = centers
    front = float((points[head.around_eyes, 2] + _BENT * points[head.around_eyes, 0] ** 2).max()) + 0.02
    rims = []
    turns = np.linspace(0, 2 * PI, _POINTS)
    circle = np.array([[cos(turn), sin(turn)] for turn in turns])
    shape = np.sign(circle) * np.sqrt(np.abs(circle))  # between a circle and a square
    for center, outward in ((left_eye, 1.0), (right_eye, -1.0)):
        x = center[0] + 0.03 * outward + half_width * 0.92 * shape[:, 0]
        y = center[1] - 0.03 + half_height * 0.92 * shape[:, 1]
        z = front - _BENT * x**2
        rims.append(np.stack([x, y, z], axis=1))
        hinge = np.array([center[0] + outward * (0.03 + half_width), center[1] + 0.05, 0.0])
        hinge[2] = front - _BENT * hinge[0] ** 2
        ear = np.array([outward * 0.80, center[1] + 0.03, 0.25])
        rims.append(hinge + np.linspace(0, 1, _POINTS)[:, None] * (ear - hinge))
    bridge = np.linspace(right_eye[0] + 0.85 * half_width, left_eye[0] - 0.85 * half_width, _POINTS)
    arch = 0.05 * (1 - (bridge / max(1e-3, abs(float(bridge[0])))) ** 2)
    rims.append(np.stack([bridge, left_eye[1] + 0.02 + arch, front + 0 * bridge], axis=1))
    return np.stack(rims).astype(np.float32)
