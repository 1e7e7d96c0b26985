"""Videos: what is written comes back, frame by frame."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.datasets.media import Media, MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.media.video import Incomplete, frame_at, frame_number, frame_times, read_frames, write_video

FORMS = [("mp4", "libx264"), ("avi", "mpeg4"), ("flv", "flv1")]


@pytest.fixture
def images(smooth: Callable[..., NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [smooth(seed, 64)[:48] for seed in range(9)]


@pytest.mark.parametrize("container, codec", FORMS)
@pytest.mark.parametrize("rate", [Fraction(20), Fraction(14), Fraction(30000, 1001)])
def test_round_trip(
    tmp_path: Path, images: list[NDArray[np.uint8]], container: str, codec: str, rate: Fraction
) -> None:
    path = tmp_path / f"v.{container}"
    assert write_video(path, iter(images), rate, container, codec) == 9
    frames = list(read_frames(path))
    assert [frame.index for frame in frames] == list(range(1, 10))
    for i, (frame, image) in enumerate(zip(frames, images, strict=True)):
        assert frame.rgb.dtype == np.uint8 and frame.rgb.shape == (48, 64, 3)
        assert np.abs(frame.rgb.astype(int) - image).mean() < 12
        assert frame.time == pytest.approx(float(i / rate), abs=2e-3)
    assert list(frame_times(path)) == [frame.time for frame in frames]


@pytest.mark.parametrize(
    "container, codec",
    [
        pytest.param(*FORMS[0]),
        *FORMS[1:],
    ],
)
def test_same_frames_same_bytes(tmp_path: Path, images: list[NDArray[np.uint8]], container: str, codec: str) -> None:
    videos = set()
    for _ in range(60):
        write_video(tmp_path / "v", (image.copy() for image in images), Fraction(20), container, codec)
        videos.add((tmp_path / "v").read_bytes())
    assert len(videos) == 1


@pytest.mark.parametrize("container, codec", FORMS)
def test_a_video_that_breaks_off_is_named(
    tmp_path: Path, images: list[NDArray[np.uint8]], container: str, codec: str
) -> None:
    path = tmp_path / f"cut.{container}"
    write_video(path, images * 5, Fraction(20), container, codec)
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


def test_an_error_while_writing_leaves_no_video(tmp_path: Path, images: list[NDArray[np.uint8]]) -> None:
    def broken() -> object:
        yield images[0]
        raise UserError("no more")

    with pytest.raises(UserError, match="no more"):
        write_video(tmp_path / "v.mp4", broken(), Fraction(25))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("container, codec", FORMS)
@pytest.mark.parametrize("share", [0.3, 0.6])
@pytest.mark.parametrize("read", [read_frames, frame_times])
def test_a_video_that_breaks_off_gives_what_can_be_read_and_says_where(
    tmp_path: Path,
    images: list[NDArray[np.uint8]],
    container: str,
    codec: str,
    share: float,
    read: Callable[[Path], Iterator[object]],
) -> None:
    path = tmp_path / f"v.{container}"
    write_video(path, iter(images * 8), Fraction(10), container, codec)
    undisturbed = list(read_frames(path))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    got: list[object] = []
    with pytest.raises(UserError, match=path.name) as caught:
        got.extend(read(path))
    if container == "mp4":  # its table of contents is at the end
        assert not got and not isinstance(caught.value, Incomplete)
        return
    assert isinstance(caught.value, Incomplete)
    assert len(got) == caught.value.frames > 72 * share / 2
    assert caught.value.missing == pytest.approx(72 - len(got), abs=1 if container == "flv" else 0)
    if read is read_frames:
        for frame, whole in zip(got[:-1], undisturbed, strict=False):
            assert np.array_equal(frame.rgb, whole.rgb)  # type: ignore[attr-defined]


def test_of_a_video_that_breaks_off_the_labels_that_can_be_read_are_used(
    tmp_path: Path, images: list[NDArray[np.uint8]]
) -> None:
    path = tmp_path / "Videos_LeftCamera" / "LeftVideoSN001_comp.avi"
    write_video(path, iter(images * 8), Fraction(10), "avi", "mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    labels = tmp_path / "ActionUnit_Labels" / "SN001" / "SN001_au1.txt"
    labels.parent.mkdir(parents=True)
    labels.write_text("".join(f"{frame},0\n" for frame in range(1, 73)))
    for media in (Media(), MetadataOnly()):
        data = get_dataset("disfa", tmp_path, media=media)
        frames = len(list(data.samples()))
        assert 20 < frames < 60
        (missing,) = (count for reason, count in data.left_out.items() if "cannot be read" in reason)
        assert frames + missing == 72 and data.left_out["label without a frame"] == missing
        assert media.problems and path.name in media.problems[0]


def remuxed(source: Path, target: Path, change: Callable[[int, av.Packet], av.Packet | None]) -> Path:
    """The same packets but for what ``change`` makes of them."""
    with av.open(str(source)) as taken, av.open(str(target), "w") as given:
        stream = given.add_stream_from_template(taken.streams.video[0])
        for number, packet in enumerate(packet for packet in taken.demux(video=0) if packet.size):
            if (changed := change(number, packet)) is not None:
                changed.stream = stream
                given.mux(changed)
    return target


def test_frames_after_one_that_cannot_be_decoded_keep_their_numbers(
    tmp_path: Path, images: list[NDArray[np.uint8]]
) -> None:
    def harm(number: int, packet: av.Packet) -> av.Packet:
        if number != 20:
            return packet
        harmed = av.Packet(bytes(packet.size))
        harmed.pts, harmed.dts, harmed.time_base = packet.pts, packet.dts, packet.time_base
        return harmed

    source = tmp_path / "whole.flv"
    write_video(source, iter(images * 5), Fraction(10), "flv", "flv1")
    times = {frame.index: frame.time for frame in read_frames(source)}
    harmed = remuxed(source, tmp_path / "harmed.flv", harm)
    got = []
    with pytest.raises(Incomplete, match="gives 44 of its 45 frames"):
        got.extend(read_frames(harmed))
    assert [frame.index for frame in got] == [index for index in range(1, 46) if index != 21]
    assert all(frame.time == pytest.approx(times[frame.index], abs=2e-3) for frame in got)


def test_a_video_that_is_to_be_shown_turned_is_upright(tmp_path: Path, images: list[NDArray[np.uint8]]) -> None:
    source = tmp_path / "v.mp4"
    write_video(source, iter(images), Fraction(10))
    content = source.read_bytes()
    straight = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    clockwise = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    at = content.rindex(straight)  # in the track's header, after the video's own
    (tmp_path / "turned.mp4").write_bytes(content[:at] + clockwise + content[at + len(clockwise) :])
    for frame, turned in zip(read_frames(source), read_frames(tmp_path / "turned.mp4"), strict=True):
        assert np.array_equal(np.rot90(frame.rgb, -1), turned.rgb)


@pytest.mark.parametrize("container, codec", FORMS)
def test_a_single_frame_is_the_one_that_reading_in_order_gives(
    tmp_path: Path, images: list[NDArray[np.uint8]], container: str, codec: str
) -> None:
    path = tmp_path / f"v.{container}"
    rng = np.random.default_rng(0)
    noisy = [(image // 2 + rng.integers(0, 99, image.shape)).astype(np.uint8) for image in images * 7]
    write_video(path, iter(noisy), Fraction(30000, 1001), container, codec)
    frames = list(read_frames(path))
    for frame in reversed(frames):
        one = frame_number(path, frame.index)
        assert (one.index, one.time) == (frame.index, frame.time) and np.array_equal(one.rgb, frame.rgb)
    for frame, later in pairwise(frames):
        for seconds in (frame.time, (frame.time + later.time) / 2):
            assert frame_at(path, seconds).index == frame.index


def test_there_is_no_frame_outside_a_video(tmp_path: Path, images: list[NDArray[np.uint8]]) -> None:
    path = tmp_path / "v.avi"
    write_video(path, iter(images), Fraction(10), "avi", "mpeg4")
    for index in (0, 10, -1):
        with pytest.raises(UserError, match="frames 1 to 9"):
            frame_number(path, index)
    for seconds in (-0.1, 1.2):
        with pytest.raises(UserError, match=r"from 0\.000 s to 0\.800 s"):
            frame_at(path, seconds)
    with pytest.raises(UserError, match=r"gone\.avi"):
        frame_number(tmp_path / "gone.avi", 1)


def test_a_frame_can_be_looked_at(
    tmp_path: Path, images: list[NDArray[np.uint8]], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "v.avi"
    write_video(path, iter(images), Fraction(10), "avi", "mpeg4")
    main(["extract-frame", str(path), "--time", "0.35", "--out", str(tmp_path / "f.png")])
    assert capsys.readouterr().out == "frame 4, shown at 0.300 s\n"
    assert np.array_equal(np.asarray(Image.open(tmp_path / "f.png")), list(read_frames(path))[3].rgb)
    with pytest.raises(SystemExit):
        main(["extract-frame", str(path), "--out", str(tmp_path / "g.png")])
    assert "--index N, or --time SECONDS" in capsys.readouterr().err


def test_a_long_video_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    grey = np.full((240, 320, 3), 99, np.uint8)
    write_video(path, (grey for _ in range(5000)), Fraction(25))
    program = (
        "import resource, sys; from pathlib import Path; from affectflow.media.video import read_frames\n"
        "frames = iter(read_frames(Path(sys.argv[1]))); next(frames)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(1 + sum(1 for _ in frames), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    result = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    frames, kilobytes = map(int, result.stdout.split())
    assert frames == 5000 and kilobytes < 50_000  # the frames are 1.1 GB
