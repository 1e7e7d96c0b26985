"""Videos: what is written comes back, frame by frame."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
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
    assert list(frame_times(path)) == [(frame.index, frame.time) for frame in frames]


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
        assert any(path.name in problem for problem in media.problems)


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


@pytest.mark.parametrize(
    "matrix, expected",
    [
        ((-1, 0, 0, 1), lambda rgb: rgb[:, ::-1]),
        ((1, 0, 0, -1), lambda rgb: rgb[::-1]),
        ((-1, 0, 0, -1), lambda rgb: rgb[::-1, ::-1]),
        ((0, 1, 1, 0), lambda rgb: rgb.transpose(1, 0, 2)),
        ((0, -1, 1, 0), lambda rgb: np.rot90(rgb)),
        ((0, -1, -1, 0), lambda rgb: np.rot90(rgb, 2).transpose(1, 0, 2)),
    ],
    ids=["mirrored", "upside down and mirrored", "half turn", "transposed", "quarter turn", "turned and mirrored"],
)
def test_a_mirrored_video_is_mirrored(
    tmp_path: Path,
    images: list[NDArray[np.uint8]],
    matrix: tuple[int, int, int, int],
    expected: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> None:
    source = tmp_path / "v.mp4"
    write_video(source, iter(images), Fraction(10))
    content = source.read_bytes()
    straight = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (value << 16 for value in matrix)
    at = content.rindex(straight)
    changed = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "shown.mp4").write_bytes(content[:at] + changed + content[at + len(changed) :])
    for frame, shown in zip(read_frames(source), read_frames(tmp_path / "shown.mp4"), strict=True):
        assert np.array_equal(expected(frame.rgb), shown.rgb)


def numbered(number: int) -> NDArray[np.uint8]:
    """A noisy image that shows its number in eight squares."""
    image = np.random.default_rng(number).integers(60, 190, (96, 128, 3)).astype(np.uint8)
    for bit in range(8):
        image[:16, 16 * bit : 16 * bit + 16] = 255 * (number >> bit & 1)
    return image


def number_shown(rgb: NDArray[np.uint8]) -> int:
    return sum(int(rgb[4:12, 16 * bit + 4 : 16 * bit + 12].mean() > 127) << bit for bit in range(8))


def write_numbered(
    path: Path, codec: str, options: dict[str, str], frames: Iterable[int] = range(93), **of_container: str
) -> None:
    with av.open(str(path), "w", options=of_container) as output:
        stream = output.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in frames:
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


DAMAGED = {
    "mpeg4.avi": ("mpeg4", {"g": "12"}),
    "reordered.avi": ("mpeg4", {"g": "12", "bf": "2"}),
    "h264.avi": ("libx264", {"g": "12"}),
    "h264.mp4": ("libx264", {"g": "12"}),
    "h264.mkv": ("libx264", {"g": "12"}),
    "mpeg4.mkv": ("mpeg4", {"g": "12"}),
    "vp8.webm": ("libvpx", {"g": "12"}),
    "video.flv": ("flv", {"g": "12"}),
    "video.mpg": ("mpeg2video", {"g": "12", "bf": "2"}),
    "video.ts": ("libx264", {"g": "12"}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_labels_stay_with_their_frames_behind_damage(tmp_path: Path, name: str) -> None:
    """400 bytes that are overwritten or cut out in the middle: what is still read has the number that it shows."""
    codec, options = DAMAGED[name]
    write_numbered(tmp_path / name, codec, options)
    assert [number_shown(frame.rgb) for frame in read_frames(tmp_path / name)] == list(range(93))
    content = (tmp_path / name).read_bytes()
    read = 0
    for seed in range(6):
        rng = random.Random(seed)
        at = rng.randrange(len(content) // 4, 3 * len(content) // 4)
        instead = (rng.randbytes(400), bytes(400), b"")[seed % 3]
        (tmp_path / f"damaged-{name}").write_bytes(content[:at] + instead + content[at + 400 :])
        slid: Counter[int] = Counter()
        with suppress(UserError):
            for frame in read_frames(tmp_path / f"damaged-{name}"):
                read += 1
                slid[number_shown(frame.rgb) - (frame.index - 1)] += 1
        # Frames around the damage show older squares, so that single ones differ, or some by a bit.
        assert not [shift for shift in range(-6, 7) if shift and slid[shift] > 3], (seed, slid)
    assert read > 30


def test_a_hole_in_regular_time_stamps_is_as_many_places_as_it_is_long(tmp_path: Path) -> None:
    there = [number for number in range(60) if number not in (10, 11, 30, 45)]
    write_numbered(tmp_path / "v.mkv", "mpeg4", {"g": "12"}, there)
    found = []
    with pytest.raises(Incomplete, match=r"gives 56 of its 60 frames"):
        found.extend(read_frames(tmp_path / "v.mkv"))
    assert [frame.index - 1 for frame in found] == [number_shown(frame.rgb) for frame in found] == there


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The type and bytes of each box of an MP4."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4])
        yield content[at + 4 : at + 8], content[at : at + size]
        at += size


def test_a_fragment_of_a_video_that_is_gone_is_a_hole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_numbered(
        tmp_path / "v.mp4",
        "libx264",
        {"g": "12", "sc_threshold": "0"},
        movflags="frag_keyframe+empty_moov+default_base_moof",
    )
    assert [number_shown(frame.rgb) for frame in read_frames(tmp_path / "v.mp4")] == list(range(93))
    assert "v.mp4 does not say how long it is" in caplog.text
    parts = list(boxes((tmp_path / "v.mp4").read_bytes()))
    third = [place for place, (kind, _) in enumerate(parts) if kind == b"moof"][2]
    (tmp_path / "v.mp4").write_bytes(b"".join(data for _, data in parts[:third] + parts[third + 2 :]))
    found = []
    with pytest.raises(Incomplete, match=r"gives 81 of its 93 frames"):
        found.extend(read_frames(tmp_path / "v.mp4"))
    assert [frame.index - 1 for frame in found] == [number_shown(frame.rgb) for frame in found]
    assert set(range(93)) - {frame.index - 1 for frame in found} == set(range(24, 36))


def test_time_stamps_of_a_changing_rate_are_counted(tmp_path: Path) -> None:
    there = [number for number in range(90) if number % 5 and number % 7]
    write_numbered(tmp_path / "v.mkv", "mpeg4", {"g": "12"}, there)
    frames = list(read_frames(tmp_path / "v.mkv"))
    assert [frame.index for frame in frames] == list(range(1, len(there) + 1))
    assert [number_shown(frame.rgb) for frame in frames] == there


def test_frames_that_a_recorder_dropped_keep_their_places(tmp_path: Path) -> None:
    name = "dropped.avi"
    there = [number for number in range(60) if number not in (10, 11, 30, 45)]
    write_numbered(tmp_path / name, "mpeg4", {"g": "12"}, there)
    for media in (Media(), MetadataOnly()):
        left_out: Counter[str] = Counter()
        frames = list(media.frames(tmp_path / name, left_out))
        assert [index - 1 for index, _, _ in frames] == there
        assert all(time == pytest.approx((index - 1) / 25, abs=1e-3) for index, time, _ in frames)
        assert (left_out, media.problems) == ({f"frame that {name} has dropped": 4}, [])
        assert media.length(tmp_path / name) == 60
    assert [number_shown(frame.rgb) for frame in read_frames(tmp_path / name)] == there
    assert number_shown(frame_number(tmp_path / name, 13).rgb) == 12
    assert frame_at(tmp_path / name, 11 / 25).index == 10  # which is still shown
    with pytest.raises(UserError, match="dropped frame 11; give another one"):
        frame_number(tmp_path / name, 11)


@pytest.mark.parametrize("name, codec", [("v.mkv", "libx264"), ("v.flv", "flv"), ("v.webm", "libvpx")])
def test_a_cut_of_half_a_second_is_told(tmp_path: Path, name: str, codec: str) -> None:
    write_numbered(tmp_path / name, codec, {"g": "12"})
    with av.open(str(tmp_path / name)) as container:
        end = max(p.pos for p in container.demux(video=0) if p.pts is not None and p.pts * p.time_base < 3.2)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:end])
    with pytest.raises(Incomplete, match=r"gives (79|80|81) of its (92|93|94) frames"):
        list(read_frames(tmp_path / name))


def test_a_container_without_a_length_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_numbered(tmp_path / "v.ts", "libx264", {"g": "12"}, range(20))
    assert len(list(read_frames(tmp_path / "v.ts"))) == 20
    assert "v.ts does not say how long it is; whether its end is missing cannot be told" in caplog.text


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
