"""Rendered people: images with labels in the layout of a user's own, and a table of who they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.orphan import end_with
from affectflow.core.progress import progress
from affectflow.datasets.own import TABLE
from affectflow.datasets.synthetic import mark_as_drawn
from affectflow.demo import drawing
from affectflow.demo.drawing import DRAWN_ACTION_UNITS
from affectflow.demo.expressions import SLIGHT, affect, coded
from affectflow.rendering.color import ita_class
from affectflow.rendering.expressions import SHOWN_ACTION_UNITS, draw_expression, draw_sides
from affectflow.rendering.head import Head, read_head
from affectflow.rendering.person import draw_person
from affectflow.rendering.render import make_figure, render
from affectflow.rendering.scene import SCENE_STYLES, draw_scene
from affectflow.tables.csv_files import write_csv

WHO = "people.csv"
WHO_COLUMNS = (
    "image", "subject", "skin", "ita", "male", "age", "glasses", "hat", "style",
    *(f"{name}_{axis}" for name in ("eye1", "eye2", "nose", "mouth1", "mouth2") for axis in "xy"),
    *(f"intensity_{facs.label(unit)}" for unit in SHOWN_ACTION_UNITS),
)  # fmt: skip
"""Skin is the class of the individual typology angle ``ita``, in degrees; male and age are from 0 to 1, where age is
about 20 to 90 years; landmarks are in pixels, 1 the left one in the image; intensities are from 0 to 5. Of people
who are drawn flat only style and intensities are known."""
_KEY = 20
_CHUNK = 50
_QUALITY = 95


_Portrait = tuple[NDArray[np.uint8], NDArray[np.float32], Sequence[object]]
"""An image, its intensities, and what :data:`WHO_COLUMNS` says between ``subject`` and intensities."""


def make_people(seed: int, count: int, drawn: float, size: int, head: Path, processes: int, root: Path) -> None:
    """Render, or draw flat, one image of each of many people: ``images``, ``labels.csv`` and ``people.csv``.

    The same arguments give the same bytes, whatever the number of processes.

    Args:
        seed: Seed of all random choices.
        count: Number of people.
        drawn: Share of them who are drawn flat; the others are the same whatever it is.
        size: Side of the images in pixels.
        head: The head file.
        processes: Number of processes.
        root: Folder of the set; what it has is deleted.
    """
    shutil.rmtree(root, ignore_errors=True)  # the people of another configuration
    (root / "images").mkdir(parents=True)
    make = partial(_make_chunk, seed=seed, count=count, drawn=drawn, size=size, head=head, root=root)
    labels: list[list[object]] = []
    who: list[list[object]] = []
    with (
        ProcessPoolExecutor(processes, initializer=end_with, initargs=(os.getpid(),)) as pool,
        progress(count, "person", "render") as bar,
    ):
        for chunk in pool.map(make, range(0, count, _CHUNK)):
            for of_labels, of_person in chunk:
                labels.append(of_labels)
                who.append(of_person)
            bar.update(len(chunk))
    units = [facs.label(unit) for unit in SHOWN_ACTION_UNITS]
    write_csv(root / TABLE, ["image", "subject", *units, "valence", "arousal"], labels)
    write_csv(root / WHO, WHO_COLUMNS, who)
    mark_as_drawn(root)


def _make_chunk(
    start: int, seed: int, count: int, drawn: float, size: int, head: Path, root: Path
) -> Sequence[tuple[list[object], list[object]]]:
    from PIL import Image

    base = read_head(head)
    made = []
    for number in range(start, min(start + _CHUNK, count)):
        is_drawn = np.random.default_rng([seed, _KEY, number, 1]).random() < drawn  # leaves the others as they are
        rng = np.random.default_rng([seed, _KEY, number])
        pixels, intensity, looks = _draw(rng, size) if is_drawn else _render(rng, size, base)
        name, subject = f"images/{number:06d}.jpg", f"R{number:06d}"
        Image.fromarray(pixels).save(root / name, quality=_QUALITY, subsampling=0)
        feeling = affect(intensity, rng)
        known = DRAWN_ACTION_UNITS if is_drawn else SHOWN_ACTION_UNITS
        shown = [int(coded(intensity)[unit - 1] >= SLIGHT) if unit in known else "" for unit in SHOWN_ACTION_UNITS]
        labels: list[object] = [name, subject, *shown, f"{feeling.valence:.4f}", f"{feeling.arousal:.4f}"]
        of_units = [f"{intensity[unit - 1]:.2f}" if unit in known else "" for unit in SHOWN_ACTION_UNITS]
        made.append((labels, [name, subject, *looks, *of_units]))
    return made


def _render(rng: np.random.Generator, size: int, head: Head) -> _Portrait:
    person = draw_person(rng, head.target_names)
    intensity = draw_expression(rng)
    left, right = draw_sides(rng)
    style = SCENE_STYLES[rng.integers(len(SCENE_STYLES))]
    scene = draw_scene(rng, style)
    taken = render(head, make_figure(head, person), intensity * left, scene, size, intensity * right)
    looks = [
        *(ita_class(person.ita), f"{person.ita:.1f}", f"{person.male:.3f}", f"{person.age:.3f}"),
        *(int(person.glasses > 0), int(person.hat), style),
        *(f"{value:.2f}" for value in taken.landmarks.ravel()),  # the person's right is on the left of the image
    ]
    return taken.pixels, intensity, looks


def _draw(rng: np.random.Generator, size: int) -> _Portrait:
    """Draw somebody flat; of the looks only the kind of footage is known."""
    intensity = draw_expression(rng)
    intensity[[unit - 1 for unit in SHOWN_ACTION_UNITS if unit not in DRAWN_ACTION_UNITS]] = 0
    style = drawing.SCENE_STYLES[rng.integers(len(drawing.SCENE_STYLES))]
    pixels = drawing.draw_face(drawing.draw_identity(rng), drawing.draw_scene(rng, style), intensity, size)
    unknown = len(WHO_COLUMNS) - len(("image", "subject")) - len(SHOWN_ACTION_UNITS)
    looks = [f"drawn {style}" if WHO_COLUMNS[2 + place] == "style" else "" for place in range(unknown)]
    return pixels, intensity, looks
