"""Miniatures of the London set, as its archives unpack, and as renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from affectflow import datasets
from affectflow.core.errors import UserError
from affectflow.datasets.opening import get_dataset
from tests.conftest import PHOTOGRAPHS, needs_faces
from tests.miniature import grey, known, make_image, samples, text


def make(root: Path, nest: str = "") -> Path:
    for person in ("001", "003"):
        make_image(root / "neutral_front" / nest / f"{person}_03.jpg", 1)
        make_image(root / "smiling_front" / nest / f"{person}_08.jpg", 5)
    return root


@pytest.mark.parametrize("nest", ["", "neutral_front/.."])
def test_as_unpacked(tmp_path: Path, nest: str) -> None:
    make(tmp_path)
    if nest:  # an archive that holds a folder of its own name
        for folder in ("neutral_front", "smiling_front"):
            (tmp_path / folder).rename(tmp_path / "inner")
            (tmp_path / folder).mkdir()
            (tmp_path / "inner").rename(tmp_path / folder / folder)
    found = samples("london", tmp_path)
    assert [Path(sample.source).name for sample in found] == ["001_03.jpg", "001_08.jpg", "003_03.jpg", "003_08.jpg"]
    assert all((tmp_path / sample.source).is_file() for sample in found)
    assert [known(sample) for sample in found] == [{12: 0}, {12: 1}] * 2
    assert [grey(sample) for sample in found] == [1, 5, 1, 5]
    assert {sample.subject for sample in found} == {"001", "003"} == set(get_dataset("london", tmp_path).groups())
    assert datasets.recognize(tmp_path) == "london"


def test_other_views_are_left_out_and_counted(tmp_path: Path) -> None:
    make(tmp_path)
    make_image(tmp_path / "smiling_left_profile" / "001_06.jpg", 1)
    make_image(tmp_path / "__MACOSX" / "neutral_front" / "._001_03.jpg", 1)
    data = get_dataset("london", tmp_path)
    assert len(list(data.samples())) == 4
    assert data.left_out == {"photograph that is neither neutral nor smiling from the front": 1}


def test_photographs_with_a_table_of_the_users_are_the_users(tmp_path: Path) -> None:
    for look in ("neutral", "smiling"):
        make_image(tmp_path / f"001_{look}.jpg", 1)
    assert datasets.recognize(tmp_path) == "london"
    text(tmp_path / "labels.csv", "image,AU12", "001_neutral.jpg,0", "001_smiling.jpg,1")
    assert datasets.recognize(tmp_path) == "own"


def test_the_same_look_twice_is_named(tmp_path: Path) -> None:
    make(tmp_path)
    make_image(tmp_path / "more" / "001_smiling.jpg", 1)
    with pytest.raises(UserError, match=r"001_smiling\.jpg .*are the same look of one person; remove one"):
        get_dataset("london", tmp_path)


def test_a_folder_without_photographs_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no photograph such as neutral_front/001_03\.jpg; unpack"):
        get_dataset("london", tmp_path)


@needs_faces
def test_real_photographs_under_other_names() -> None:
    found = samples("london", PHOTOGRAPHS)
    assert len(found) == 102 and sum(known(sample)[12] for sample in found) == 51
    assert datasets.recognize(PHOTOGRAPHS) == "london"
