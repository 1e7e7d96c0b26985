"""Who is rendered: the lasting traits of one imaginary adult, apart from any expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.anatomy import ACTION_UNITS
from affectflow.rendering.atlas import REGIONS, WRINKLES
from affectflow.rendering.color import Color, linear, skin_color
from affectflow.rendering.hair_styles import STYLES, HairStyle

ANCESTRIES = ("african", "asian", "caucasian")
"""MakeHuman's names of its three families of head shapes."""
_TYPICAL_ITA = np.array([-38.0, 36.0, 46.0])
_ITA_SPREAD, _ITA_RANGE = 16.0, (-56.0, 64.0)
_SPREADS = {
    "head": 0.11, "forehead": 0.15, "eyebrows": 0.18, "neck": 0.10, "nose": 0.2, "mouth": 0.2, "eyes": 0.15,
    "cheek": 0.2, "chin": 0.17, "ears": 0.2, "asym": 0.09,
}  # fmt: skip
"""Deviation of the local targets of each part of the head."""
_LIMIT = 2.2
_NOT_HUMAN = ("pointed", "diamond", "triang", "head-trans", "neck-trans", "trans-in", "epicanthus")
_OPPOSITES = (
    *(("incr", "decr"), ("up", "down"), ("out", "in"), ("forward", "backward"), ("convex", "concave")),
    ("uncompress", "compress"),
)

_HAIR = (  # linear RGB, and weights by ancestry
    ((0.030, 0.025, 0.022), (3.0, 3.0, 0.5)),
    ((0.075, 0.048, 0.034), (0.8, 1.0, 1.2)),
    ((0.16, 0.095, 0.056), (0.02, 0.05, 0.8)),
    ((0.36, 0.25, 0.14), (0.01, 0.01, 0.6)),
    ((0.20, 0.075, 0.034), (0.005, 0.01, 0.15)),
)
_IRIS = (
    ((0.050, 0.026, 0.014), (4.0, 3.5, 0.9)),
    ((0.11, 0.060, 0.028), (0.6, 0.8, 0.9)),
    ((0.12, 0.11, 0.065), (0.02, 0.02, 0.5)),
    ((0.11, 0.17, 0.25), (0.01, 0.01, 0.9)),
    ((0.14, 0.18, 0.15), (0.01, 0.01, 0.4)),
)
_LIPSTICKS = ((0.62, 0.12, 0.17), (0.70, 0.30, 0.30), (0.45, 0.10, 0.16), (0.75, 0.36, 0.38))  # sRGB


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One imaginary adult. Colors are linear RGB; weights without a unit run from 0 to 1.

    Attributes:
        seed: Seed of the person's hair.
        male: 0 for a woman to 1 for a man.
        age: 0 for about 20 years to 1 for about 90.
        ancestry: Shares of :data:`ANCESTRIES`.
        ita: Individual typology angle of the skin in degrees.
        shape: Weights of the targets of the head.
        other_rig: Share of the second rig in each action unit.
        gains: How strongly each action unit shows on the left and right side, factors of about 1.
        wide_eyes: How far the lids are open at rest, more than in the base head.
        skin: Color of the skin, and of other things.
        lip: Color of the lips.
        hair: Color of the hair.
        brow: Color of the eyebrows.
        iris: Color of the iris.
        teeth: Color of the teeth.
        cloth: Color of the clothes, and of a hat.
        collar: Height of the collar, and how it falls to the sides and the front.
        shadow: Color of make-up above the eyes.
        shadow_strength: How much of it there is.
        iris_radius: Angle of the iris in radians.
        pupil: Radius of the pupil as a share.
        roughness: Of the skin.
        gloss: Reflectance of the skin at right angles.
        blood: How much redder each region of the skin is.
        melanin: How much darker each region is.
        blotches: How much of each layer of noise reddens the skin.
        spots: How much of each layer darkens it.
        pores: How strongly the two finest layers bend the surface.
        freckles: How strong freckles are.
        noise_shift: By how many texels the person's noise is turned.
        noise_mirrored: Whether it is mirrored.
        wrinkles: How deep each wrinkle gets, factors of about 1.
        style: How the hair is worn.
        receding: How far the hairline goes back, in decimetres.
        brow_thickness: Of the eyebrows, a factor.
        brow_arch: How bent they are.
        stubble: Darkness of a shaved beard.
        beard: Length of a beard in decimetres, 0 for none.
        cheek_beard: Whether it covers the cheeks, besides the upper lip.
        glasses: Thickness of the frame in decimetres; 0 for none.
        glasses_color: Color of the frame.
        glasses_size: Half width and half height of a glass in decimetres.
        hat: Whether the scalp is covered.
    """

    seed: int
    male: float
    age: float
    ancestry: NDArray[np.float64]
    ita: float
    shape: Mapping[str, float]
    other_rig: Mapping[int, float]
    gains: Mapping[int, tuple[float, float]]
    wide_eyes: float
    skin: Color
    lip: Color
    hair: Color
    brow: Color
    iris: Color
    teeth: Color
    cloth: Color
    collar: NDArray[np.float64]
    shadow: Color
    shadow_strength: float
    iris_radius: float
    pupil: float
    roughness: float
    gloss: float
    blood: NDArray[np.float64]
    melanin: NDArray[np.float64]
    blotches: NDArray[np.float64]
    spots: NDArray[np.float64]
    pores: NDArray[np.float64]
    freckles: float
    noise_shift: int
    noise_mirrored: bool
    wrinkles: NDArray[np.float64]
    style: HairStyle
    receding: float
    brow_thickness: float
    brow_arch: float
    stubble: float
    beard: float
    cheek_beard: bool
    glasses: float
    glasses_color: Color
    glasses_size: tuple[float, float]
    hat: bool


def draw_person(
    rng: np.random.Generator,
    target_names: Sequence[str],
    *,
    male: float | None = None,
    age: float | None = None,
    ancestry: Sequence[float] | None = None,
    ita: float | None = None,
) -> Person:
    """Return a random adult; traits that go together, by sex, age or ancestry, are drawn together.

    Args:
        rng: Source of randomness.
        target_names: Names of the head's targets.
        male: 0 to 1, see :class:`Person`; None for a random one, as all that follow.
        age: 0 to 1.
        ancestry: Shares of :data:`ANCESTRIES`.
        ita: Individual typology angle in degrees.
    """
    if male is None:
        male = float(np.clip((rng.random() - 0.5) * 2.6 + 0.5, 0, 1))
    is_man = male > 0.5
    age = float(rng.beta(1.2, 1.9)) * 0.95 if age is None else age
    shares = rng.dirichlet([0.35, 0.35, 0.35]) if ancestry is None else np.asarray(ancestry, float)
    if ita is None:
        ita = float(np.clip(shares @ _TYPICAL_ITA + _ITA_SPREAD * rng.standard_normal(), *_ITA_RANGE))
    skin = skin_color(ita, 1.2 * rng.standard_normal(), 1.2 * rng.standard_normal())
    dark = float(np.clip((45 - ita) / 90, 0, 1))

    hair = _choose(rng, _HAIR, shares) * rng.uniform(0.75, 1.3)
    greying = float(np.clip((age - 0.3) / 0.45, 0, 1))
    if rng.random() < greying:
        grey = rng.uniform(0.35, 1)
        hair = hair * (1 - grey) + grey * np.array([0.37, 0.36, 0.35]) * rng.uniform(0.6, 1.2)
    made_up = not is_man and rng.random() < 0.45
    lip = skin * np.array([0.80, 0.52, 0.54]) * rng.uniform(0.9, 1.05)
    if made_up:
        stick, cover = linear(np.array(_LIPSTICKS[rng.integers(len(_LIPSTICKS))])), rng.uniform(0.25, 0.75)
        lip = lip * (1 - cover) + cover * stick * (1 - 0.35 * dark)

    uniform = rng.uniform
    blood = np.array([uniform(0.1, 1.0), uniform(0.2, 0.9), uniform(-0.15, 0.1), uniform(0, 0.5), 0.2, 0.1, 0.1, 0.1])
    melanin = np.zeros(len(REGIONS))
    melanin[REGIONS.index("eye")] = uniform(0.05, 0.4) * (0.5 + 0.8 * age)
    melanin[REGIONS.index("upper_lid")] = 0.25 * uniform(0, 1)
    blotch = uniform(0.3, 1.0)
    shaving = rng.random() if is_man else 1.0
    style = _choose_style(rng, is_man, age, shares)
    hat = style.name != "afro" and rng.random() < 0.06
    frame = rng.random()
    return Person(
        seed=int(rng.integers(2**31)),
        male=male,
        age=age,
        ancestry=shares,
        ita=ita,
        shape=_shape(rng, tuple(target_names), male, age, shares),
        other_rig={u: float(uniform(0, one.other_share)) for u, one in ACTION_UNITS.items() if one.other_share},
        gains={unit: _gains(rng) for unit in ACTION_UNITS},
        wide_eyes=float(uniform(0.05, 0.45)),
        skin=skin,
        lip=lip,
        hair=hair,
        brow=np.minimum(np.minimum(hair, np.array([0.16, 0.11, 0.08])) * 0.6, skin * 0.5),
        iris=_choose(rng, _IRIS, shares) * uniform(0.8, 1.3),
        teeth=np.array([0.60, 0.55, 0.46]) * uniform(0.85, 1.1),
        cloth=linear(uniform(0.05, 0.9) * (1 - uniform(0, 0.6) * rng.random(3))),
        collar=np.array([5.62 + uniform(-0.25, 0.25), uniform(0, 0.55), uniform(0, 0.5)]),
        shadow=linear(uniform(0.1, 0.6) * (1 - 0.6 * rng.random(3))),
        shadow_strength=float(uniform(0.1, 0.5)) if made_up and rng.random() < 0.6 else 0.0,
        iris_radius=float(uniform(0.46, 0.52)),
        pupil=float(uniform(0.28, 0.48)),
        roughness=float(uniform(0.42, 0.58)),
        gloss=0.028 * float(uniform(0.5, 1.1)),
        blood=blood,
        melanin=melanin,
        blotches=blotch * np.array([0.0, 0.04, 0.05, 0.08, 0.0]),
        spots=np.array([0.012, 0.012, 0.012, 0.0, 0.02]),
        pores=np.array([0.05 + 0.06 * age, 0.05]),
        freckles=float(uniform(0.05, 0.25)) if ita > 25 and rng.random() < 0.25 else 0.0,
        noise_shift=int(rng.integers(512)),
        noise_mirrored=bool(rng.random() < 0.5),
        wrinkles=uniform(0.6, 1.3) * uniform(0.5, 1.5, len(WRINKLES)),
        style=style,
        receding=float(uniform(-0.02, 0.08) + (0.08 * age if is_man else 0)),
        brow_thickness=float(uniform(0.75, 1.25)) * (1.0 if is_man else 0.78),
        brow_arch=float((0.0 if is_man else 0.3) + 0.5 * rng.standard_normal()),
        stubble=float(uniform(0.05, 0.45)) if shaving < 0.55 else 0.0,
        beard=float(uniform(0.03, 0.06) if shaving < 0.7 else uniform(0.05, 0.11)) if 0.55 <= shaving < 0.85 else 0.0,
        cheek_beard=bool(rng.random() < 0.8),
        glasses=float(uniform(0.02, 0.05)) if frame < 0.15 else 0.0,
        glasses_color=linear(
            np.clip(uniform(0.05, 0.4) * (1 + 0.25 * rng.standard_normal() * np.array([1, 0, -1])), 0.03, 0.6)
        ),
        glasses_size=(float(uniform(0.19, 0.235)), float(uniform(0.13, 0.19))),
        hat=bool(hat),
    )


def _gains(rng: np.random.Generator) -> tuple[float, float]:
    both, sides = 1 + 0.14 * rng.standard_normal(), 0.07 * rng.standard_normal()
    return float(np.clip(both + sides, 0.6, 1.4)), float(np.clip(both - sides, 0.6, 1.4))


def _choose(
    rng: np.random.Generator,
    colors: Sequence[tuple[tuple[float, ...], tuple[float, ...]]],
    ancestry: NDArray[np.float64],
) -> Color:
    weights = np.array([float(ancestry @ np.array(by_ancestry)) for _, by_ancestry in colors])
    return np.array(colors[rng.choice(len(colors), p=weights / weights.sum())][0])


def _choose_style(rng: np.random.Generator, is_man: bool, age: float, ancestry: NDArray[np.float64]) -> HairStyle:
    weights = np.array([style.men if is_man else style.women for style in STYLES])
    if ancestry[0] > 0.6:
        weights = weights * np.array([style.curly_hair for style in STYLES])
    if is_man:
        weights[0] += 0.2 * age  # bald
    return STYLES[rng.choice(len(STYLES), p=weights / weights.sum())]


def _shape(
    rng: np.random.Generator, names: tuple[str, ...], male: float, age: float, ancestry: NDArray[np.float64]
) -> dict[str, float]:
    """Return the weights of the targets of a random head."""
    weight, muscle = 0.33 * rng.standard_normal(), 0.3 * rng.standard_normal()
    weights = {"minweight": max(0, -weight), "maxweight": max(0, weight), "averageweight": 1 - abs(weight)}
    muscles = {"minmuscle": max(0, -muscle), "maxmuscle": max(0, muscle), "averagemuscle": 1 - abs(muscle)}
    shape: dict[str, float] = {}
    for sex, of_sex in (("male", male), ("female", 1 - male)):
        for years, of_age in (("young", 1 - age), ("old", age)):
            for name, share in zip(ANCESTRIES, ancestry, strict=True):
                shape[f"macro/{name}-{sex}-{years}"] = of_sex * of_age * float(share)
            for build, of_build in muscles.items():
                for fat, of_fat in weights.items():
                    shape[f"macro/universal-{sex}-{years}-{build}-{fat}"] = of_sex * of_age * of_build * of_fat
    axes, count = _axes(names)
    value = rng.standard_normal(count)
    sides = rng.standard_normal(len(axes))
    for (number, spread, sided, positive, negative), side in zip(axes, sides, strict=True):
        amount = spread * (float(np.clip(value[number], -_LIMIT, _LIMIT)) + (0.12 * float(side) if sided else 0))
        target = positive if amount >= 0 else negative
        if target:
            shape[target] = abs(amount)
    fold = float(ancestry[1]) * rng.uniform(0.35, 0.7)
    shape |= {f"local/eyes/{side}-eye-epicanthus-in": fold for side in "lr"}
    known = set(names)
    return {name: float(amount) for name, amount in shape.items() if abs(amount) > 1e-3 and name in known}


Axis = tuple[int, float, bool, str, str]
"""Number of the value that it takes, deviation, whether it has a side, targets of positive and negative values."""


@lru_cache(maxsize=2)
def _axes(names: tuple[str, ...]) -> tuple[list[Axis], int]:
    """Return the ways in which heads differ locally, and how many values they take; both sides take nearly the same."""
    local = [name for name in names if name.startswith("local/") and not any(part in name for part in _NOT_HUMAN)]
    known, taken = set(local), set()
    numbers: dict[str, int] = {}
    axes: list[Axis] = []
    for name in local:
        if name in taken:
            continue
        opposite = _opposite(name, known)
        taken |= {name, opposite}
        _, region, base = name.split("/")
        sided = base[:2] in ("l-", "r-")
        key = f"{region}/{base[2:] if sided else base}"
        numbers.setdefault(key, len(numbers))
        axes.append((numbers[key], _SPREADS[region], sided, name, opposite))
    return axes, len(numbers)


def _opposite(name: str, known: set[str]) -> str:
    """Return the target of the other direction; an empty text where there is none."""
    for pair in _OPPOSITES:
        for this, other in (pair, pair[::-1]):
            if name.endswith("-" + this) and (found := name.removesuffix(this) + other) in known:
                return found
    if name.endswith(("-l", "-r")) and (found := name[:-1] + ("r" if name.endswith("l") else "l")) in known:
        return found
    return ""
