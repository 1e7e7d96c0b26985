"""Each action unit moves what FACS says it moves, more with its intensity, on the sides that show it."""

from __future__ import annotations

import numpy as np
import pytest

from affectflow.rendering.anatomy import ACTION_UNITS, ONE_SIDED, RENDERED_ACTION_UNITS
from affectflow.rendering.deformation import expression_weights
from affectflow.rendering.head import BASE_X, BASE_Y, EYELID, LIP, Float32, Head
from affectflow.rendering.person import draw_person
from affectflow.rendering.render import make_figure
from tests.rendering.conftest import Photograph

SCORED = {1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26} | {2, 4, 5, 9, 10, 12, 14, 15, 17, 18, 26, 57, 58}
STILL = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "noise": 0.0, "scale": 1.4, "offset_x": 0.0}


def test_every_scored_unit_is_rendered() -> None:
    assert set(RENDERED_ACTION_UNITS) >= SCORED


def test_every_name_is_of_a_target(head: Head) -> None:
    """A misspelt one would move nothing."""
    person = draw_person(np.random.default_rng(0), head.target_names, ancestry=(0.4, 0.3, 0.3))
    everything = np.ones(60)
    names = expression_weights(person, everything, everything)
    assert set(names) <= set(head.number_of)
    for unit, one in ACTION_UNITS.items():
        assert unit in (57, 58) or one.sided or one.middle


@pytest.mark.parametrize("unit", RENDERED_ACTION_UNITS)
def test_more_intensity_changes_more(photograph: Photograph, unit: int) -> None:
    changes = []
    for intensity in (1, 3, 5):
        pairs = [(photograph(seed, {unit: intensity}), photograph(seed)) for seed in range(3)]
        changes.append(np.mean([np.abs(a.pixels.astype(int) - b.pixels.astype(int)).mean() for a, b in pairs]))
    assert 0 < changes[0] < changes[1] < changes[2]


def _moves(head: Head, unit: int, chosen: np.ndarray) -> Float32:
    """Mean movement of points by an action unit at its strongest, in decimetres."""
    found = []
    for seed in range(6):
        person = draw_person(np.random.default_rng(seed), head.target_names)
        figure = make_figure(head, person)
        shares = np.zeros(60)
        shares[unit - 1] = 1
        weights = {k: v for k, v in expression_weights(person, shares, shares).items() if k in head.number_of}
        resting = expression_weights(person, np.zeros(60), np.zeros(60))
        moved = head.moved(figure.neutral, weights) - head.moved(figure.neutral, resting)
        found.append(moved[chosen].mean(axis=0))
    return np.mean(found, axis=0)


def _near(head: Head, x: float, y: float, within: float = 0.07) -> np.ndarray:
    """Points of the skin in front at a place on the left side of the base head."""
    at = head.attributes
    close = (np.abs(at[:, BASE_X] - x) < within) & (np.abs(at[:, BASE_Y] - y) < within)
    return np.flatnonzero(close & (head.part == 0) & (head.points[:, 2] > 0.9))


@pytest.mark.parametrize(
    ("unit", "x", "y", "axis", "sign"),
    [
        (1, 0.14, 7.47, 1, 1),  # inner brow up
        (2, 0.48, 7.48, 1, 1),  # outer brow up
        (4, 0.14, 7.45, 1, -1),  # brow down
        (9, 0.15, 6.95, 1, 1),  # wing of the nose up
        (12, 0.30, 6.63, 1, 1),  # corner of the mouth up
        (12, 0.30, 6.63, 0, 1),  # and outwards
        (15, 0.30, 6.63, 1, -1),  # down
        (18, 0.26, 6.63, 0, -1),  # inwards
        (20, 0.30, 6.63, 0, 1),  # outwards
        (17, 0.05, 6.45, 1, 1),  # chin up
        (26, 0.05, 6.30, 1, -1),  # chin down
    ],
)
def test_where_a_unit_moves_the_skin(head: Head, unit: int, x: float, y: float, axis: int, sign: int) -> None:
    moved = _moves(head, unit, _near(head, x, y))
    assert sign * moved[axis] > 0.012


def test_lids_open_and_close(head: Head) -> None:
    upper = np.flatnonzero((head.attributes[:, EYELID] > 0.5) & (head.attributes[:, BASE_Y] > 7.3))
    upper = upper[np.abs(np.abs(head.points[upper, 0]) - 0.32) < 0.1]
    assert _moves(head, 5, upper)[1] > 0.01 > -0.05 > _moves(head, 43, upper)[1]


def test_lips_part(head: Head) -> None:
    lips = np.flatnonzero(head.attributes[:, LIP] > 0.5)
    lips = lips[np.abs(head.points[lips, 0]) < 0.1]
    above = head.points[lips, 1] > 6.64
    for unit in (25, 26, 27):
        assert _moves(head, unit, lips[above])[1] - _moves(head, unit, lips[~above])[1] > 0.02


@pytest.mark.parametrize("unit", [2, 6, 12, 14, 15, 20])
def test_a_unit_of_one_side_changes_that_side(photograph: Photograph, unit: int) -> None:
    assert unit in ONE_SIDED
    left_side, right_side = 0.0, 0.0
    for seed in range(3):
        neutral = photograph(seed, **STILL).pixels.astype(int)
        change = np.abs(photograph(seed, {unit: 5}, right={}, **STILL).pixels.astype(int) - neutral)
        right_side += change[:, :60].sum()  # the person's right is on the left of the image
        left_side += change[:, 68:].sum()
    assert left_side > 2.5 * right_side
