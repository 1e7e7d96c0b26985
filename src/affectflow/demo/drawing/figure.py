"""Painting of the person apart from eyes, nose and mouth: body, skin, beard, hair, glasses."""

import numpy as np

from affectflow.demo.drawing.canvas import Canvas, Mask, blur
from affectflow.demo.drawing.colors import mixed
from affectflow.demo.drawing.curves import Points
from affectflow.demo.drawing.geometry import Face
from affectflow.demo.drawing.hair import Hair


def paint_body(canvas: Canvas, face: Face, hair: Hair) -> list[Points]:
    """Paint hair behind the head, neck, shoulders and ears, and return their outlines.

    Args:
        canvas: The canvas.
        face: The face.
        hair: The hair.
    """
    identity, pose = face.identity, face.pose
    for outline in hair.back:
        canvas.tint(outline, mixed(identity.hair, (0, 0, 0), 0.25), 0.03, hair.opacity)
    wide = 0.60 - 0.10 * identity.femininity
    neck = np.array([(-wide, 0.5), (-wide, 1.62), (-1.0, 2.0), (1.0, 2.0), (wide, 1.62), (wide, 0.5)])
    canvas.fill(neck, mixed(identity.skin, (60, 30, 20), 0.08))
    drop = 1.70 + 0.25 * identity.collar
    x = np.array([-3.2, -2.2, -1.1, -wide, 0.0, wide, 1.1, 2.2, 3.2, 3.2, -3.2])
    y = np.array([3.2, 2.25, 1.86, 1.66, drop, 1.66, 1.86, 2.25, 3.2, 4.5, 4.5])
    torso = np.stack([x, y], axis=1)
    canvas.fill(torso, identity.clothes)
    shadow = face.outline + np.array([0.0, 0.16])
    inside = shadow[np.abs(shadow[:, 0]) < wide + 0.1]
    if len(inside) > 2:
        canvas.tint(inside, mixed(identity.skin, (20, 8, 6), 0.7), 0.07, 0.75)
    outlines = [neck, torso, *hair.back]
    turn = np.sin(pose.yaw)
    for side in (-1, 1):
        ear = _ear(face, side, 1 - 1.2 * side * turn)
        canvas.fill(ear, mixed(identity.skin, (150, 50, 40), 0.15))
        inner = ear.mean(axis=0) + 0.6 * (ear - ear.mean(axis=0))
        canvas.tint(inner, mixed(identity.skin, (60, 20, 16), 0.5), 0.03, 0.6)
        outlines.append(ear)
    return outlines


def _ear(face: Face, side: int, breadth: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    x = side * (1.0 + 0.09 * breadth * (np.cos(angle) + 0.2))
    y = -0.03 + 0.25 * np.sin(angle) - 0.04 * np.cos(angle)
    return face.pose.outline(x, y, 0.0)


def paint_skin(canvas: Canvas, face: Face, speckle: Mask) -> None:
    """Paint the bare skin of the head with freckles and beard.

    Args:
        canvas: The canvas.
        face: The face.
        speckle: Grain over the canvas, float32 [size, size].
    """
    identity = face.identity
    canvas.tint(face.outline, identity.skin, 0.008)
    if identity.freckles:
        x = np.array([-0.78, -0.45, 0.0, 0.45, 0.78, 0.6, 0.0, -0.6])
        y = np.array([0.10, 0.0, -0.02, 0.0, 0.10, 0.36, 0.30, 0.36])
        color = mixed(identity.skin, (120, 60, 30), 0.6)
        canvas.tint(face.pose.face(x, y), color, 0.09, 0.4 * identity.freckles, speckle)
    if identity.beard:
        _paint_beard(canvas, face, speckle)


def _paint_beard(canvas: Canvas, face: Face, speckle: Mask) -> None:
    """Stubble or beard on chin, jaw and upper lip."""
    identity = face.identity
    color = mixed(identity.brow, identity.skin, 0.1)
    chin = face.chin_y
    x = np.array([-0.93, -0.80, -0.50, -0.30, 0.0, 0.30, 0.50, 0.80, 0.93, 0.80, 0.5, 0, -0.5, -0.80])
    low = chin - 0.02
    y = np.array([0.15, 0.50, 0.66, chin - 0.30, chin - 0.36, chin - 0.30, 0.66, 0.50, 0.15,
                  0.78, low - 0.16, low, low - 0.16, 0.78])  # fmt: skip
    canvas.tint(face.pose.face(x, y), color, 0.06, 0.8 * identity.beard, 0.16 * speckle)
    if identity.moustache:
        (left, left_y), (right, right_y) = face.corner(-1), face.corner(1)
        x = np.array([left * 1.15, 0.6 * left, 0, 0.6 * right, right * 1.15, 0.6 * right, 0, 0.6 * left])
        top, low = face.nose_y + 0.10, face.mouth_y - identity.upper_lip + 0.01
        y = np.array([left_y + 0.06, top + 0.05, top, top + 0.05, right_y + 0.06, low, low, low])
        canvas.tint(face.pose.face(x, y, 0.06), color, 0.03, 0.8 * identity.moustache, 0.16 * speckle)


def paint_front_hair(canvas: Canvas, face: Face, hair: Hair) -> None:
    """Paint the hair over forehead and temples, with strands and the shadow it throws.

    Args:
        canvas: The canvas.
        face: The face.
        hair: The hair.
    """
    identity = face.identity
    at = canvas.window(hair.front, 0.2)
    cover = canvas.mask([hair.front], 0.028, at)
    shadow = blur(cover, 0.07 * canvas.pose.unit)
    canvas.blend(at, np.float32(0.35) * shadow, mixed(identity.skin, (0, 0, 0), 0.75))
    strands = canvas.combed(hair.root, identity.texture_seed, at)
    paint = np.array(identity.hair, np.float32) * (1 + 0.13 * strands)[..., None]
    canvas.blend(at, np.float32(hair.opacity) * cover, paint.clip(0, 255))


def paint_glasses(canvas: Canvas, face: Face) -> None:
    """Paint the frames around both eyes, bridge and temples, on a person who wears glasses.

    Args:
        canvas: The canvas.
        face: The face.
    """
    identity, pose = face.identity, face.pose
    if not identity.glasses:
        return
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 1.0 if identity.glasses == 1 else 0.6
    round_x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    round_y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    width, thick = 0.34, 0.026
    for side in (-1, 1):
        x = side * identity.eye_spacing + width * round_x
        y = face.eye_y + 0.02 + 0.25 * round_y
        canvas.stroke(pose.face(x, y, 0.25), identity.glasses_color, thick, closed=True)
        ends = np.array([side * (identity.eye_spacing + width), side * 1.0])
        canvas.stroke(
            pose.face(ends, np.array([face.eye_y, face.eye_y - 0.03]), np.array([0.25, 0.0])),
            identity.glasses_color, thick,
        )  # fmt: skip
    inner = identity.eye_spacing - width
    canvas.stroke(
        pose.face(np.array([-inner, 0, inner]), face.eye_y + np.array([0.0, -0.04, 0.0]), 0.25),
        identity.glasses_color, thick,
    )  # fmt: skip
