"""Who is drawn: the lasting traits of one imaginary person, apart from any expression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow.demo.drawing.colors import Color, along, as_color

HAIR_STYLES = ("shaved", "short", "swept", "bob", "long", "bun", "curly")

# Skin from very light to very dark; tones are drawn between neighbours.
SKIN_RAMP = np.array(
    [
        (240, 200, 176),
        (230, 182, 152),
        (220, 170, 136),
        (196, 142, 106),
        (160, 108, 76),
        (118, 76, 54),
        (80, 52, 40),
    ],
    np.float64,
)
HAIR_RAMP = np.array([(28, 22, 20), (58, 38, 28), (104, 66, 38), (150, 84, 44), (196, 154, 96)], np.float64)
GREY_HAIR = np.array([176, 174, 172])
IRIS_RAMP = np.array([(52, 32, 22), (88, 58, 34), (96, 102, 62), (96, 122, 140), (84, 124, 168)], np.float64)


@dataclass(frozen=True)
class Identity:
    """One person. Lengths are in half face widths; weights without a unit run from 0 to 1."""

    age: float
    femininity: float
    # head
    face_length: float
    jaw_width: float
    chin_length: float
    cheek_fullness: float
    asymmetry: float
    mobility: float
    # color
    skin: Color
    hair: Color
    brow: Color
    iris: Color
    lip: Color
    ruddiness: float
    oiliness: float
    freckles: float
    # hair
    hair_style: int
    hair_volume: float
    hairline: float
    fringe: float
    parting: float
    # features
    brow_height: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    brow_density: float
    eye_spacing: float
    eye_width: float
    eye_opening: float
    eye_tilt: float
    lid_fold: float
    nose_length: float
    nose_width: float
    nose_relief: float
    mouth_height: float
    mouth_width: float
    mouth_tilt: float
    upper_lip: float
    lower_lip: float
    teeth: float
    # extras
    beard: float
    moustache: float
    glasses: int
    glasses_color: Color
    clothes: Color
    collar: float
    texture_seed: int


def draw_identity(rng: np.random.Generator) -> Identity:
    """A random person; traits that go together (with sex, age or coloring) are drawn together."""

    def around(center: float, spread: float) -> float:
        return float(center + spread * np.clip(rng.standard_normal(), -2.0, 2.0))

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    femininity = float(np.clip(rng.beta(0.5, 0.5), 0.0, 1.0))
    masculine = 1.0 - femininity
    age = float(rng.beta(1.3, 1.7))
    tone = float(rng.beta(0.9, 1.2))
    skin = along(SKIN_RAMP, tone) * (1 + rng.uniform(-0.04, 0.04, 3))

    hair, brow = _hair_and_brow(rng, age, tone, skin)

    made_up = femininity > 0.6 and chance(0.4)
    lip_base = skin * np.array([0.86, 0.66, 0.66])
    lipstick = np.array([rng.uniform(140, 200), rng.uniform(20, 70), rng.uniform(40, 80)])
    lip = lip_base * 0.55 + lipstick * 0.45 if made_up else lip_base

    style_weights = (
        np.array([0.16, 0.42, 0.28, 0.02, 0.02, 0.0, 0.10])
        if masculine > 0.5
        else np.array([0.01, 0.08, 0.16, 0.26, 0.27, 0.12, 0.10])
    )
    bearded = masculine > 0.5 and chance(0.35)
    return Identity(
        age=age,
        femininity=femininity,
        face_length=around(1.0, 0.045),
        jaw_width=around(0.97 + 0.05 * masculine, 0.05),
        chin_length=around(1.0 + 0.02 * masculine, 0.04),
        cheek_fullness=float(rng.random()),
        asymmetry=around(0.0, 0.08),
        mobility=around(1.0, 0.08),
        skin=as_color(skin),
        hair=as_color(hair),
        brow=as_color(brow),
        iris=as_color(along(IRIS_RAMP, float(np.clip(rng.beta(1, 1.2) * (1.2 - tone), 0, 1)))),
        lip=as_color(lip * rng.uniform(0.92, 1.05)),
        ruddiness=float(rng.uniform(0.2, 1.0)),
        oiliness=float(rng.uniform(0.0, 1.0)),
        freckles=float(rng.random()) if tone < 0.35 and chance(0.2) else 0.0,
        hair_style=int(rng.choice(len(HAIR_STYLES), p=style_weights)),
        hair_volume=float(rng.uniform(0.10, 0.30)),
        hairline=around(-1.13 - 0.07 * masculine * age, 0.06),
        fringe=float(rng.uniform(0.5, 1.0)) if chance(0.10 + 0.2 * femininity) else 0.0,
        parting=float(rng.uniform(-0.6, 0.6)),
        brow_height=around(0.30 + 0.025 * femininity, 0.025),
        brow_thickness=around(0.085 - 0.03 * femininity, 0.01),
        brow_arch=around(0.045 + 0.02 * femininity, 0.015),
        brow_tilt=around(0.0, 0.02),
        brow_density=float(rng.uniform(0.65, 1.0)),
        eye_spacing=around(0.455, 0.015),
        eye_width=around(0.205, 0.011),
        eye_opening=around(1.0 + 0.06 * femininity, 0.07),
        eye_tilt=around(0.008, 0.014),
        lid_fold=float(rng.uniform(0.15, 1.0)),
        nose_length=around(0.63, 0.03),
        nose_width=around(0.235 + 0.02 * masculine + 0.03 * tone, 0.018),
        nose_relief=around(1.0, 0.12),
        mouth_height=around(0.315, 0.022),
        mouth_width=around(0.385, 0.025),
        mouth_tilt=around(0.0, 0.012),
        upper_lip=around(0.066 + 0.012 * tone, 0.012),
        lower_lip=around(0.098 + 0.012 * tone, 0.014),
        teeth=float(rng.uniform(0.75, 1.0)),
        beard=float(rng.uniform(0.3, 1.0)) if bearded else 0.0,
        moustache=float(rng.uniform(0.4, 1.0)) if bearded and chance(0.7) else 0.0,
        glasses=int(rng.integers(1, 3)) if chance(0.14) else 0,
        glasses_color=as_color(np.array([40.0, 32, 30]) + rng.uniform(-25, 90) * np.ones(3)),
        clothes=as_color(rng.uniform(20, 210) + rng.uniform(-40, 40, 3)),
        collar=float(rng.random()),
        texture_seed=int(rng.integers(2**31)),
    )


def _hair_and_brow(
    rng: np.random.Generator, age: float, tone: float, skin: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw the colors of hair and eyebrows, RGB [3] each; eyebrows are darker than the skin."""
    hair_position = float(np.clip(rng.beta(1.0, 1.4) * (1.15 - tone), 0.0, 1.0))
    grey = float(np.clip((age - 0.55) * 2.2 + rng.normal(0, 0.2), 0.0, 1.0))
    natural_hair = along(HAIR_RAMP, hair_position) * rng.uniform(0.85, 1.15)
    hair = natural_hair * (1 - grey) + GREY_HAIR * rng.uniform(0.8, 1.2) * grey
    brow = natural_hair * (1 - 0.6 * grey) * 0.8 + GREY_HAIR * 0.4 * grey
    return hair, np.minimum(brow, skin * 0.72)
