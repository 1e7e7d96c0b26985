"""What rendered faces show: as people show it, and never what excludes each other."""

from __future__ import annotations

import numpy as np

from affectflow.rendering.expressions import SHOWN_ACTION_UNITS, draw_expression


def test_what_is_shown_together() -> None:
    rng = np.random.default_rng(0)
    shown = np.array([draw_expression(rng) for _ in range(4000)])
    present = {unit: np.rint(shown)[:, unit - 1] >= 2 for unit in range(1, 61)}
    assert 0.18 < (shown == 0).all(axis=1).mean() < 0.22
    assert {unit for unit, one in present.items() if one.any()} == set(SHOWN_ACTION_UNITS)
    assert min(present[unit].mean() for unit in SHOWN_ACTION_UNITS) > 0.01
    assert present[6][present[12]].mean() > 3 * present[6][~present[12]].mean()  # cheeks rise in smiles
    assert present[2][present[1]].mean() > 3 * present[2][~present[1]].mean()
    assert (shown[:, 25 - 1] >= shown[:, 26 - 1]).all()  # a dropped jaw parts the lips
    for one, other in ((12, 15), (5, 43), (24, 25), (57, 58)):
        assert not (present[one] & present[other]).any()
    brows = present[1] & present[2]
    mouth = np.any([present[unit] for unit in (12, 15, 20, 25, 26)], axis=0)
    assert (brows & ~mouth).mean() > 0.02 and (present[4] & present[25]).mean() > 0.02  # brows alone, shouts
