"""What README, tutorial and guides tell a reader to type works, and prints what they show.

The world of a page is small: photographs on a loopback web, a few people in DISFA's layout, a network that is trained
in seconds. So the settings of the study are made small after ``affectflow init``, and downloads may reach loopback.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from affectflow import facs
from affectflow.media.video import write_video
from tests.conftest import DETECTOR, PHOTOGRAPHS, ROOT, needs_faces
from tests.docs.pages import RUN, Reader, blocks, commands, looks_like, python
from tests.workflow.photographs import photographs, served, write_disfa

GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
TUTORIAL = ROOT / "docs/tutorial.md"
_IMAGES = 60
_GONE = 5
_SMALL = {
    "download": {"allow_private_hosts": ["127.0.0.1"], "rate_per_host": 0, "timeout_s": 2, "retries": 0},
    "faces": {"model": {"path": str(DETECTOR)}},
    "records": {"image_size": 48, "shards": 2, "validation_fraction": 0.2, "test_fraction": 0.2},
    "training": {"epochs": 1, "batch_size": 16},
}
_MODEL = {"backbone": "grey_pixels", "top": "flat", "input_size": 32, "weights": "none"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The photographs on a loopback web."""
    with served(PHOTOGRAPHS) as found:
        yield found


@pytest.fixture(scope="module")
def world(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages' reader has."""
    home = tmp_path_factory.mktemp("home")
    (home / "data").mkdir()
    rows = photographs()[:_IMAGES]
    with (home / "data/emotionet.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["URL", *(f"'AU {unit}'" for unit in range(1, facs.COUNT + 1))])
        for row in rows:
            table.writerow([f"{address}/{row['file']}", *(_labels(int(row["smiling"])))])
        for number in range(_GONE):
            table.writerow([f"{address}/gone/{number}.jpg", *_labels(0)])
    write_disfa(home / "data/DISFA", persons=4)
    own = home / "data/own"
    own.mkdir()
    for row in rows[:20]:
        shutil.copy(PHOTOGRAPHS / row["file"], own)
    lines = (f"{row['file']},{row['smiling']},{row['person']}\n" for row in rows[:20])
    (own / "labels.csv").write_text("image,AU12,subject\n" + "".join(lines))
    shutil.copy(PHOTOGRAPHS / rows[0]["file"], home / "photo.jpg")
    shutil.copy(DETECTOR, home / "face_detector.onnx")
    face = np.asarray(Image.open(home / "photo.jpg").convert("RGB").resize((240, 240)))
    (home / "videos").mkdir()
    write_video(home / "videos/interview.mp4", [face] * 6, Fraction(10), "mp4", "mpeg4")
    for part in ("videos/train", "annotations/train/valence", "annotations/train/arousal"):
        (home / "data/AffWild" / part).mkdir(parents=True)
    shutil.copy(home / "videos/interview.mp4", home / "data/AffWild/videos/train/1.mp4")
    for dimension in ("valence", "arousal"):
        (home / f"data/AffWild/annotations/train/{dimension}/1.txt").write_text("0.1\n" * 6)
    return home


def _labels(smiles: int) -> list[int]:
    labels = [999] * facs.COUNT
    labels[12 - 1], labels[4 - 1] = smiles, 1 - smiles
    return labels


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of this environment."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("affectflow", "snakemake", "python"):
        target = Path(python()).parent / name
        (folder / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _reader(folder: Path, programs: Path) -> Reader:
    return Reader(folder, programs, adapted=_adapted, after=_make_small)


def _adapted(text: str) -> str:
    settings = "--set allow_private_hosts='[\"127.0.0.1\"]' --set rate_per_host=0"
    text = re.sub(r"^affectflow download ", f"affectflow download {settings} ", text)
    return text.replace("timeout_s=10)", "timeout_s=10, allow_private_hosts=['127.0.0.1'])")


def _make_small(folder: Path) -> None:
    """Make a study small that was begun just now."""
    path = folder / "config.yaml"
    if not path.is_file():
        path = folder / "my-study/config.yaml"
    if not path.is_file() or (path.parent / "small").exists():
        return
    values = yaml.safe_load(path.read_text())
    for section, keys in _SMALL.items():
        values[section] = {**values.get(section, {}), **keys}
    values["models"] = {name: {**model, **_MODEL} for name, model in values["models"].items()}
    path.write_text(yaml.safe_dump(values))
    (path.parent / "small").touch()


@pytest.fixture(scope="module")
def studied(world: Path, programs: Path) -> Path:
    """The world after the tutorial."""
    reader = _reader(world, programs)
    reader.follow(TUTORIAL)
    assert len(reader.ran) > 10
    return world


@pytest.mark.long
@needs_faces
def test_the_tutorial(studied: Path) -> None:
    assert (studied / "my-study/results/eval/disfa_resnet.json").is_file()


@pytest.mark.long
@needs_faces
@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.stem)
def test_a_page(page: Path, studied: Path, programs: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(studied, home, symlinks=True)
    reader = _reader(home, programs)
    reader.follow(page)
    wanted = [block for block in blocks(page) if block.language in ("console", "python")]
    typed = [command for block in wanted if block.language == "console" for command, _ in commands(block.text)]
    assert len(reader.ran) == len(typed) + sum(block.language == "python" for block in wanted)


def test_blocks_have_a_language_that_says_whether_they_are_run() -> None:
    for page in (ROOT / "README.md", TUTORIAL, *GUIDES):
        for block in blocks(page):
            assert block.language in (*RUN, "sh", "text"), page
            if block.language == "console":
                assert list(commands(block.text)), (page, block.text)
            if block.language == "yaml":
                assert re.match(r"# \S+\.yaml\n", block.text), (page, block.text)


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("", "anything", True),
        ("5 failures", "12 failures, one by one", True),
        ("a ... z", "a\nb\nz", True),
        ("frame 312, shown at 10.4 s", "frame 3, shown at 0.200 s", True),
        ("ok  25  83.3 %", "ok     61   92.4 %", True),
        ("mean F1", "mean AUC", False),
        (".../table.csv changed", "/home/me/table.csv changed", True),
        ("a b", "b a", False),
    ],
)
def test_outputs_are_compared(shown: str, output: str, same: bool) -> None:
    assert looks_like(shown, output) is same
