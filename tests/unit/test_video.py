"""Videos: what is written comes back, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from affectflow.errors import UserError
from affectflow.video import frame_times, read_frames, write_video

FORMS = [("mp4", "libx264"), ("avi", "mpeg4"), ("flv", "flv1")]


@pytest.fixture
def pictures(smooth: Callable[..., NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [smooth(seed, 64)[:48] for seed in range(9)]


@pytest.mark.parametrize("container, codec", FORMS)
@pytest.mark.parametrize("rate", [Fraction(20), Fraction(14), Fraction(30000, 1001)])
def test_round_trip(
    tmp_path: Path, pictures: list[NDArray[np.uint8]], container: str, codec: str, rate: Fraction
) -> None:
    path = tmp_path / f"v.{container}"
    assert write_video(path, iter(pictures), rate, container, codec) == 9
    frames = list(read_frames(path))
    assert [frame.index for frame in frames] == list(range(1, 10))
    for i, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
        assert frame.rgb.dtype == np.uint8 and frame.rgb.shape == (48, 64, 3)
        assert np.abs(frame.rgb.astype(int) - picture).mean() < 12
        assert frame.time == pytest.approx(float(i / rate), abs=2e-3)
    assert list(frame_times(path)) == [frame.time for frame in frames]


@pytest.mark.parametrize(
    "container, codec",
    [
        pytest.param(*FORMS[0]),
        *FORMS[1:],
    ],
)
def test_same_frames_same_bytes(tmp_path: Path, pictures: list[NDArray[np.uint8]], container: str, codec: str) -> None:
    films = set()
    for _ in range(60):
        write_video(tmp_path / "v", (picture.copy() for picture in pictures), Fraction(20), container, codec)
        films.add((tmp_path / "v").read_bytes())
    assert len(films) == 1


@pytest.mark.parametrize("container, codec", FORMS)
def test_a_video_that_breaks_off_is_named(
    tmp_path: Path, pictures: list[NDArray[np.uint8]], container: str, codec: str
) -> None:
    path = tmp_path / f"cut.{container}"
    write_video(path, pictures * 5, Fraction(20), container, codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"cut\.{container}"):
        list(read_frames(path))


@pytest.mark.parametrize(
    "make", [lambda path: None, Path.touch, lambda path: path.write_text("no video\n" * 100), Path.mkdir]
)
def test_what_is_no_video_is_named(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "no.mp4"
    make(path)
    with pytest.raises(UserError, match=r"no\.mp4"):
        list(read_frames(path))


def test_an_error_while_writing_leaves_no_video(tmp_path: Path, pictures: list[NDArray[np.uint8]]) -> None:
    def broken() -> object:
        yield pictures[0]
        raise UserError("no more")

    with pytest.raises(UserError, match="no more"):
        write_video(tmp_path / "v.mp4", broken(), Fraction(25))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("container, codec", FORMS)
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_the_times_of_a_film_that_breaks_off_are_not_told(
    tmp_path: Path, pictures: list[NDArray[np.uint8]], container: str, codec: str, share: float
) -> None:
    path = tmp_path / f"v.{container}"
    write_video(path, iter(pictures * 8), Fraction(10), container, codec)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for read in (frame_times, read_frames):
        with pytest.raises(UserError, match=path.name):
            list(read(path))
