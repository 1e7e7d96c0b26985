"""People: adults of all skins, each another one, whom a face detector finds where the rendering says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from affectflow.rendering.color import ita_class, skin_color
from affectflow.rendering.head import Head
from affectflow.rendering.person import draw_person
from affectflow.rendering.scene import SCENE_STYLES
from tests.conftest import DETECTOR, needs_faces
from tests.rendering.conftest import Photograph


def _lab(color: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB, by OpenCV."""
    encoded = np.where(color <= 0.0031308, 12.92 * color, 1.055 * color ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(encoded.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]


@pytest.mark.parametrize("angle", [-55, -30, 0, 20, 35, 50, 62])
def test_skin_has_the_angle_that_it_is_asked_for(angle: float) -> None:
    lightness, red, yellow = _lab(skin_color(angle))
    assert np.degrees(np.arctan2(lightness - 50, yellow)) == pytest.approx(angle, abs=1.5)
    hue, chroma = np.degrees(np.arctan2(yellow, red)), np.hypot(red, yellow)
    assert 48 < hue < 65 and chroma < 25  # neither pink nor orange


def test_all_classes_of_skin_occur(head: Head) -> None:
    rng = np.random.default_rng(0)
    people = [draw_person(rng, head.target_names) for _ in range(400)]
    shares = {name: 0 for name in ("very light", "light", "intermediate", "tan", "brown", "dark")}
    for person in people:
        shares[ita_class(person.ita)] += 1
    assert min(shares.values()) >= 0.06 * len(people), shares
    assert 0.4 < np.mean([person.male > 0.5 for person in people]) < 0.6
    assert np.mean([person.age > 0.6 for person in people]) > 0.05
    for person in people:
        _, red, yellow = _lab(person.skin)
        assert np.hypot(red, yellow) < 30 and np.degrees(np.arctan2(yellow, red)) < 72


def test_everybody_is_somebody_else(photograph: Photograph) -> None:
    still = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "noise": 0.0}
    own = [photograph(seed, **still) for seed in range(8)]
    again = photograph(3, **still)
    assert np.array_equal(again.pixels, own[3].pixels)
    for i, one in enumerate(own):
        for other in own[:i]:
            assert np.abs(one.pixels.astype(int) - other.pixels.astype(int)).mean() > 8


def test_a_moment_later_it_is_the_same_person(photograph: Photograph) -> None:
    def difference(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a.astype(int) - b.astype(int)).mean())

    for seed in range(4):
        first = photograph(seed, {12: 2.0}, yaw=0.10, noise=0.3)
        next_ = photograph(seed, {12: 2.3}, yaw=0.103, noise=0.3)
        assert difference(first.pixels, next_.pixels) < 4 < difference(first.pixels, photograph(seed + 50).pixels)


@needs_faces
@pytest.mark.parametrize("style", SCENE_STYLES)
def test_a_face_detector_finds_them_where_the_landmarks_are(photograph: Photograph, style: str) -> None:
    detector = cv2.FaceDetectorYN.create(str(DETECTOR), "", (256, 256), score_threshold=0.6)
    found, off = 0, []
    for seed in range(40):
        taken = photograph(1000 + seed, {12: float(seed % 5)}, side=256, style=style)
        _, faces = detector.detect(cv2.cvtColor(taken.pixels, cv2.COLOR_RGB2BGR))
        if faces is None or len(faces) != 1:
            continue
        found += 1
        x, y, width, height = faces[0, :4]
        left, top, own_width, own_height = taken.box
        across = min(x + width, left + own_width) - max(x, left)
        down = min(y + height, top + own_height) - max(y, top)
        assert across * down / (width * height + own_width * own_height - across * down) > 0.5
        eyes = np.linalg.norm(taken.landmarks[0] - taken.landmarks[1])
        off.append(np.linalg.norm(faces[0, 4:14].reshape(5, 2) - taken.landmarks, axis=1) / eyes)
    assert found >= 38
    assert (np.median(off, axis=0) < 0.17).all(), np.median(off, axis=0)


_DIGEST = """
import hashlib, sys
import numpy as np
from affectflow.rendering.head import read_head
from affectflow.rendering.person import draw_person
from affectflow.rendering.render import make_figure, render
from affectflow.rendering.scene import draw_scene
from pathlib import Path
head = read_head(Path(sys.argv[1]))
for seed in range(6):
    rng = np.random.default_rng(seed)
    figure = make_figure(head, draw_person(rng, head.target_names))
    shown = rng.uniform(0, 5, 60).astype(np.float32)
    pixels = render(head, figure, shown, draw_scene(rng, "wild"), 96).pixels
    print(hashlib.sha256(pixels.tobytes()).hexdigest())
"""


def test_the_same_pixels_on_any_cpu(head_file: Path, tmp_path: Path) -> None:
    """As on a CPU without the vector instructions that NumPy, OpenBLAS, glibc and LLVM would use here."""
    old = {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX X86_V3 X86_V4",
        "OPENBLAS_CORETYPE": "Prescott",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
    }
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _DIGEST, str(head_file)],
            env={**os.environ, **changes},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for changes in ({}, old)
    ]
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0].split())) == 6
