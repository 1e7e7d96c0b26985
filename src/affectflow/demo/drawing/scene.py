"""Where and how the image is taken: pose, light, backdrop and camera, apart from the person."""

from dataclasses import dataclass
from math import radians

import numpy as np

from affectflow.demo.drawing.colors import Color, as_color

Range = tuple[float, float]

BACKDROPS = ("plain", "gradient", "room", "outdoors")


@dataclass(frozen=True)
class Scene:
    """One camera set-up. Angles are in radians, offsets and blur in image widths.

    resolution: image elements the sensor sees across, however large the image is drawn.
    """

    yaw: float
    pitch: float
    roll: float
    offset_x: float
    offset_y: float
    scale: float
    gaze_x: float
    gaze_y: float
    light_x: float
    light_y: float
    light_strength: float
    light_color: Color
    exposure: float
    contrast: float
    backdrop: int
    backdrop_colors: tuple[Color, Color]
    blur: float
    resolution: float
    noise: float
    seed: int


@dataclass(frozen=True)
class _Style:
    """Ranges one kind of footage is drawn from; angles in degrees, spread as a normal."""

    yaw: float
    pitch: float
    roll: float
    offset: float
    scale: Range
    side_light: float
    light_strength: Range
    warmth: Range
    exposure: Range
    contrast: Range
    backdrops: tuple[float, float, float, float]
    blur: Range
    resolution: Range
    noise: Range
    backdrop_tint: Color | None = None


_STYLES = {
    "web": _Style(
        yaw=9, pitch=5, roll=4, offset=0.025, scale=(1.12, 1.40), side_light=0.45,
        light_strength=(0.35, 0.75), warmth=(-0.06, 0.08), exposure=(0.85, 1.1),
        contrast=(0.9, 1.1), backdrops=(0.3, 0.3, 0.2, 0.2), blur=(0.0, 0.006),
        resolution=(90, 400), noise=(0.5, 4.0),
    ),
    "laboratory": _Style(
        yaw=7, pitch=4, roll=4, offset=0.025, scale=(1.12, 1.40), side_light=0.15,
        light_strength=(0.3, 0.5), warmth=(-0.03, 0.03), exposure=(0.88, 1.02),
        contrast=(0.95, 1.05), backdrops=(0.5, 0.5, 0.0, 0.0), blur=(0.001, 0.004),
        resolution=(120, 400), noise=(0.5, 2.0), backdrop_tint=(26, 42, 78),
    ),
    "webcam": _Style(
        yaw=8, pitch=5, roll=4, offset=0.025, scale=(1.12, 1.40), side_light=0.6,
        light_strength=(0.4, 0.8), warmth=(-0.14, 0.18), exposure=(0.65, 0.95),
        contrast=(0.8, 1.0), backdrops=(0.1, 0.1, 0.8, 0.0), blur=(0.002, 0.006),
        resolution=(60, 130), noise=(3.0, 8.0),
    ),
    "wild": _Style(
        yaw=9, pitch=5, roll=4, offset=0.025, scale=(1.12, 1.40), side_light=0.6,
        light_strength=(0.35, 0.85), warmth=(-0.12, 0.14), exposure=(0.75, 1.15),
        contrast=(0.85, 1.15), backdrops=(0.1, 0.15, 0.3, 0.45), blur=(0.0, 0.006),
        resolution=(64, 300), noise=(1.0, 6.0),
    ),
}  # fmt: skip

SCENE_STYLES = tuple(_STYLES)


def draw_scene(rng: np.random.Generator, style: str) -> Scene:
    """Draw a random set-up of one style of footage.

    Args:
        rng: Source of randomness.
        style: One of ``SCENE_STYLES``.
    """
    ranges = _STYLES[style]

    def spread(deviation: float) -> float:
        return float(deviation * np.clip(rng.standard_normal(), -1.8, 1.8))

    def within(limits: Range) -> float:
        return float(rng.uniform(*limits))

    def color() -> Color:
        base = rng.uniform(40, 225)
        return as_color(base + rng.uniform(-32, 32, 3))

    colors = (color(), color())
    if ranges.backdrop_tint is not None:
        near, far = rng.uniform(0.5, 1.6, 2)
        tint = np.array(ranges.backdrop_tint)
        colors = (as_color(near * tint), as_color(far * tint))
    warmth = within(ranges.warmth)
    return Scene(
        yaw=radians(spread(ranges.yaw)),
        pitch=radians(spread(ranges.pitch)),
        roll=radians(spread(ranges.roll)),
        offset_x=spread(ranges.offset),
        offset_y=spread(ranges.offset),
        scale=within(ranges.scale),
        gaze_x=spread(0.018),
        gaze_y=spread(0.008),
        light_x=spread(ranges.side_light),
        light_y=-float(rng.uniform(0.15, 0.75)),
        light_strength=within(ranges.light_strength),
        light_color=(1 + warmth, 1 + 0.15 * warmth, 1 - warmth),
        exposure=within(ranges.exposure),
        contrast=within(ranges.contrast),
        backdrop=int(rng.choice(len(BACKDROPS), p=ranges.backdrops)),
        backdrop_colors=colors,
        blur=within(ranges.blur),
        resolution=within(ranges.resolution),
        noise=within(ranges.noise),
        seed=int(rng.integers(2**31)),
    )
