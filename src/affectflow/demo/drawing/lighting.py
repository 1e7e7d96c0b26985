"""Light falls on the painted figure: shading, gloss, and folds pressed into the skin."""

from functools import lru_cache

import cv2
import numpy as np

from affectflow.demo.drawing.canvas import Canvas, Mask, blur, grain
from affectflow.demo.drawing.curves import Points, ribbon
from affectflow.demo.drawing.folds import skin_folds
from affectflow.demo.drawing.geometry import Face
from affectflow.demo.drawing.relief import GRID_TO_HEAD, Grid, shade
from affectflow.demo.drawing.scene import Scene

_FOLD_WIDTH = 0.018
# Per channel, red to blue: how much blood takes away, and how dark a fold is (skin glows red).
_ABSORPTION = ((0.0, 0.76), (0.16, 1.0), (0.14, 1.05))


def light_figure(canvas: Canvas, face: Face, scene: Scene, outlines: list[Points]) -> None:
    """Shade the whole figure, then press the folds of the skin into it.

    Args:
        canvas: The canvas with the painted figure.
        face: The face.
        scene: The scene, whose light is used.
        outlines: Outlines of all parts of the figure, [n, 2] each, in the head frame.
    """
    shading = shade(face, scene)
    to_canvas = np.vstack([face.pose.matrix, [0, 0, 1]]) @ GRID_TO_HEAD
    size = (canvas.size, canvas.size)

    def spread(grid: Grid) -> Mask:
        warped = cv2.warpAffine(grid, to_canvas[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.float32)

    figure = canvas.mask(outlines, 0.02, canvas.whole())
    light = 1 + figure * (spread(shading.light) - 1)
    at = canvas.window(face.outline, 0.0)
    skin = canvas.mask([face.outline], 0.02, at)
    speckle = grain(face.identity.texture_seed + 5, canvas.size)
    light *= 1 + np.float32(0.008 + 0.014 * face.identity.age) * figure * speckle
    image = canvas.pixels.astype(np.float32) * np.maximum(light, 0.05)[..., None]
    red, folds = spread(shading.redness)[at] * skin, _folds(canvas, face, at) * skin
    for channel, (tint, depth) in enumerate(_ABSORPTION):
        image[at][..., channel] *= np.maximum(1 - tint * red - depth * folds, 0.1)
    image[at] += (255 * spread(shading.gloss)[at] * skin)[..., None]
    canvas.pixels = np.clip(image, 0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def _taper(count: int) -> Points:
    """Half thickness of a fold along its points, thin at both ends."""
    return _FOLD_WIDTH * np.sin(np.linspace(0.25, np.pi - 0.25, count))[:, None]


def _folds(canvas: Canvas, face: Face, at: tuple[slice, slice]) -> Mask:
    """Darkness of the folds: a shadow in the fold and a lit ridge below it."""
    folds = skin_folds(face)
    strokes = [ribbon(line, _taper(len(line))) for line, _ in folds]
    drawn = canvas.coverage(strokes, at, [min(1.0, depth) for _, depth in folds])
    unit = canvas.pose.unit
    dark = blur(drawn, 0.016 * unit).astype(np.float32)
    dark += blur(drawn, 0.055 * unit)
    dark *= np.float32(1 / 255)
    down = max(1, round(0.06 * unit))
    lit = np.zeros_like(dark)
    lit[down:] = dark[:-down]
    dark *= 0.44
    dark -= 0.17 * lit
    return dark
