"""Own videos, traced: found by content, converted where browsers need it, merged into a data set that can be read."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.consensus import MergeOptions
from affectflow.annotation.merge import Outputs, merge_traces
from affectflow.annotation.merge_videos import Merged, merge_videos
from affectflow.annotation.own_videos import every_frame, find_videos, playable, times_of
from affectflow.annotation.rating_log import Rating, RatingLog
from affectflow.annotation.trace_log import OwnVideoTraceLog, TraceLog, content_digest
from affectflow.cli import main
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.datasets.opening import get_dataset
from affectflow.media.video import frame_times, read_frames, write_video
from affectflow.tables.csv_files import write_csv
from tests.miniature import FRAMES, grey, make_video, text

MERGE_OPTIONS = MergeOptions(1.0, 0.0, 3.0, None)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos, a hidden one, and a text."""
    here = tmp_path / "videos"
    make_video(here / "Anna laughs.mp4")
    make_video(here / "more/ben.avi", first=1)
    make_video(here / ".hidden.mp4")
    text(here / "notes.mp4", "no video")
    return here


def trace(
    folder: Path,
    annotator: str,
    video: str,
    path: Path,
    *points: tuple[int, float | None, float | None],
    frames: int = FRAMES,
) -> None:
    log = OwnVideoTraceLog(folder / annotator / "own_videos.jsonl", annotator)
    log.trace(video, [list(point) for point in points], content_digest([file_sha256(path)]), frames)
    log.close()


def labels(folder: Path, dimension: str, name: str) -> list[str]:
    return (folder / f"annotations/train/{dimension}/{name}.txt").read_text().splitlines()


def test_what_was_traced_is_a_data_set(videos: Path, tmp_path: Path) -> None:
    """A mean of two annotators, a frame that nobody traced, and one of which only valence is known."""
    traces, out = tmp_path / "traces", tmp_path / "mine"
    anna = videos / "Anna laughs.mp4"
    trace(traces, "one", "Anna laughs.mp4", anna, *((frame, 0.5, -0.25) for frame in range(1, 5)), (5, 1, None))
    trace(traces, "two", "Anna laughs.mp4", anna, (1, 0.25, -0.75))
    trace(traces, "two", "more/ben.avi", videos / "more/ben.avi", *((f, f / 10, -f / 10) for f in range(1, FRAMES + 1)))
    merged = merge_videos(traces, videos, out, MERGE_OPTIONS)
    assert merged == [Merged("Anna laughs.mp4", FRAMES, 1), Merged("ben.avi", FRAMES, 0)]
    assert labels(out, "valence", "Anna laughs") == ["0.375", "0.5", "0.5", "0.5", "1", "-5"]
    assert labels(out, "arousal", "Anna laughs") == ["-0.5", "-0.25", "-0.25", "-0.25", "-5", "-5"]
    assert (out / "videos/train/ben.avi").resolve() == videos / "more/ben.avi"
    dataset = get_dataset("affwild", out, "all")
    samples = list(dataset.samples())
    assert len(samples) == 2 * FRAMES - 1 and dataset.left_out == {"frame without labels": 1}
    ben = [sample for sample in samples if sample.video == "ben"]
    assert [round(sample.valence, 6) for sample in ben] == [f / 10 for f in range(1, FRAMES + 1)]
    assert [grey(sample) for sample in ben] == list(range(1, FRAMES + 1))
    assert np.isnan(samples[4].arousal) and samples[4].valence == 1
    with (out / "annotators.csv").open(newline="") as stream:
        rows = [(row["dimension"], row["annotator"], row["frames"]) for row in csv.DictReader(stream)]
    assert rows[:2] == [("valence", "one", "5"), ("valence", "two", str(1 + FRAMES))]
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    merge_videos(traces, videos, out, MERGE_OPTIONS)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_traces_of_other_tools_are_found_by_the_video(videos: Path, tmp_path: Path) -> None:
    traces = tmp_path / "traces"
    for dimension in ("valence", "arousal"):
        text(traces / f"carla/ben_{dimension}.txt", *(0.1 for _ in range(FRAMES)))
    text(traces / "dora/ben.csv", "frame,valence,arousal", "2,0.3,-0.3")
    merge_videos(traces, videos, tmp_path / "mine", MERGE_OPTIONS)
    assert labels(tmp_path / "mine", "valence", "ben") == ["0.1", "0.2", "0.1", "0.1", "0.1", "0.1"]
    text(traces / "carla/ben_valence.txt", *(0.1 for _ in range(FRAMES + 2)))
    merge_videos(traces, videos, tmp_path / "mine", MERGE_OPTIONS)  # two are left over
    assert labels(tmp_path / "mine", "valence", "ben") == ["0.1", "0.2", "0.1", "0.1", "0.1", "0.1"]
    text(traces / "carla/ben_valence.txt", *(0.1 for _ in range(FRAMES + 3)))
    with pytest.raises(UserError, match=r"has 9 values but ben\.avi has 6 frames"):
        merge_videos(traces, videos, tmp_path / "mine", MERGE_OPTIONS)


def test_a_video_that_is_another_now_is_refused(videos: Path, tmp_path: Path) -> None:
    trace(tmp_path / "traces", "one", "more/ben.avi", videos / "more/ben.avi", (1, 0, 0))
    make_video(videos / "more/ben.avi", first=0)
    with pytest.raises(UserError, match=r"traces other images than ben\.avi has now"):
        merge_videos(tmp_path / "traces", videos, tmp_path / "mine", MERGE_OPTIONS)
    assert not (tmp_path / "mine").exists()


def test_mistakes_are_one_sentence(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(traces: Path, folder: Path) -> str:
        with pytest.raises(SystemExit) as caught:
            main(["merge-videos", str(traces), "--videos", str(folder), "--out", str(tmp_path / "mine")])
        assert caught.value.code == 1
        return capsys.readouterr().err

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no traces" in said(empty, videos)
    assert "has no videos" in said(empty, empty)
    assert "is not a folder" in said(empty, tmp_path / "nowhere")
    text(tmp_path / "traces/eva_valence.txt", 0.1)
    assert "eva_valence.txt is not named after a video; the videos are Anna laughs.mp4, ben.avi" in said(
        tmp_path / "traces", videos
    )
    (tmp_path / "traces/eva_valence.txt").unlink()
    line = {"kind": "trace", "video": "eva.mp4", "content_digest": "0", "points": [[1, 0, 0]]}
    first = {"affectflow-annotation": 1, "of": "videos", "annotator": "eva"}
    text(tmp_path / "traces/eva/own_videos.jsonl", json.dumps(first), json.dumps(line))
    assert "own_videos.jsonl traces the video 'eva.mp4'" in said(tmp_path / "traces", videos)
    make_video(videos / "other/BEN.mp4")
    assert "have the same name" in said(tmp_path / "traces", videos)


def test_another_video_is_not_overwritten(videos: Path, tmp_path: Path) -> None:
    trace(tmp_path / "traces", "one", "more/ben.avi", videos / "more/ben.avi", (1, 0, 0))
    other = make_video(tmp_path / "mine/videos/train/ben.avi", first=2)
    before = other.read_bytes()
    with pytest.raises(UserError, match="is not a link to"):
        merge_videos(tmp_path / "traces", videos, tmp_path / "mine", MERGE_OPTIONS)
    assert other.read_bytes() == before


def test_labels_may_lie_beside_the_videos(videos: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = make_video(root / "videos/train/001.mp4")
    trace(tmp_path / "traces", "one", "001.mp4", path, *((f, 0.5, 0.5) for f in range(1, FRAMES + 1)))
    merge_videos(tmp_path / "traces", root / "videos/train", root, MERGE_OPTIONS)
    assert path.is_file() and not path.is_symlink()
    assert len(list(get_dataset("affwild", root, "all").samples())) == FRAMES


def test_what_browsers_do_not_play_is_converted_frame_by_frame(videos: Path, tmp_path: Path) -> None:
    found = find_videos(videos)
    assert sorted(found) == ["Anna laughs.mp4", "more/ben.avi"]
    shown, times = playable(found["Anna laughs.mp4"], tmp_path / "converted.mp4")
    assert shown == found["Anna laughs.mp4"] and times == pytest.approx([f / 10 for f in range(FRAMES)])
    shown, times = playable(found["more/ben.avi"], tmp_path / "store/converted.mp4")
    assert shown == tmp_path / "store/converted.mp4" and times == pytest.approx([f / 10 for f in range(FRAMES)])
    greys = [[frame.rgb.mean() for frame in read_frames(path)] for path in (shown, found["more/ben.avi"])]
    assert np.abs(np.subtract(*greys)).max() < 3


def test_a_file_that_is_no_video_any_more_is_named(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (videos / "cut.mp4").write_bytes((videos / "Anna laughs.mp4").read_bytes()[:100])
    (videos / "readme.txt").write_text("of the recording")
    assert sorted(find_videos(videos)) == ["Anna laughs.mp4", "more/ben.avi"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{videos / name} is not used, because it is damaged or not a video; fetch it again"
        for name in ("cut.mp4", "notes.mp4")  # a text under the name of a video
    ]


def truncate(path: Path, share: float = 0.6) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    return path


@pytest.mark.parametrize("lag", [None, 0.1])
def test_a_video_that_is_cut_off_keeps_its_length(lag: float | None, tmp_path: Path) -> None:
    """Labels of what is lost are none, and lags are looked for all the same."""
    videos = tmp_path / "videos"
    images = (np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8) for i in range(60))
    videos.mkdir()
    write_video(videos / "long.avi", images, Fraction(10), "avi", "mpeg4")
    path = truncate(videos / "long.avi")
    _, held = times_of(path)
    assert 20 < held < 60 and len(times_of(path)[0]) == 60
    shown, times = playable(path, tmp_path / "converted.mp4")
    assert len(times) == held == len(list(read_frames(shown)))
    values = np.sin(np.arange(held) / 4)
    for annotator, late in (("one", 0), ("two", 3)):
        points = [(i + 1, float(values[max(0, i - late)]), 0.0) for i in range(held)]
        trace(tmp_path / "traces", annotator, "long.avi", path, *points, frames=held)
    (video,) = merge_videos(tmp_path / "traces", videos, tmp_path / "mine", MergeOptions(1.0, lag, 3.0, None))
    assert video.frames == 60 and video.without >= 60 - held
    with (tmp_path / "mine/annotators.csv").open(newline="") as stream:
        lags = {
            row["annotator"]: float(row["lag_s"]) for row in csv.DictReader(stream) if row["dimension"] == "valence"
        }
    assert lags == ({"one": 0.0, "two": 0.3} if lag is None else {"one": 0.1, "two": 0.1})


def test_lags_are_in_seconds_whatever_the_rate(tmp_path: Path) -> None:
    """A longer video of another rate, that one of the two alone has traced, changes nothing."""
    videos = tmp_path / "videos"
    videos.mkdir()
    images = [np.full((32, 32, 3), i % 200, np.uint8) for i in range(800)]
    write_video(videos / "slow.mp4", images[:100], Fraction(10))
    write_video(videos / "fast.mp4", images, Fraction(50))
    values = [float(np.sin(i / 7) + np.sin(i / 3)) / 2 for i in range(100)]
    for annotator, late in (("one", 0), ("two", 6)):
        points = [(i + 1, values[max(0, i - late)], 0.0) for i in range(100)]
        trace(tmp_path / "traces", annotator, "slow.mp4", videos / "slow.mp4", *points, frames=100)
    fast = [(i + 1, 0.1, 0.1) for i in range(800)]
    trace(tmp_path / "traces", "one", "fast.mp4", videos / "fast.mp4", *fast, frames=800)
    merge_videos(tmp_path / "traces", videos, tmp_path / "mine", MergeOptions(1.0, None, 3.0, None))
    with (tmp_path / "mine/annotators.csv").open(newline="") as stream:
        lags = {
            row["annotator"]: float(row["lag_s"]) for row in csv.DictReader(stream) if row["dimension"] == "valence"
        }
    assert lags["one"] == 0 and lags["two"] == pytest.approx(0.6, abs=0.03)


def spoilt(path: Path, lost: int | None = None, broken: int | None = None) -> Path:
    """A video of 60 frames, ever brighter, every 20th a key frame; of one frame (from 0) the packet is lost, of another
    it is no image."""
    with av.open(str(path), "w", format="mp4") as container:
        options = {"g": "20", "bf": "0", "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frames = [av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * i, np.uint8), format="rgb24") for i in range(60)]
        packets = [packet for frame in [*frames, None] for packet in stream.encode(frame)]
        for number, packet in enumerate(packets):
            if number == broken:
                other = av.Packet(bytes(packet.size))
                other.pts, other.dts, other.time_base, other.stream = packet.pts, packet.dts, packet.time_base, stream
                packet = other
            if number != lost:
                container.mux(packet)
    return path


def brightness(path: Path) -> list[int]:
    return [round(float(frame.rgb.mean()) / 4) for frame in read_frames(path)]


def test_a_video_without_its_first_image_is_converted(tmp_path: Path) -> None:
    """Browsers begin with the next key frame, and would take it for the first."""
    path = spoilt(tmp_path / "x.mp4", lost=0)
    shown, times = playable(path, tmp_path / "converted.mp4")
    assert shown == tmp_path / "converted.mp4" and len(times) == 59
    seen = brightness(shown)
    assert len(seen) == 59 and seen == pytest.approx([20] * 20 + list(range(21, 60)), abs=1)


def test_in_place_of_a_broken_frame_the_one_before_is_shown(tmp_path: Path) -> None:
    path = spoilt(tmp_path / "x.avi", broken=20)
    seen = [round(float(pixels.mean()) / 4) for pixels in every_frame(path, 60)]
    assert len(seen) == 60 and seen[:20] + seen[40:] == pytest.approx([*range(20), *range(40, 60)], abs=1)
    assert seen[20] == seen[19]


def test_a_rate_that_changes_is_kept_in_a_conversion(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "x.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 8 * i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = (40 * i if i < 20 else 800 + 400 * (i - 20)), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    shown, times = playable(tmp_path / "x.mkv", tmp_path / "converted.mp4")
    expected = [0.04 * i if i < 20 else 0.8 + 0.4 * (i - 20) for i in range(30)]
    assert shown == tmp_path / "converted.mp4" and times == pytest.approx(expected, abs=1e-3)
    assert [time for _, time in frame_times(shown)] == pytest.approx(expected, abs=1e-3)


def test_several_may_want_a_conversion(videos: Path, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: playable(videos / "more/ben.avi", tmp_path / "store/converted.mp4"), range(4)))
    assert len({path for path, _ in found}) == 1 and len(list(read_frames(found[0][0]))) == FRAMES


def test_logs_of_images_and_of_videos_are_side_by_side(videos: Path, tmp_path: Path) -> None:
    """Each merge takes its own."""
    traces = tmp_path / "traces"
    trace(traces, "one", "more/ben.avi", videos / "more/ben.avi", *((f, 0.5, 0.5) for f in range(1, FRAMES + 1)))
    images = RatingLog(traces / "one/images.jsonl", "one")
    images.rate(Rating(1, 1, "a.jpg", "1", 0.25, 0.25))
    images.close()
    log = TraceLog(traces / "one/videos.jsonl", "one")
    log.trace("video_001.mp4", [[1, 0.0, 0.0], [2, 0.75, 0.0]], content_digest(["1", "2"]), 2)
    log.close()
    assert merge_videos(traces, videos, tmp_path / "mine", MERGE_OPTIONS) == [Merged("ben.avi", FRAMES, 0)]
    rows = [(1, f, "video_001.mp4", f"{f / 25:.4f}", f"{name}.jpg", "", f"{f}") for f, name in ((1, "a"), (2, "b"))]
    write_csv(tmp_path / "manifest.csv", MANIFEST_COLUMNS, rows)
    outputs = Outputs(*(tmp_path / f"{name}.csv" for name in ("merged", "agreement", "annotators")))
    merge_traces(traces, tmp_path / "manifest.csv", outputs, MERGE_OPTIONS)
    with outputs.merged.open(newline="") as stream:
        assert [row["valence"] for row in csv.DictReader(stream)] == ["0.250000", "0.750000"]


def test_labels_of_a_video_that_is_traced_no_more_go(videos: Path, tmp_path: Path) -> None:
    traces, out = tmp_path / "traces", tmp_path / "mine"
    for annotator, name in (("one", "more/ben.avi"), ("two", "Anna laughs.mp4")):
        trace(traces, annotator, name, videos / name, (1, 0.5, 0.5))
    merge_videos(traces, videos, out, MERGE_OPTIONS)
    (traces / "two/own_videos.jsonl").unlink()
    merge_videos(traces, videos, out, MERGE_OPTIONS)
    assert not list(out.rglob("Anna*")) and (videos / "Anna laughs.mp4").is_file()
    assert len(list(out.rglob("ben.*"))) == 3


def test_labels_of_another_origin_are_not_overwritten(videos: Path, tmp_path: Path) -> None:
    trace(tmp_path / "traces", "one", "more/ben.avi", videos / "more/ben.avi", (1, 0.5, 0.5))
    theirs = text(tmp_path / "mine/annotations/train/valence/ben.txt", *(0 for _ in range(FRAMES)))
    before = theirs.read_bytes()
    with pytest.raises(UserError, match="was not written by merge-videos"):
        merge_videos(tmp_path / "traces", videos, tmp_path / "mine", MERGE_OPTIONS)
    assert theirs.read_bytes() == before


def test_what_is_written_is_not_read_the_next_time(videos: Path, tmp_path: Path) -> None:
    trace(tmp_path / "traces", "one", "more/ben.avi", videos / "more/ben.avi", (1, 0.5, 0.5))
    for out in (tmp_path / "traces", tmp_path / "traces/out", videos, videos / "out"):
        with pytest.raises(UserError, match="is in the folder of"):
            merge_videos(tmp_path / "traces", videos, out, MERGE_OPTIONS)


def test_ratings_of_frames_of_a_video(videos: Path, tmp_path: Path) -> None:
    """As CVAT writes them."""
    boxes = "".join(
        f'<box frame="{frame}"><attribute name="valence">0.5</attribute><attribute name="arousal">-0.5</attribute></box>'
        for frame in range(2)
    )
    text(
        tmp_path / "traces/eva/export.xml",
        f"<annotations><meta><source>ben.avi</source></meta><track id='0' label='face'>{boxes}</track></annotations>",
    )
    merge_videos(tmp_path / "traces", videos, tmp_path / "mine", MERGE_OPTIONS)
    assert labels(tmp_path / "mine", "valence", "ben") == ["0.5", "0.5", "-5", "-5", "-5", "-5"]


def test_odd_sides_become_even(tmp_path: Path) -> None:
    images = [np.full((31, 33, 3), 40 * i, np.uint8) for i in range(5)]
    write_video(tmp_path / "odd.mp4", images, Fraction(10))
    frames = list(read_frames(tmp_path / "odd.mp4"))
    assert len(frames) == 5 and frames[0].rgb.shape == (32, 34, 3)
