"""How hair is worn: what decides the course of each hair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HairStyle:
    """A way of wearing hair; lengths in decimetres.

    Attributes:
        name: What it is called.
        flow: Where hairs go: ``parted``, ``back``, ``forward``, ``fall``, ``out`` or ``tied``.
        count: Number of hairs that are drawn; each stands for many.
        points: Number of points of each.
        top: Length on top of the head.
        side: Length at its sides and back.
        lift: How steeply hairs leave the skin on top, relative to their flow.
        side_lift: The same at the sides.
        clearance: How far the hairs on top stay off the skull.
        gravity: How fast they turn down.
        stiffness: How far they keep their direction, 0 to 1.
        hug: How closely they follow the head, 0 to 1.
        curl: Radius of curls.
        turns: Turns of a curl.
        men: Weight among men.
        women: Weight among women.
        curly_hair: Factor of these weights for curly hair.
    """

    name: str
    flow: str
    count: int
    points: int
    top: float
    side: float
    lift: float
    side_lift: float
    clearance: float
    gravity: float
    stiffness: float
    hug: float
    curl: float = 0.0
    turns: float = 2.0
    men: float = 0.0
    women: float = 0.0
    curly_hair: float = 0.3


STYLES = (
    HairStyle("bald", "out", 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, men=0.06, curly_hair=1),
    HairStyle("buzz", "out", 3000, 3, 0.09, 0.07, 1.2, 1.2, 0, 0, 0.75, 0, men=0.16, women=0.01, curly_hair=1.5),
    HairStyle("short", "parted", 3000, 9, 0.62, 0.2, 0.6, 0.12, 0.13, 0.12, 0.75, 0.8, men=0.4, women=0.06),
    HairStyle("back", "back", 3000, 9, 0.8, 0.22, 0.8, 0.15, 0.14, 0.05, 0.75, 0.75, men=0.16, women=0.03),
    HairStyle("fringe", "forward", 3000, 9, 0.72, 0.25, 0.4, 0.1, 0.10, 0.3, 0.75, 0.7, men=0.1, women=0.06),
    HairStyle("afro", "out", 2700, 7, 0.4, 0.32, 1.3, 1.3, 0, 0.03, 0.75, 0, 0.035, 3.5, 0.02, 0.03, 9),
    HairStyle("bob", "fall", 2900, 12, 1.3, 1.15, 0.4, 0.1, 0.15, 0.75, 0.7, 0.55, women=0.22),
    HairStyle("long", "fall", 2700, 14, 2.3, 2.1, 0.4, 0.1, 0.14, 0.75, 0.7, 0.55, men=0.02, women=0.22),
    HairStyle("wavy", "fall", 2700, 16, 1.9, 1.75, 0.4, 0.12, 0.15, 0.75, 0.7, 0.55, 0.035, 3.2, women=0.22),
    HairStyle("tied", "tied", 3000, 9, 1.0, 0.9, 0.05, 0.05, 0.03, 0, 0.75, 0.8, women=0.18, curly_hair=1.5),
)
"""The first is without hair."""
