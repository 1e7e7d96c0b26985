"""Render one image of a person: head, person, expression and scene in, pixels, box and landmarks out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.rendering.anatomy import STRONGEST
from affectflow.rendering.arithmetic import cos, sin
from affectflow.rendering.background import make_background
from affectflow.rendering.camera import capture, mean_luminance, tone_map
from affectflow.rendering.deformation import expression_weights, lid_weights, wrinkle_depths
from affectflow.rendering.glasses import glasses_course
from affectflow.rendering.growth import grow_beard, grow_brows, grow_hair
from affectflow.rendering.head import BASE_Y, Float32, Head
from affectflow.rendering.lighting import Lighting, make_lighting
from affectflow.rendering.materials import Eyes, surface_of
from affectflow.rendering.person import Person
from affectflow.rendering.raster import FAR, find_normals, place, project, rasterize, rasterize_depth
from affectflow.rendering.scene import Scene
from affectflow.rendering.shading import Mesh, Samples, shade
from affectflow.rendering.strands import Strands, draw_lashes, draw_strands, place_strands, shadow_strands

_PER_PIXEL, _LARGE = 2, 256
"""Samples along a side of a pixel, and the side of images that are smooth enough with one."""
_NEAR = 0.06
_FOCAL = 0.36
"""Sides of the image that a decimetre takes at scale 1."""
_CENTER = np.array([0.0, -0.32, -0.55])
"""The middle of the image, from the middle of the eyes."""
_VERGENCE = 0.03
_LID_MIDDLE = 7.284
_FORWARD, _NOD = 1.6, 0.16
"""What action units 57 and 58 do: decimetres towards the camera, radians."""
_HAT_LIFT = 0.05


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
    """An image and the position of the face in it.

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
    """Return a person with their head and hair, for any number of images.

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
    """Render one image of a person.

    Args:
        head: The base head.
        figure: The person.
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
    weights |= lid_weights(scene.gaze_y)
    points = head.moved(figure.neutral, weights)
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

    lighting = make_lighting(scene, distance)
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
    surface = surface_of(person, np.stack([wrinkle_depths(person, shares) for shares in (left_share, right_share)]))
    mesh = Mesh(head.triangles, head.triangle_part, placed, normals, head.attributes)
    shade(samples, mesh, head.regions, head.wrinkles, head.noise, surface, eyes, lighting, up, per_pixel, _NEAR)
    frame = _frame(head, screen)
    level = mean_luminance(samples.color, samples.triangle, *_inner(frame))
    fine = grid / 256 * scene.scale
    woman = person.male <= 0.5
    brows, beard, hair = drawn
    assert brows is not None
    _draw(samples, brows, person.brow, 0.3, 1.0 * fine, 0.05, 0.06, 0.45, lighting)
    if beard is not None:
        _draw(samples, beard, person.brow * 1.2, 0.55, 0.75 * fine, 0.03, 0.15, 0.5, lighting)
    draw_lashes(samples, head.lashes, screen, 0.62 if woman else 0.42, 0.2 if woman else 0.1)
    if person.glasses:
        course = glasses_course(head, person, centers, points)
        at, on_screen = np.empty_like(course), np.empty((course.shape[0] * course.shape[1], 4), np.float32)
        place(course.reshape(-1, 3), matrix, at.reshape(-1, 3))
        project(at.reshape(-1, 3), focal, center_x, center_y, on_screen)
        frame_width = max(1.0, person.glasses * focal / float(-at[0, 0, 2]))
        ones = np.ones(course.shape[:2], np.float32)
        draw_strands(
            samples, at, on_screen[:, :3].reshape(course.shape), ones[:, 0].copy(), ones, person.glasses_color, 1.0,
            frame_width, 0.01, 0.3, 0.0, lighting,
        )  # fmt: skip
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
    tone_map(samples.color, samples.triangle, make_background(scene), behind, gains, scene.contrast, light)
    pixels = capture(light, scene.blur * side, scene.noise, scene.seed)
    left, top, right_edge, bottom = (float(value) / per_pixel for value in frame)
    return Rendering(
        pixels,
        (left, top, right_edge - left, bottom - top),
        _landmarks(head, screen, eyes, focal, center_x, center_y, per_pixel),
    )


def _rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    cy, sy, cp, sp, cr, sr = cos(yaw), sin(yaw), cos(pitch), sin(pitch), cos(roll), sin(roll)
    nodded = ((cy, 0.0, sy), (sp * sy, cp, -sp * cy), (-cp * sy, sp, cp * cy))
    first, second, third = (np.array(row) for row in nodded)
    return np.stack([cr * first - sr * second, sr * first + cr * second, third])


def _apply(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply, in one order on all CPUs."""
    return np.array([row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2] for row in matrix])


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
