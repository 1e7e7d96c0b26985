"""Colors as red, green and blue from 0 to 255, and ways to mix them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Color = tuple[float, float, float]


def as_color(values: Sequence[float] | NDArray[np.float64]) -> Color:
    """Three numbers as a displayable color."""
    red, green, blue = (float(min(max(value, 0.0), 255.0)) for value in values)
    return red, green, blue


def mixed(first: Color, second: Color, share: float) -> Color:
    """Return the first color with a share of the second.

    Args:
        first: The color at a share of 0.
        second: The color at a share of 1.
        share: Share of the second color, 0 to 1.
    """
    return (
        first[0] + share * (second[0] - first[0]),
        first[1] + share * (second[1] - first[1]),
        first[2] + share * (second[2] - first[2]),
    )


def along(ramp: NDArray[np.float64], position: float) -> NDArray[np.float64]:
    """Return the color at a position along a ramp of evenly spaced colors, float64 [3].

    Args:
        ramp: The colors, float64 [n, 3].
        position: From 0, the first color, to 1, the last.
    """
    stops = np.linspace(0.0, 1.0, len(ramp))
    return np.array([np.interp(position, stops, ramp[:, channel]) for channel in range(3)])
