"""One photograph of somebody: head, person, expression and scene in, pixels, box and landmarks out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.rendering.anatomy import ACTION_UNITS, STRONGEST
from affectflow.rendering.arithmetic import PI, cos, sin
from affectflow.rendering.atlas import WRINKLES
from affectflow.rendering.film import brightness, develop, expose, make_background
from affectflow.rendering.head import BASE_Y, Float32, Head
from affectflow.rendering.person import ANCESTRIES, Person
from affectflow.rendering.raster import FAR, find_normals, place, project, rasterize, rasterize_depth
from affectflow.rendering.scene import Scene
from affectflow.rendering.shading import Eyes, Lighting, Mesh, Samples, Surface, draw_lashes, draw_strands, shade
from affectflow.rendering.strands import (
    Strands,
    grow_beard,
    grow_brows,
    grow_hair,
    place_strands,
    shadow_strands,
)

_PER_PIXEL, _LARGE = 2, 256
"""Samples along a side of a pixel, and the side of images that are smooth enough with one."""
_NEAR = 0.06
_FOCAL = 0.36
"""Sides of the image that a decimetre takes at scale 1."""
_CENTER = np.array([0.0, -0.32, -0.55])
"""The middle of the image, from the middle of the eyes."""
_SHADOW_SIDE, _SHADOW_FRAME = 176, 4.0
_VERGENCE = 0.03
_LID_MIDDLE = 7.284
_FORWARD, _NOD = 1.6, 0.16
"""What action units 57 and 58 do: decimetres towards the camera, radians."""
_HAT_LIFT = 0.05
_BENT = 0.2
"""How glasses bend around a face."""


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A person who can be rendered: their neutral head, and their hair."""

    person: Person
    neutral: Float32
    hair: Strands | None
    brows: Strands
    beard: Strands | None


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """A photograph and what is where in it.

    Attributes:
        pixels: sRGB, uint8 [side, side, 3].
        box: Left, top, width and height of the face in pixels, from the hairline to the chin.
        landmarks: Column and row of right eye, left eye, tip of the nose, right and left corner of the mouth, [5, 2];
            right and left are the person's, and 0 is the left or upper edge of the image.
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float64]


_Drawn = tuple[Strands, Float32, Float32]
"""Strands, where they are before the camera, and on the screen."""


def make_figure(head: Head, person: Person) -> Figure:
    """Return a person with their head and hair, for any number of photographs.

    Args:
        head: The base head.
        person: The person.
    """
    neutral = head.moved(head.points, dict(person.shape))
    if person.hat:
        cover = np.clip((head.points[:, 1] - 7.74 - 0.12 * (head.points[:, 2] - 0.4)) / 0.1, 0, 1) * (head.part == 0)
        neutral += (_HAT_LIFT * cover[:, None] * head.normals).astype(np.float32)
    return Figure(person, neutral, grow_hair(head, person), grow_brows(head, person), grow_beard(head, person))


def render(
    head: Head,
    figure: Figure,
    intensity: NDArray[np.float32],
    scene: Scene,
    side: int,
    right: NDArray[np.float32] | None = None,
) -> Rendering:
    """Photograph somebody.

    Args:
        head: The base head.
        figure: Who is photographed.
        intensity: What the face shows, float32 [60], of AU k at index k - 1, from 0 to 5.
        scene: Pose, light, background and camera.
        side: Side of the image in pixels.
        right: What the right side of the face shows, where that is something else, [60].

    Raises:
        ValueError: The intensities have another shape.
    """
    if intensity.shape != (facs.COUNT,) or (right is not None and right.shape != (facs.COUNT,)):
        raise ValueError(f"intensity has shape {intensity.shape}, not ({facs.COUNT},)")
    left_share, right_share = intensity / STRONGEST, (intensity if right is None else right) / STRONGEST
    person = figure.person
    weights = expression_weights(person, left_share, right_share)
    weights |= _lids(scene.gaze_y)
    points = head.moved(figure.neutral, {name: w for name, w in weights.items() if name in head.number_of})
    left_eye, right_eye = head.eyes
    for eye in (left_eye, right_eye):  # the balls turn in place
        points[eye] = figure.neutral[eye]
    centers = np.stack([figure.neutral[eye].astype(np.float64).sum(axis=0) / len(eye) for eye in (left_eye, right_eye)])

    per_pixel = _PER_PIXEL if side <= _LARGE else 1
    grid = side * per_pixel
    closer = float(left_share[57 - 1] - left_share[58 - 1])
    turn = _rotation(scene.yaw, scene.pitch + _NOD * closer, scene.roll)
    distance = scene.distance
    focal = grid * _FOCAL * distance * scene.scale
    distance -= _FORWARD * closer
    center_x, center_y = grid * (0.5 + scene.offset_x), grid * (0.5 + scene.offset_y)
    middle = (centers[0] + centers[1]) / 2 + _CENTER
    matrix = np.column_stack([turn, _apply(turn, -middle) + np.array([0, 0, -distance])])
    placed, normals = np.empty_like(points), np.empty_like(points)
    place(points, matrix, placed)
    find_normals(placed, head.triangles, normals)
    screen = np.empty((len(points), 4), np.float32)
    project(placed, focal, center_x, center_y, screen)

    samples = Samples(
        np.full((grid, grid), FAR, np.float32),
        np.full((grid, grid), -1, np.int32),
        np.empty((grid, grid, 2), np.float32),
        np.zeros((grid, grid, 3), np.float32),
    )
    rasterize(screen, head.triangles, True, samples.depth, samples.triangle, samples.shares)

    lighting = _lighting(scene, distance)
    lit = np.empty_like(points)
    place(placed, lighting.matrix, lit)
    rasterize_depth(lit, head.triangles, lighting.depth)
    drawn: list[_Drawn | None] = []
    for strands in (figure.brows, figure.beard, figure.hair):
        if strands is None:
            drawn.append(None)
            continue
        shape = (*strands.course.shape[:2], 3)
        at, on_screen = np.empty(shape, np.float32), np.empty(shape, np.float32)
        place_strands(
            strands.triangle, strands.shares, strands.course, head.skin, points, matrix, focal, center_x, center_y,
            at, on_screen,
        )  # fmt: skip
        drawn.append((strands, at, on_screen))
    if drawn[2] is not None:
        shadow_strands(drawn[2][1], lighting.matrix, lighting.depth)

    up = np.ascontiguousarray(turn[:, 1])
    eyes = _eyes(head, points, centers, scene, turn, matrix)
    surface = _surface(person, np.stack([_wrinkles(person, shares) for shares in (left_share, right_share)]))
    mesh = Mesh(head.triangles, head.triangle_part, placed, normals, head.attributes)
    shade(samples, mesh, head.regions, head.wrinkles, head.noise, surface, eyes, lighting, up, per_pixel, _NEAR)
    frame = _frame(head, screen)
    level = brightness(samples.color, samples.triangle, *_inner(frame))
    fine = grid / 256 * scene.scale
    woman = person.male <= 0.5
    brows, beard, hair = drawn
    assert brows is not None
    _draw(samples, brows, person.brow, 0.3, 1.0 * fine, 0.05, 0.06, 0.45, lighting)
    if beard is not None:
        _draw(samples, beard, person.brow * 1.2, 0.55, 0.75 * fine, 0.03, 0.15, 0.5, lighting)
    draw_lashes(samples, head.lashes, screen, 0.62 if woman else 0.42, 0.2 if woman else 0.1)
    if person.glasses:
        _draw_glasses(samples, head, figure, points, matrix, focal, center_x, center_y, lighting)
    if hair is not None:
        short = person.style.name == "buzz"
        _draw(
            samples,
            hair,
            person.hair,
            0.6 if short else 1.0,
            (0.7 if short else 1.4) * fine,
            0.005,
            0.45,
            0.3,
            lighting,
        )

    light = np.empty((side, side, 3), np.float32)
    # A camera meters for the whole image: dark skin stays darker than light skin, but not by all of its difference.
    reflectance = float(0.2126 * person.skin[0] + 0.7152 * person.skin[1] + 0.0722 * person.skin[2])
    gain = (0.11 + 0.46 * reflectance) * scene.exposure / max(level, 1e-4)
    gains = gain * np.array([1 + scene.warmth, 1.0, 1 - scene.warmth])
    behind = float(scene.light.ambient[0].sum() / 3 + 0.4 * scene.light.color.sum() / 3)
    expose(samples.color, samples.triangle, make_background(scene), behind, gains, scene.contrast, light)
    pixels = develop(light, scene.blur * side, scene.noise, scene.seed)
    left, top, right_edge, bottom = (float(value) / per_pixel for value in frame)
    return Rendering(
        pixels,
        (left, top, right_edge - left, bottom - top),
        _landmarks(head, screen, eyes, focal, center_x, center_y, per_pixel),
    )


def expression_weights(person: Person, left: NDArray[np.floating], right: NDArray[np.floating]) -> dict[str, float]:
    """Return the weights of the targets of an expression.

    Args:
        person: Whose face it is.
        left: Shares of the strongest intensity on the left side, [60].
        right: The same on the right side.
    """
    weights: dict[str, float] = {}

    def add(name: str, weight: float) -> None:
        if weight:
            weights[name] = weights.get(name, 0.0) + weight

    closed = float(max(left[43 - 1], right[43 - 1]))
    for side in ("Left", "Right"):
        add(f"unit/eyeWide{side}", person.wide_eyes * (1 - 0.9 * closed))
    for unit, one in ACTION_UNITS.items():
        gain_left, gain_right = person.gains[unit] if unit != 43 else (1.0, 1.0)
        amounts = {"Left": gain_left * float(left[unit - 1]), "Right": gain_right * float(right[unit - 1])}
        if not any(amounts.values()):
            continue
        both, common = sum(amounts.values()) / 2, min(amounts.values())
        other = person.other_rig.get(unit, 0.0)
        # Units of the second rig that have no side take part in what both sides show.
        replaced = {side: other * (common if one.other_middle else amount) for side, amount in amounts.items()}
        for side, amount in amounts.items():
            for name, weight in one.sided.items():
                add(f"unit/{name}{side}", weight * (amount - replaced[side]))
        for name, weight in one.middle.items():
            add(f"unit/{name}", weight * (both - sum(replaced.values()) / 2))
        for share, ancestry in zip(person.ancestry, ANCESTRIES, strict=True):
            if share < 0.02:
                continue
            for side, amount in amounts.items():
                for name, weight in one.other_sided.items():
                    add(f"expression/{ancestry}/{name.replace('*', side.lower())}", weight * amount * other * share)
            for name, weight in one.other_middle.items():
                add(f"expression/{ancestry}/{name}", weight * other * common * share)
            for name, weight in one.added.items():
                for side, amount in amounts.items() if "*" in name else (("", common),):
                    add(f"expression/{ancestry}/{name.replace('*', side.lower())}", weight * amount * share)
    return weights


def _lids(up: float) -> dict[str, float]:
    """Return how the lids follow the eyes."""
    direction = "Up" if up > 0 else "Down"
    amount = 0.8 * min(1.0, 2.2 * abs(up))
    return {f"unit/eyeLook{direction}{side}": amount for side in ("Left", "Right")}


def _wrinkles(person: Person, shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the depth of each wrinkle of a side, by age and by what it shows."""
    age = person.age
    resting = {
        "forehead_middle": 0.35 * age * age, "forehead_side": 0.3 * age * age, "glabella": 0.25 * age * age,
        "crows_feet": 0.5 * age * age, "lower_lid": 0.3 * age, "nasolabial": 0.12 + 0.45 * age,
        "marionette": 0.45 * age * age, "lips": 0.25 * age * age,
    }  # fmt: skip
    folds = 0.5 + 0.9 * age
    found = []
    for name, own in zip(WRINKLES, person.wrinkles, strict=True):
        shown = max((float(shares[unit - 1]) * one.wrinkles.get(name, 0.0) for unit, one in ACTION_UNITS.items()))
        found.append(float(own) * (resting.get(name, 0.0) + 0.9 * shown * folds))
    return np.array(found)


def _surface(person: Person, wrinkles: NDArray[np.float64]) -> Surface:
    bald = not person.style.count
    return Surface(
        person.skin, person.lip, person.hair, person.cloth, person.collar, person.teeth, person.iris, person.shadow,
        person.shadow_strength, person.iris_radius, person.pupil, person.roughness, person.gloss, person.blood,
        person.melanin, person.blotches, person.spots, person.pores, person.freckles, person.noise_shift,
        person.noise_mirrored, wrinkles, max(person.stubble, 0.6 if person.beard else 0.0),
        max(person.stubble, 0.6 if person.beard and person.cheek_beard else 0.0),
        0.12 if bald else 0.7 if person.style.name == "buzz" else 0.95, person.receding, person.hat,
    )  # fmt: skip


def _rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    cy, sy, cp, sp, cr, sr = cos(yaw), sin(yaw), cos(pitch), sin(pitch), cos(roll), sin(roll)
    nodded = ((cy, 0.0, sy), (sp * sy, cp, -sp * cy), (-cp * sy, sp, cp * cy))
    first, second, third = (np.array(row) for row in nodded)
    return np.stack([cr * first - sr * second, sr * first + cr * second, third])


def _apply(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply, in one order on all CPUs."""
    return np.array([row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2] for row in matrix])


def _lighting(scene: Scene, distance: float) -> Lighting:
    light = scene.light
    toward = light.direction
    flat = np.sqrt(toward[0] ** 2 + toward[2] ** 2)
    across = np.array([toward[2], 0.0, -toward[0]]) / max(flat, 1e-6)
    upward = np.array(
        [
            toward[1] * across[2] - toward[2] * across[1],
            toward[2] * across[0] - toward[0] * across[2],
            toward[0] * across[1] - toward[1] * across[0],
        ]
    )
    scale = _SHADOW_SIDE / _SHADOW_FRAME
    center = np.array([0.0, -0.1, -distance])
    rows = [scale * across, scale * upward, -toward]
    shifts = [_SHADOW_SIDE / 2, _SHADOW_SIDE / 2, 0.0]
    matrix = np.array([[*row, shift - float((row * center).sum())] for row, shift in zip(rows, shifts, strict=True)])
    depth = np.full((_SHADOW_SIDE, _SHADOW_SIDE), FAR, np.float32)
    return Lighting(light.ambient, light.direction, light.color, light.fill_direction, light.fill_color, matrix, depth)


def _eyes(
    head: Head,
    points: Float32,
    centers: NDArray[np.float64],
    scene: Scene,
    turn: NDArray[np.float64],
    matrix: NDArray[np.float64],
) -> Eyes:
    lids = np.zeros((2, 2))
    for e, margin in enumerate(head.lid_margins):
        height = (points[margin, 1] - centers[e, 1]) / head.eye_radius
        upper = head.attributes[margin, BASE_Y] > _LID_MIDDLE
        lids[e] = height[upper].min(), height[~upper].max()
    gaze = np.array([sin(scene.gaze_x) * cos(scene.gaze_y), sin(scene.gaze_y), cos(scene.gaze_x) * cos(scene.gaze_y)])
    looks = [gaze + np.array([inward, 0, 0]) for inward in (-_VERGENCE, _VERGENCE)]
    before = np.stack([_apply(matrix[:, :3], center) + matrix[:, 3] for center in centers])
    return Eyes(before, np.stack([_apply(turn, look / np.sqrt((look * look).sum())) for look in looks]), lids)


def _frame(head: Head, screen: Float32) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the face in samples."""
    column, row = screen[head.face, 0], screen[head.face, 1]
    return float(column.min()), float(row.min()), float(column.max()), float(row.max())


def _inner(frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the middle of a frame, in which the light is measured."""
    left, top, right, bottom = frame
    width, height = right - left, bottom - top
    return left + 0.2 * width, top + 0.2 * height, right - 0.2 * width, bottom - 0.15 * height


def _landmarks(
    head: Head, screen: Float32, eyes: Eyes, focal: float, center_x: float, center_y: float, per_pixel: int
) -> NDArray[np.float64]:
    pupils = eyes.centers + 0.9 * head.eye_radius * eyes.gaze
    left, right = (
        np.array([center_x + focal * pupil[0] / -pupil[2], center_y - focal * pupil[1] / -pupil[2]]) for pupil in pupils
    )
    on_skin = [screen[point, :2].astype(np.float64) for point in (head.nose_tip, *reversed(head.mouth_corners))]
    return np.stack([right, left, *on_skin]) / per_pixel


def _draw(
    samples: Samples,
    drawn: _Drawn,
    color: NDArray[np.float64],
    alpha: float,
    width: float,
    before: float,
    gloss: float,
    taper: float,
    lighting: Lighting,
) -> None:
    strands, placed, screen = drawn
    draw_strands(
        samples, placed, screen, strands.tint, strands.open, color, alpha, width, before, gloss, taper, lighting
    )


def _draw_glasses(
    samples: Samples,
    head: Head,
    figure: Figure,
    points: Float32,
    matrix: NDArray[np.float64],
    focal: float,
    center_x: float,
    center_y: float,
    lighting: Lighting,
) -> None:
    """Draw rims, bridge and temples as thick strands before the eyes."""
    person = figure.person
    half_width, half_height = person.glasses_size
    left_eye, right_eye = (figure.neutral[eye].astype(np.float64).sum(axis=0) / len(eye) for eye in head.eyes)
    front = float((points[head.around_eyes, 2] + _BENT * points[head.around_eyes, 0] ** 2).max()) + 0.02
    rims = []
    turns = np.linspace(0, 2 * PI, 25)
    circle = np.array([[cos(turn), sin(turn)] for turn in turns])
    shape = np.sign(circle) * np.sqrt(np.abs(circle))  # between a circle and a square
    for center, outward in ((left_eye, 1.0), (right_eye, -1.0)):
        x = center[0] + 0.03 * outward + half_width * 0.92 * shape[:, 0]
        y = center[1] - 0.03 + half_height * 0.92 * shape[:, 1]
        z = front - _BENT * x**2
        rims.append(np.stack([x, y, z], axis=1))
        hinge = np.array([center[0] + outward * (0.03 + half_width), center[1] + 0.05, 0.0])
        hinge[2] = front - _BENT * hinge[0] ** 2
        ear = np.array([outward * 0.80, center[1] + 0.03, 0.25])
        rims.append(hinge + np.linspace(0, 1, 25)[:, None] * (ear - hinge))
    bridge = np.linspace(right_eye[0] + 0.85 * half_width, left_eye[0] - 0.85 * half_width, 25)
    arch = 0.05 * (1 - (bridge / max(1e-3, abs(float(bridge[0])))) ** 2)
    rims.append(np.stack([bridge, left_eye[1] + 0.02 + arch, front + 0 * bridge], axis=1))
    course = np.stack(rims).astype(np.float32)
    placed, screen = np.empty_like(course), np.empty_like(course)
    flat, flat_screen = placed.reshape(-1, 3), np.empty((course.shape[0] * course.shape[1], 4), np.float32)
    place(course.reshape(-1, 3), matrix, flat)
    project(flat, focal, center_x, center_y, flat_screen)
    screen[:] = flat_screen[:, :3].reshape(course.shape)
    width = max(1.0, person.glasses * focal / float(-placed[0, 0, 2]))
    ones = np.ones(course.shape[:2], np.float32)
    draw_strands(
        samples, placed, screen, ones[:, 0].copy(), ones, person.glasses_color, 1.0, width, 0.01, 0.3, 0.0, lighting
    )
