"""Functions that are the same on every CPU are also right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from affectflow.rendering import arithmetic


@pytest.mark.parametrize(
    ("own", "theirs", "low", "high", "tolerance"),
    [
        (arithmetic.exp, np.exp, -40, 40, 1e-8),
        (arithmetic.log, np.log, 1e-6, 50, 1e-7),
        (arithmetic.sin, np.sin, -20, 20, 1e-6),
        (arithmetic.cos, np.cos, -20, 20, 1e-6),
    ],
)
def test_functions_are_those_of_numpy(
    own: Callable[[float], float], theirs: Callable[[float], float], low: float, high: float, tolerance: float
) -> None:
    for x in np.linspace(low, high, 999):
        assert own(float(x)) == pytest.approx(theirs(x), rel=tolerance, abs=tolerance)


def test_powers() -> None:
    for x in np.linspace(0.001, 8, 57):
        for y in (0.3, 1 / 2.4, 1.0, 2.4):
            assert arithmetic.power(float(x), y) == pytest.approx(x**y, rel=1e-6)
    assert arithmetic.power(0.0, 2.4) == 0 and arithmetic.power(1.0, 0.3) == 1


def test_angles_in_all_quarters() -> None:
    for angle in np.linspace(-3.14, 3.14, 201):
        for far in (0.01, 30.0):
            x, y = far * np.cos(angle), far * np.sin(angle)
            assert arithmetic.arctan2(float(y), float(x)) == pytest.approx(angle, abs=2e-4)
    assert arithmetic.arctan2(0.0, 0.0) == 0
