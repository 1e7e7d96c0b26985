"""Smooth curves and strokes, and the perspective projection of points of the head."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Camera distance in half face widths: about 40 cm, where perspective is visible but mild.
CAMERA_DISTANCE = 5.5
# Depth that keeps its size whatever the pose: the plane of the eyes and mouth corners.
FACE_PLANE = 0.75
_QUARTER_TURN = np.array([-1.0, 1.0])


@lru_cache(maxsize=64)
def _spline_basis(count: int, samples: int, closed: bool) -> Points:
    """Weights of the control points in every sample of a Catmull-Rom spline."""
    segments = count if closed else count - 1
    rows = []
    for segment in range(segments):
        for step in range(samples):
            t = step / samples
            weights = (
                -0.5 * t**3 + t**2 - 0.5 * t,
                1.5 * t**3 - 2.5 * t**2 + 1.0,
                -1.5 * t**3 + 2.0 * t**2 + 0.5 * t,
                0.5 * t**3 - 0.5 * t**2,
            )
            row = np.zeros(count)
            for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
                index = segment + offset
                row[index % count if closed else min(max(index, 0), count - 1)] += weight
            rows.append(row)
    if not closed:
        rows.append(np.eye(count)[-1])
    return np.array(rows)


def smooth(points: Points, samples: int = 5, closed: bool = False) -> Points:
    """Return a smooth curve through control points.

    Args:
        points: Control points of any dimension, [n, dimensions].
        samples: Number of points of the curve for each segment between two control points.
        closed: Whether the last control point is joined to the first.
    """
    return _spline_basis(len(points), samples, closed) @ points


def ribbon(line: Points, half: Points) -> Points:
    """Return the outline [2n, 2] of a stroke of varying thickness along a line.

    Args:
        line: Points of the line, [n, 2].
        half: Half thickness at each point, [n, 1], in the unit of the line.
    """
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    along *= half / np.sqrt((along**2).sum(axis=1, keepdims=True) + 1e-12)
    side = along[:, ::-1] * _QUARTER_TURN
    return np.concatenate([line + side, (line - side)[::-1]])


def head_depth(x: Points, y: Points) -> Points:
    """Return the depth of the bare head surface (nose and lips apart) in front of the ears.

    Args:
        x: Positions [n] to the right of the middle of the face, in half face widths.
        y: Positions [n] downward, in half face widths.
    """
    return 0.95 * np.sqrt(np.maximum(1.0 - (x / 1.12) ** 2 - (y / 1.75) ** 2, 0.02))


@dataclass(frozen=True)
class HeadPose:
    """Turns points of the head into points of the image plane.

    The head frame is the image plane before roll: relief is shaded there, so that its
    axis-aligned shapes stay cheap; `place` then rolls, scales and shifts into the canvas.
    """

    yaw: float
    pitch: float
    roll: float
    forward: float
    unit: float
    center_x: float
    center_y: float

    def face(self, x: Points, y: Points, raised: Points | float = 0.0) -> Points:
        """Return the head-frame positions [n, 2] of points on or above the face surface.

        Args:
            x: As in :func:`head_depth`.
            y: As in :func:`head_depth`.
            raised: Height above the surface in half face widths, one or [n].
        """
        return self._project(x, y, head_depth(x, y) + raised, cos(self.yaw))

    def outline(self, x: Points, y: Points, depth: Points | float) -> Points:
        """Return the head-frame positions [n, 2] of the silhouette, whose width hardly changes as a head turns.

        Args:
            x: As in :func:`head_depth`.
            y: As in :func:`head_depth`.
            depth: Depth in front of the ears in half face widths, one or [n].
        """
        return self._project(x, y, np.zeros_like(x) + depth, 1.0)

    def _project(self, x: Points, y: Points, z: Points, width: float) -> Points:
        cos_yaw, sin_yaw, cos_pitch, sin_pitch = self._turns
        x = width * x
        sideways = x + sin_yaw * z
        z = cos_yaw * z - sin_yaw * x
        upright = cos_pitch * y + sin_pitch * z
        z = cos_pitch * z - sin_pitch * y
        zoom = (CAMERA_DISTANCE - FACE_PLANE) / ((CAMERA_DISTANCE - self.forward) - z)
        points = np.empty((len(x), 2))
        points[:, 0] = sideways * zoom
        points[:, 1] = upright * zoom
        return points

    @cached_property
    def _turns(self) -> tuple[float, float, float, float]:
        return cos(self.yaw), sin(self.yaw), cos(self.pitch), sin(self.pitch)

    def place(self, points: Points) -> Points:
        """Canvas pixels of head-frame points."""
        matrix = self.matrix
        return points @ matrix[:, :2].T + matrix[:, 2]

    @cached_property
    def matrix(self) -> Points:
        """Affine map from the head frame to canvas pixels."""
        c, s = cos(self.roll) * self.unit, sin(self.roll) * self.unit
        return np.array([[c, -s, self.center_x], [s, c, self.center_y]])
