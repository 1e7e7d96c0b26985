"""What the camera does to the light it receives: blur, color, exposure and noise."""

import cv2
import numpy as np

from affectflow.demo.drawing.canvas import Image, blur
from affectflow.demo.drawing.scene import Scene


def photograph(pixels: Image, scene: Scene) -> Image:
    """Return the finished image; its noise comes from the seed of the scene alone.

    Args:
        pixels: The drawn image, RGB uint8 [size, size, 3].
        scene: The scene, whose camera and color of light are used.
    """
    size = pixels.shape[0]
    seen = round(scene.resolution)
    if seen < size:
        small = cv2.resize(pixels, (seen, seen), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC))
    image = blur(pixels, scene.blur * size).astype(np.float32)
    gain = np.array(scene.light_color, np.float32) * np.float32(scene.exposure * scene.contrast)
    image *= gain
    image += np.float32(128 * scene.exposure * (1 - scene.contrast))
    if scene.noise:
        rng = np.random.default_rng(scene.seed + 1)
        image += rng.standard_normal(image.shape, np.float32) * np.float32(scene.noise)
    return np.clip(image, 0, 255).astype(np.uint8)
