"""A set of rendered people: labels that are read as a user's own, the same on any number of processes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from affectflow import datasets, facs
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.synthetic import is_drawn
from affectflow.demo.people import WHO, make_people
from affectflow.rendering.expressions import SHOWN_ACTION_UNITS
from tests.miniature import samples

COUNT = 120  # in several parts


@pytest.fixture(scope="module")
def people(head_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("people")
    make_people(1, COUNT, 0, 64, head_file, 2, root)
    return root


def test_labels_are_what_the_faces_show(people: Path) -> None:
    found = samples("own", people)
    with (people / WHO).open(newline="") as stream:
        who = {row["image"]: row for row in csv.DictReader(stream)}
    assert len(found) == len(who) == COUNT == len({sample.subject for sample in found})
    for sample in found:
        row = who[sample.source]
        for unit in SHOWN_ACTION_UNITS:
            intensity = float(row[f"intensity_{facs.label(unit)}"])
            if abs(intensity - 1.5) > 0.01:  # where rounding begins to count as shown
                assert sample.units[unit - 1] == (intensity > 1.5)
        assert sample.image.rgb().shape == (64, 64, 3) and -1 <= sample.valence <= 1
        eyes = [float(row[f"eye{i}_x"]) for i in (1, 2)]
        assert 0 < eyes[0] < eyes[1] < 64 and float(row["mouth1_y"]) > float(row["eye1_y"])
    assert {sample.units[27 - 1] for sample in found} == {facs.UNKNOWN}


def test_it_is_recognized_and_marked_as_drawn(people: Path) -> None:
    assert datasets.recognize(people) == "own" and is_drawn(people)
    sides = [set(get_dataset("own", people, side).groups()) for side in ("train", "test")]
    assert len(sides[0] | sides[1]) == COUNT and not sides[0] & sides[1]


def test_any_number_of_processes_gives_the_same_bytes(people: Path, head_file: Path, tmp_path: Path) -> None:
    make_people(1, COUNT, 0, 64, head_file, 1, tmp_path)
    files = sorted(path.relative_to(people) for path in people.rglob("*") if path.is_file())
    assert len(files) == COUNT + 3
    assert all((tmp_path / path).read_bytes() == (people / path).read_bytes() for path in files)


def test_another_seed_gives_other_people(people: Path, head_file: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "left_over.jpg").touch()
    make_people(2, 2, 0, 64, head_file, 1, tmp_path)
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["000000.jpg", "000001.jpg"]
    first, other = ((root / "images" / "000000.jpg").read_bytes() for root in (people, tmp_path))
    assert not np.array_equal(np.frombuffer(first, np.uint8), np.frombuffer(other, np.uint8))


def test_a_share_is_drawn_and_the_others_stay_as_they_are(people: Path, head_file: Path, tmp_path: Path) -> None:
    make_people(1, COUNT, 0.5, 64, head_file, 1, tmp_path)
    with (tmp_path / WHO).open(newline="") as stream:
        who = list(csv.DictReader(stream))
    drawn = [row["image"] for row in who if row["style"].startswith("drawn ")]
    assert 0.35 * COUNT < len(drawn) < 0.65 * COUNT
    assert all((row["skin"] == "") == (row["image"] in drawn) for row in who)
    same = [
        row["image"] for row in who if (tmp_path / row["image"]).read_bytes() == (people / row["image"]).read_bytes()
    ]
    assert set(same) == {row["image"] for row in who} - set(drawn)
    unknown = {
        s.source: [u for u in SHOWN_ACTION_UNITS if s.units[u - 1] == facs.UNKNOWN] for s in samples("own", tmp_path)
    }
    assert all(units == ([7, 16, 22, 23, 24, 28] if image in drawn else []) for image, units in unknown.items())
