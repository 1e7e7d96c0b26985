"""The camera: exposure and tone curve, blur of the lens, noise of the sensor, and encoding as sRGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import exp, kernel
from affectflow.rendering.head import Float32, Int32

_LEVELS = 4096


def _encoding() -> NDArray[np.uint8]:
    """Return the sRGB level of each of ``_LEVELS`` steps of linear light."""
    light = np.linspace(0, 1, _LEVELS)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * encoded).astype(np.uint8))


_SRGB = _encoding()


@kernel
def mean_luminance(color: Float32, triangle: Int32, left: float, top: float, right: float, bottom: float) -> float:
    """Return the mean luminance of the samples of the head in a frame; 0 without any.

    Args:
        color: Linear RGB of the samples.
        triangle: What each shows, negative for nothing.
        left: First column.
        top: First row.
        right: Column after the last.
        bottom: Row after the last.
    """
    height, width = triangle.shape
    total, count = 0.0, 0
    for y in range(max(0, int(top)), min(height, int(bottom))):
        for x in range(max(0, int(left)), min(width, int(right))):
            if triangle[y, x] >= 0:
                total += 0.2126 * color[y, x, 0] + 0.7152 * color[y, x, 1] + 0.0722 * color[y, x, 2]
                count += 1
    return total / count if count else 0.0


@kernel
def tone_map(
    color: Float32,
    triangle: Int32,
    background: Float32,
    behind: float,
    gain: NDArray[np.float64],
    contrast: float,
    light: Float32,
) -> None:
    """Average the samples of each pixel over the background, and apply exposure and tone curve.

    Args:
        color: Linear RGB of the samples [n * side, n * side, 3].
        triangle: What each shows, negative for nothing.
        background: Linear RGB, of any side.
        behind: Brightness of the background.
        gain: Factors of the exposure by color.
        contrast: Factor of the contrast.
        light: Receives linear RGB, 0 to 1, [side, side, 3].
    """
    side, far = light.shape[0], background.shape[0]
    per_pixel = color.shape[0] // side
    for y in range(side):
        v = min(max((y + 0.5) * far / side - 0.5, 0.0), far - 1.001)
        j = int(v)
        for x in range(side):
            u = min(max((x + 0.5) * far / side - 0.5, 0.0), far - 1.001)
            i = int(u)
            for k in range(3):
                upper = background[j, i, k] * (1 - u + i) + background[j, i + 1, k] * (u - i)
                lower = background[j + 1, i, k] * (1 - u + i) + background[j + 1, i + 1, k] * (u - i)
                back = behind * (upper * (1 - v + j) + lower * (v - j))
                total = 0.0
                for yy in range(y * per_pixel, (y + 1) * per_pixel):
                    for xx in range(x * per_pixel, (x + 1) * per_pixel):
                        total += color[yy, xx, k] if triangle[yy, xx] >= 0 else back
                value = gain[k] * total / (per_pixel * per_pixel)
                value = 1.12 * (1 - exp(-1.18 * value))
                value *= 0.9 + 0.2 * min(value, 1.0)
                light[y, x, k] = min(1.0, max(0.0, 0.2 + contrast * (value - 0.2)))


@kernel
def _blur(light: Float32, weights: NDArray[np.float64], out: Float32) -> None:
    """Blur an image by a symmetric filter in both directions; edges are continued.

    Args:
        light: The image, changed, [side, side, 3].
        weights: Of the middle and of each distance from it.
        out: Scratch space of the same size.
    """
    side, reach = light.shape[0], weights.shape[0]
    for y in range(side):
        for x in range(side):
            for k in range(3):
                value = weights[0] * light[y, x, k]
                for d in range(1, reach):
                    value += weights[d] * (light[y, max(0, x - d), k] + light[y, min(side - 1, x + d), k])
                out[y, x, k] = value
    for y in range(side):
        for x in range(side):
            for k in range(3):
                value = weights[0] * out[y, x, k]
                for d in range(1, reach):
                    value += weights[d] * (out[max(0, y - d), x, k] + out[min(side - 1, y + d), x, k])
                light[y, x, k] = value


@kernel
def _read_out(light: Float32, noise: float, seed: int, table: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
    """Add the noise of photons and of the sensor, and encode as sRGB."""
    side = light.shape[0]
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
    for y in range(side):
        for x in range(side):
            for k in range(3):
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                # Four uniform numbers make nearly a normal one.
                total = (
                    np.int64(state & np.uint64(0xFFFF)) + np.int64((state >> np.uint64(16)) & np.uint64(0xFFFF))
                    + np.int64((state >> np.uint64(32)) & np.uint64(0xFFFF)) + np.int64(state >> np.uint64(48))
                )  # fmt: skip
                normal = (total / 65536.0 - 2.0) * 1.7320508
                value = light[y, x, k]
                value += noise * normal * np.sqrt(0.0006 * max(0.0, value) + 0.00003)
                level = int(value * 4095.0 + 0.5)
                pixels[y, x, k] = table[min(4095, max(0, level))]


def capture(light: Float32, blur: float, noise: float, seed: int) -> NDArray[np.uint8]:
    """Apply blur and noise, and return the image as sRGB uint8 [side, side, 3].

    Args:
        light: Linear RGB, 0 to 1, [side, side, 3]; changed.
        blur: Radius of the lens' blur in pixels.
        noise: Strength of the noise, about 1.
        seed: Seed of the noise.
    """
    if blur > 0.2:
        reach = int(3 * blur) + 2
        weights = np.array([exp(-(d * d) / (2 * blur * blur)) for d in range(reach)])
        weights /= weights[0] + 2 * weights[1:].sum()
        _blur(light, weights, np.empty_like(light))
    pixels = np.empty(light.shape, np.uint8)
    _read_out(light, noise, seed, _SRGB, pixels)
    return pixels
