"""Compiled functions that give the same bits on every CPU.

The C library's and NumPy's exponential and trigonometric functions choose their code by the CPU and differ in the last
bit, and so does a matrix product. Here are additions, multiplications, divisions and square roots only, which IEEE 754
defines to the bit, and LLVM does not reorder or fuse them without fast-math.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


def _cache_folder() -> Path:
    """Return where compiled functions are kept, by a digest of this package's source.

    Numba compares the file of a function alone with what it kept, and not those of the functions that are compiled into
    it.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(here.glob("*.py")))).hexdigest()[:16]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(chosen) if chosen else here / "__pycache__") / f"kernels-{digest}"


numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]

PI = 3.141592653589793
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693145751953125, 1.42860682030941723212e-6
_POWERS = np.array([2.0**k for k in range(-130, 131)])


def kernel(function: F) -> F:
    """Compile a function of arrays and numbers, once for an installation."""
    return cast("F", numba.njit(cache=True, error_model="numpy")(function))


@kernel
def exp(x: float) -> float:
    """Return e to the power of x, with a relative error below 1e-8; x is limited to -87 to 87."""
    x = min(87.0, max(-87.0, x))
    k = np.floor(x * _LOG2_E + 0.5)
    r = x - k * _LN2_HIGH - k * _LN2_LOW
    series = 1.0 + r * (1.0 + r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040)))))))
    value: float = series * _POWERS[int(k) + 130]
    return value


@kernel
def log(x: float) -> float:
    """Return the natural logarithm of a positive number, with an error below 1e-8."""
    k = 0
    while x > 1.4142135623730951:
        x *= 0.5
        k += 1
    while x < 0.7071067811865476:
        x *= 2.0
        k -= 1
    t = (x - 1.0) / (x + 1.0)
    s = t * t
    return 2.0 * t * (1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s / 11))))) + k * (_LN2_HIGH + _LN2_LOW)


@kernel
def power(x: float, y: float) -> float:
    """Return a power, with a relative error below 1e-7.

    Args:
        x: The base, from 0.
        y: The exponent.
    """
    if x == 1.0:
        return 1.0
    return 0.0 if x <= 1e-30 else exp(y * log(x))


@kernel
def sin(x: float) -> float:
    """Return the sine, with an error below 1e-7 for angles of a few turns."""
    turns = np.floor(x / (2 * PI) + 0.5)
    r: float = x - turns * 2 * PI
    if r > PI / 2:
        r = PI - r
    elif r < -PI / 2:
        r = -PI - r
    s = r * r
    return r * (1.0 - s * (1 / 6 - s * (1 / 120 - s * (1 / 5040 - s * (1 / 362880 - s * (1 / 39916800))))))


@kernel
def cos(x: float) -> float:
    """Return the cosine, as :func:`sin`."""
    return sin(x + PI / 2)


@kernel
def arctan2(y: float, x: float) -> float:
    """Return the angle of a point, -pi to pi, with an error below 2e-4.

    Args:
        y: Its height.
        x: Its place to the right.
    """
    a, b = abs(x), abs(y)
    if a + b == 0.0:
        return 0.0
    q = min(a, b) / max(a, b)
    s = q * q
    angle = q * (0.9998660 - s * (0.3302995 - s * (0.1801410 - s * (0.0851330 - s * 0.0208351))))
    if b > a:
        angle = PI / 2 - angle
    if x < 0:
        angle = PI - angle
    return -angle if y < 0 else angle


@kernel
def smooth(low: float, high: float, x: float) -> float:
    """Return 0 below ``low``, 1 above ``high``, and a smooth step between; for high < low, the other way round.

    Args:
        low: Where the step begins.
        high: Where it ends.
        x: The place.
    """
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)
