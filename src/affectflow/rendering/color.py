"""Colors: linear RGB, and skin by a measured scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, cos, power, sin

Color = NDArray[np.float64]
"""Linear RGB, [3]."""

_FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_WHITE = (0.95047, 1.0, 1.08883)  # D65
_ANGLES = (-60.0, -30.0, 10.0, 28.0, 41.0, 55.0, 70.0)
_YELLOW = (11.0, 15.0, 17.0, 17.0, 16.0, 14.5, 13.0)
_RED = (8.0, 10.5, 11.5, 11.0, 10.5, 10.0, 9.0)

ITA_CLASSES = (("very light", 55.0), ("light", 41.0), ("intermediate", 28.0), ("tan", 10.0), ("brown", -30.0))
"""Classes of skin by the individual typology angle in degrees, each above its limit; the rest is dark (Chardon, Cretois
and Hourseau 1991)."""


def ita_class(angle: float) -> str:
    """Return the class of skin of an individual typology angle in degrees."""
    return next((name for name, limit in ITA_CLASSES if angle > limit), "dark")


def skin_color(angle: float, redness: float = 0.0, yellowness: float = 0.0) -> Color:
    """Return the color of skin of an individual typology angle, arctan((L* - 50) / b*).

    Args:
        angle: In degrees, -60 to 70.
        redness: Added to a*.
        yellowness: Added to b*.
    """
    yellow = float(np.interp(angle, _ANGLES, _YELLOW)) + yellowness
    radians = angle * PI / 180
    lightness = 50 + yellow * sin(radians) / cos(radians)
    return from_lab(lightness, float(np.interp(angle, _ANGLES, _RED)) + redness, yellow)


def from_lab(lightness: float, red: float, yellow: float) -> Color:
    """Return the linear RGB of a color in CIELAB, limited to what a screen shows.

    Args:
        lightness: L*, 0 to 100.
        red: a*, green if negative.
        yellow: b*, blue if negative.
    """
    middle = (lightness + 16) / 116
    xyz = [
        white * (t * t * t if t > 6 / 29 else 3 * (6 / 29) ** 2 * (t - 4 / 29))
        for white, t in zip(_WHITE, (middle + red / 500, middle, middle - yellow / 200), strict=True)
    ]
    return np.clip([sum(float(row[k]) * xyz[k] for k in range(3)) for row in _FROM_XYZ], 0.0, 1.0)


def linear(color: NDArray[np.floating]) -> Color:
    """Return linear RGB of sRGB, both 0 to 1."""
    values = [float(value) for value in color]
    return np.array([v / 12.92 if v <= 0.04045 else power((v + 0.055) / 1.055, 2.4) for v in values])
