"""Painting of eyes, brows, nose and mouth onto the skin."""

import numpy as np

from affectflow.demo.drawing.canvas import Canvas, Mask, blur
from affectflow.demo.drawing.colors import mixed
from affectflow.demo.drawing.curves import ribbon
from affectflow.demo.drawing.geometry import Face
from affectflow.demo.drawing.scene import Scene

_ANGLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=1)
_IRIS = 0.092


def paint_eye(canvas: Canvas, face: Face, scene: Scene, side: int) -> None:
    """Paint eyeball, lids and lashes of one eye.

    Args:
        canvas: The canvas.
        face: The face.
        scene: The scene, whose gaze and direction of light are used.
        side: -1 for the eye on the left of the image, 1 for the right.
    """
    identity = face.identity
    eye = face.eyes[side]
    skin, lash = identity.skin, mixed(identity.skin, (22, 14, 12), 0.85)
    lid = mixed(skin, (90, 40, 30), 0.22)
    at = canvas.window(eye.outline, 0.1)

    canvas.tint(np.concatenate([eye.fold, eye.upper[::-1]]), lid, 0.012, 0.5)
    fold_depth = 0.25 + 0.55 * identity.lid_fold
    crease = ribbon(eye.fold[1:-1], np.full((len(eye.fold) - 2, 1), 0.009))
    canvas.tint(crease, mixed(skin, (40, 18, 14), 0.6), 0.010, fold_depth)
    if eye.openness > 0.02:
        opening = canvas.mask([eye.outline], 0.006, at)
        ball = Canvas(canvas.pixels.copy(), canvas.pose)
        ball.pixels[at] = np.array(mixed((222, 216, 211), skin, 0.16), np.uint8)
        center = eye.center + np.array([scene.gaze_x, scene.gaze_y])
        ball.fill(center + _IRIS * _CIRCLE, mixed(identity.iris, (0, 0, 0), 0.45))
        ball.fill(center + 0.8 * _IRIS * _CIRCLE, identity.iris)
        ball.fill(center + 0.42 * _IRIS * _CIRCLE, (12, 10, 10))
        shadow = ribbon(eye.upper, np.full((len(eye.upper), 1), 0.03))
        ball.tint(shadow, (50, 36, 34), 0.015, 0.5)
        glint = center + np.array([0.35 * np.sign(scene.light_x + 1e-6), -0.35]) * _IRIS
        ball.fill(glint + 0.2 * _IRIS * _CIRCLE, (250, 250, 250))
        canvas.blend(at, opening, ball.pixels[at])
    thickness = (0.013 + 0.006 * identity.femininity) * np.linspace(0.5, 1.15, len(eye.upper))
    canvas.tint(ribbon(eye.upper, thickness[:, None]), lash, 0.006)
    lower_thickness = np.full((len(eye.lower), 1), 0.006)
    canvas.tint(ribbon(eye.lower, lower_thickness), mixed(skin, (60, 26, 22), 0.6), 0.006, 0.7)


def paint_brow(canvas: Canvas, face: Face, side: int, speckle: Mask) -> None:
    """Paint one brow: a soft ribbon broken up by grain.

    Args:
        canvas: The canvas.
        face: The face.
        side: -1 for the brow on the left of the image, 1 for the right.
        speckle: Grain over the canvas, float32 [size, size].
    """
    identity = face.identity
    line, half = face.brow(side)
    outline = ribbon(line, half)
    canvas.tint(outline, identity.brow, 0.020, identity.brow_density, 0.15 * speckle)


def paint_nostrils(canvas: Canvas, face: Face) -> None:
    """Paint the nostrils and the dark edge of the nose wings.

    Args:
        canvas: The canvas.
        face: The face.
    """
    skin = face.identity.skin
    dark, edge = mixed(skin, (30, 10, 8), 0.75), mixed(skin, (60, 24, 18), 0.5)
    for side in (-1, 1):
        wing_x, wing_y = face.nose(side)
        x = wing_x * np.array([0.22, 0.40, 0.60, 0.55, 0.30])
        y = wing_y + np.array([0.075, 0.045, 0.055, 0.085, 0.09])
        canvas.tint(face.pose.face(x, y, 0.22), dark, 0.012, 0.85)
        x = wing_x * np.array([0.92, 1.04, 1.05, 0.85])
        y = wing_y + np.array([-0.07, -0.02, 0.035, 0.075])
        line = face.pose.face(x, y, 0.12)
        canvas.tint(ribbon(line, np.full((4, 1), 0.012)), edge, 0.014, 0.6)


def paint_mouth(canvas: Canvas, face: Face) -> None:
    """Paint mouth cavity, teeth and lips.

    Args:
        canvas: The canvas.
        face: The face.
    """
    identity, mouth = face.identity, face.mouth
    lip = identity.lip
    cavity = np.concatenate([mouth.upper_bottom, mouth.lower_top[::-1]])
    at = canvas.window(np.concatenate([mouth.upper_top, mouth.lower_bottom]), 0.06)
    if mouth.gap > 0.005:
        canvas.fill(cavity, (52, 18, 18))
        if mouth.gap > 0.12:
            deep = 0.45 * mouth.upper_bottom + 0.55 * mouth.lower_top
            inner = slice(4, -4)
            tongue = np.concatenate([deep[inner], mouth.lower_top[inner][::-1]])
            canvas.tint(tongue, (150, 70, 70), 0.02, 0.7)
        inner = slice(2, -2)
        teeth = np.concatenate([mouth.upper_bottom[inner], mouth.teeth_bottom[inner][::-1]])
        canvas.fill(teeth, mixed((120, 96, 84), (240, 234, 222), identity.teeth))
    upper = np.concatenate([mouth.upper_top, mouth.upper_bottom[::-1]])
    lower = np.concatenate([mouth.lower_top, mouth.lower_bottom[::-1]])
    canvas.tint(upper, mixed(lip, (30, 6, 8), 0.16), 0.010, 0.92)
    canvas.tint(lower, lip, 0.012, 0.88)
    shine = 0.5 * (mouth.lower_top + mouth.lower_bottom)[6:11]
    canvas.tint(ribbon(shine, np.full((5, 1), 0.018)), (255, 235, 230), 0.02, 0.22)
    seam = mixed(lip, (20, 4, 6), 0.75)
    thin = np.interp(np.abs(np.linspace(-1, 1, 17)), [0, 1], [0.010, 0.014])[:, None]
    canvas.tint(ribbon(mouth.upper_bottom, thin), seam, 0.006, 0.85 if mouth.gap < 0.03 else 0.4)
    canvas.pixels[at] = blur(canvas.pixels[at], 0.006 * canvas.pose.unit)
