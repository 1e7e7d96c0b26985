"""The head that is rendered, got once for all workers, and photographs of people who show something."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from affectflow import facs
from affectflow.rendering.head import Head, read_head
from affectflow.rendering.person import draw_person
from affectflow.rendering.render import Rendering, make_figure, render
from affectflow.rendering.scene import draw_scene
from affectflow.rendering.source import fetch_head

Photograph = Callable[..., Rendering]


@pytest.fixture(scope="session")
def head_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp().parent / "head"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "head.npz").exists():
            fetch_head(folder / "head.npz", folder / "licenses")
    return folder / "head.npz"


@pytest.fixture(scope="session")
def head(head_file: Path) -> Head:
    return read_head(head_file)


@pytest.fixture(scope="session")
def photograph(head: Head) -> Photograph:
    """``photograph(seed, {unit: intensity}, right={...}, side=..., style=..., **changes of the scene)``."""

    def take(
        seed: int,
        units: dict[int, float] | None = None,
        right: dict[int, float] | None = None,
        side: int = 128,
        style: str = "laboratory",
        **changes: object,
    ) -> Rendering:
        rng = np.random.default_rng(seed)
        figure = make_figure(head, draw_person(rng, head.target_names))
        scene = replace(draw_scene(rng, style), **changes)
        shown = [_intensity(one) if one is not None else None for one in (units or {}, right)]
        assert shown[0] is not None
        return render(head, figure, shown[0], scene, side, shown[1])

    return take


def _intensity(units: dict[int, float]) -> np.ndarray:
    found = np.zeros(facs.COUNT, np.float32)
    for unit, value in units.items():
        found[unit - 1] = value
    return found
