"""A pixel canvas that paints soft-edged shapes given in the frame of the head."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow.demo.drawing.colors import Color
from affectflow.demo.drawing.curves import HeadPose, Points

Image = NDArray[np.uint8]
Mask = NDArray[np.float32]
Layer = TypeVar("Layer", Image, Mask)

_SHIFT = 4
_TILE = 512
_TILE_WINDOW = 320


def blur(layer: Layer, sigma: float) -> Layer:
    """Return a layer that a Gaussian has blurred.

    Args:
        layer: uint8 or float32, [height, width] or [height, width, 3].
        sigma: Standard deviation in pixels; below 0.3 the layer stays as it is.
    """
    if sigma < 0.3:
        return layer
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), layer.dtype)


@lru_cache(maxsize=1)
def _fibre_tile() -> Mask:
    """A fixed tile of vertical fibres, mean 0 and deviation 1, for hair."""
    noise = np.random.default_rng(7).standard_normal((_TILE, _TILE)).astype(np.float32)
    fibres = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.3, sigmaY=30.0)
    return np.asarray(fibres / fibres.std(), np.float32)


@lru_cache(maxsize=1)
def _grain_tile() -> Mask:
    """A fixed tile of fine grain, mean 0 and deviation 1, for skin, brows and stubble."""
    noise = np.random.default_rng(8).standard_normal((_TILE, _TILE)).astype(np.float32)
    grains = cv2.GaussianBlur(noise, (0, 0), 1.3)
    return np.asarray(grains / grains.std(), np.float32)


def grain(seed: int, size: int) -> Mask:
    """Return grain over a whole square image, float32 [size, size].

    Args:
        seed: Chooses which part of the tile is shown.
        size: Side of the image in pixels.
    """
    tile = _grain_tile()
    spare = _TILE - _TILE_WINDOW
    row, column = seed % spare, (seed // 97) % spare
    window = tile[row : row + _TILE_WINDOW, column : column + _TILE_WINDOW]
    return np.asarray(cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA), np.float32)


class Canvas:
    """RGB pixels, painted with shapes given in the head frame of a pose."""

    def __init__(self, pixels: Image, pose: HeadPose) -> None:
        self.pixels = pixels
        self.pose = pose
        self.size = pixels.shape[0]

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        return np.round((self.pose.place(points) - 0.5) * (1 << _SHIFT)).astype(np.int32)

    def fill(self, outline: Points, color: Color) -> None:
        """Paint a hard-edged shape.

        Args:
            outline: [n, 2] in the head frame.
            color: RGB, 0 to 255.
        """
        cv2.fillPoly(self.pixels, [self._fixed(outline)], color, cv2.LINE_AA, _SHIFT)

    def stroke(self, line: Points, color: Color, width: float, closed: bool = False) -> None:
        """Paint a line.

        Args:
            line: [n, 2] in the head frame.
            color: RGB, 0 to 255.
            width: Width in half face widths.
            closed: Whether the last point is joined to the first.
        """
        thickness = max(1, round(width * self.pose.unit))
        cv2.polylines(self.pixels, [self._fixed(line)], closed, color, thickness, cv2.LINE_AA, _SHIFT)

    def window(self, outline: Points, margin: float) -> tuple[slice, slice]:
        """Return the rows and columns that a shape covers with a margin.

        Args:
            outline: [n, 2] in the head frame.
            margin: Width of the margin in half face widths.
        """
        points = self.pose.place(outline)
        pad = margin * self.pose.unit + 2

        def span(low: float, high: float) -> slice:
            start = min(max(int(low - pad), 0), self.size)
            return slice(start, max(min(int(high + pad) + 1, self.size), start))

        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return span(top, bottom), span(left, right)

    def coverage(
        self,
        shapes: Sequence[Points],
        at: tuple[slice, slice],
        levels: Sequence[float] | None = None,
    ) -> Image:
        """Return shapes inside a window on black, uint8 [rows, columns].

        Args:
            shapes: Outlines, [n, 2] each, in the head frame.
            at: Rows and columns of the window.
            levels: Brightness of each shape, 0 to 1; None for white.
        """
        rows, columns = at
        drawn = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        origin = np.array([columns.start, rows.start], np.int32) << _SHIFT
        for shape, level in zip(shapes, levels or [1.0] * len(shapes), strict=True):
            points = self._fixed(shape) - origin
            cv2.fillPoly(drawn, [points], 255 * level, cv2.LINE_AA, _SHIFT)
        return drawn

    def mask(self, shapes: Sequence[Points], softness: float, at: tuple[slice, slice]) -> Mask:
        """Return the coverage from 0 to 1 of shapes inside a window, with blurred edges, float32 [rows, columns].

        Args:
            shapes: Outlines, [n, 2] each, in the head frame.
            softness: Standard deviation of the blur in half face widths.
            at: Rows and columns of the window.
        """
        soft = blur(self.coverage(shapes, at), softness * self.pose.unit)
        return soft.astype(np.float32) * np.float32(1 / 255)

    def combed(self, root: Points, seed: int, at: tuple[slice, slice]) -> Mask:
        """Return fibres that run away from a root point of the head, as combed hair does, float32 [rows, columns].

        Args:
            root: The root point, [2] in the head frame.
            seed: Chooses which part of the tile is shown.
            at: Rows and columns of the window.
        """
        rows, columns = at
        x, y = self.pose.place(root)
        across = np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(x)
        down = np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(y)
        grid = np.broadcast_arrays(across[None, :], down[:, None])
        length, angle = cv2.cartToPolar(np.ascontiguousarray(grid[0]), np.ascontiguousarray(grid[1]))
        tile = _fibre_tile()
        column = angle * np.float32(0.5 * _TILE / np.pi)
        row = length * np.float32(_TILE_WINDOW / (4 * self.pose.unit)) + seed % (_TILE // 3)
        return np.asarray(cv2.remap(tile, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)

    def whole(self) -> tuple[slice, slice]:
        """The window of the full canvas."""
        return slice(0, self.size), slice(0, self.size)

    def tint(
        self,
        outline: Points,
        color: Color,
        softness: float,
        opacity: float = 1.0,
        speckle: Mask | None = None,
    ) -> None:
        """Paint a soft-edged shape.

        Args:
            outline: [n, 2] in the head frame.
            color: RGB, 0 to 255.
            softness: Standard deviation of the edge's blur in half face widths.
            opacity: Opacity from 0 to 1.
            speckle: Texture [size, size] of the canvas; the opacity is multiplied by 1 + speckle.
        """
        at = self.window(outline, 3 * softness)
        if at[0].start >= at[0].stop or at[1].start >= at[1].stop:
            return
        cover = self.mask([outline], softness, at) * np.float32(opacity)
        if speckle is not None:
            cover *= np.maximum(1 + speckle[at], 0)
            np.minimum(cover, 1, out=cover)
        self.blend(at, cover, color)

    def blend(self, at: tuple[slice, slice], cover: Mask, paint: Color | NDArray[np.generic]) -> None:
        """Mix a color or an image into a window.

        Args:
            at: Rows and columns of the window.
            cover: Share of the paint in each pixel, 0 to 1, [rows, columns].
            paint: RGB, 0 to 255: a color, or an image [rows, columns, 3].
        """
        below = self.pixels[at].astype(np.float32)
        below += cover[..., None] * (np.asarray(paint, np.float32) - below)
        self.pixels[at] = below
