"""What stands behind the person, drawn tiny and enlarged: it is out of focus anyway."""

import cv2
import numpy as np

from affectflow.demo.drawing.canvas import Image
from affectflow.demo.drawing.scene import BACKDROPS, Scene

_SIDE = 40


def paint_backdrop(scene: Scene, size: int) -> Image:
    """Return a square image of the background, RGB uint8 [size, size, 3].

    Args:
        scene: The scene, whose backdrop, backdrop colors and seed are used.
        size: Side of the image in pixels.
    """
    rng = np.random.default_rng(scene.seed)
    near, far = (np.array(color, np.float32) for color in scene.backdrop_colors)
    kind = BACKDROPS[scene.backdrop]
    y, x = np.mgrid[0 : 1 : _SIDE * 1j, 0 : 1 : _SIDE * 1j].astype(np.float32)
    slope = rng.uniform(-1, 1, 2)
    ramp = np.clip(0.5 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5), 0, 1)
    if kind == "plain":
        ramp = 0.12 * ramp
    small = near + ramp[..., None] * (far - near)
    if kind == "room":
        for _ in range(int(rng.integers(3, 7))):
            left, top = rng.uniform(-0.2, 0.9, 2)
            width, height = rng.uniform(0.1, 0.5, 2)
            inside = (x > left) & (x < left + width) & (y > top) & (y < top + height)
            small[inside] = near * rng.uniform(0.4, 1.3) + rng.uniform(-40, 40, 3)
        small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.6, 2.0)))
    elif kind == "outdoors":
        horizon = rng.uniform(0.25, 0.7)
        small = np.where((y < horizon)[..., None], near * 0.4 + 140, far * 0.6 + [10, 30, 5])
        small += cv2.GaussianBlur(rng.normal(0, 1, small.shape[:2]), (0, 0), 2.0)[..., None] * 150
        small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.8, 2.5)))
    small = np.clip(small, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
