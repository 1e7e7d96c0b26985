"""One drawn face: person, scene and action units in, image out."""

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow.demo.drawing.action_units import express
from affectflow.demo.drawing.backdrop import paint_backdrop
from affectflow.demo.drawing.canvas import Canvas, Image, grain
from affectflow.demo.drawing.curves import HeadPose
from affectflow.demo.drawing.features import paint_brow, paint_eye, paint_mouth, paint_nostrils
from affectflow.demo.drawing.figure import paint_body, paint_front_hair, paint_glasses, paint_skin
from affectflow.demo.drawing.geometry import Face
from affectflow.demo.drawing.hair import arrange_hair
from affectflow.demo.drawing.identity import Identity
from affectflow.demo.drawing.lighting import light_figure
from affectflow.demo.drawing.photograph import photograph
from affectflow.demo.drawing.scene import Scene

INTENSITIES = 60
# Half face widths per image at scale 1: the face then fills about two thirds of the height.
_UNIT = 0.29
# How far towards the camera AU57 brings the head, AU58 takes it away, in half face widths.
_FORWARD = 0.85
# Small images are drawn larger and reduced; large ones are smooth enough as they are.
_FINE = 160
_OVERSAMPLING = 1.5


def draw_face(identity: Identity, scene: Scene, intensity: NDArray[np.float32], size: int) -> Image:
    """Draw a face as an RGB image, uint8 [size, size, 3].

    Args:
        identity: The person.
        scene: Pose, light, backdrop and camera.
        intensity: float32 [60], of AU k at index k - 1, from 0 to 5.
        size: Side of the image in pixels.

    Raises:
        ValueError: The intensities have another shape.
    """
    if intensity.shape != (INTENSITIES,):
        raise ValueError(f"intensity has shape {intensity.shape}, not ({INTENSITIES},)")
    expression = express(intensity, identity.mobility)
    side = round(_OVERSAMPLING * size) if size <= _FINE else size
    forward = _FORWARD * expression.effects["head_forward"]
    pose = HeadPose(
        yaw=scene.yaw,
        pitch=scene.pitch,
        roll=scene.roll,
        forward=forward,
        unit=_UNIT * scene.scale * side,
        center_x=(0.5 + scene.offset_x) * side,
        center_y=(0.50 + scene.offset_y + 0.03 * forward) * side,
    )
    face = Face(identity, expression, pose)
    canvas = Canvas(paint_backdrop(scene, side), pose)
    hair = arrange_hair(identity, pose)
    behind = paint_body(canvas, face, hair)
    speckle = grain(identity.texture_seed, side)
    paint_skin(canvas, face, speckle)
    paint_nostrils(canvas, face)
    paint_mouth(canvas, face)
    for half in (-1, 1):
        paint_eye(canvas, face, scene, half)
        paint_brow(canvas, face, half, speckle)
    paint_front_hair(canvas, face, hair)
    light_figure(canvas, face, scene, [*behind, face.outline, hair.front])
    paint_glasses(canvas, face)
    pixels = canvas.pixels
    if side != size:
        pixels = np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA))
    return photograph(pixels, scene)
