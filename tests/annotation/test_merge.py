"""Annotation videos, and merging of their traces."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.consensus import MergeOptions
from affectflow.annotation.find_video import AnnotationVideo
from affectflow.annotation.merge import Outputs, merge_traces
from affectflow.annotation.traces import read_tracks
from affectflow.annotation.videos import make_annotation_videos
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.media import file_names as names
from affectflow.media.images import decode_rgb
from affectflow.media.video import read_frames
from affectflow.tables.parquet import write_parquet
from tests.miniature import stored

SIZE = 32


class Videos:
    """Downloaded images, and the annotation videos made of them."""

    def __init__(
        self, folder: Path, jpeg: Callable[..., bytes], rows_of: Callable[[Path], list[dict[str, str]]]
    ) -> None:
        self.folder = folder
        self.images = folder / "images"
        self.manifest = folder / "annotation/manifest.csv"
        self._jpeg = jpeg
        self._rows_of = rows_of

    def make(self, seeds: Sequence[int], frames_per_video: int = 3, **options: object) -> list[dict[str, str]]:
        """Make videos of the images of these seeds, after a failed download, and return the manifest."""
        rows: list[dict[str, object]] = [{"url": "gone", "file_name": "gone", "outcome": "not_found"}]
        for seed in seeds:
            url = f"http://a/{seed}"
            path = stored(self.images, names.file_name(url))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._jpeg(seed, SIZE))
            rows.append({"url": url, "file_name": path.name, "outcome": OK, "sha256": file_sha256(path)})
        ledger = self.folder / "ledger.parquet"
        write_parquet(ledger, LEDGER_SCHEMA, rows)
        arguments = {"frame_rate": 25.0, "size": SIZE, "code": "", **options}
        make_annotation_videos(
            ledger,
            self.images,
            self.manifest,
            self.folder / "state",
            frames_per_video,
            **arguments,  # type: ignore[arg-type]
        )
        return self._rows_of(self.manifest)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.manifest.parent.glob("*.mp4")}


@pytest.fixture
def videos(tmp_path: Path, jpeg: Callable[..., bytes], rows_of: Callable[[Path], list[dict[str, str]]]) -> Videos:
    return Videos(tmp_path, jpeg, rows_of)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_frame_leads_to_its_image(videos: Videos, processes: int) -> None:
    manifest = videos.make(range(7), processes=processes)
    assert [(row["annotation_video"], row["frame"], row["video"]) for row in manifest] == [
        (str(i // 3 + 1), str(i % 3 + 1), f"video_{i // 3 + 1:03d}.mp4") for i in range(7)
    ]
    assert [row["url"] for row in manifest] == [f"http://a/{seed}" for seed in range(7)]
    frames = {
        (name, frame.index): frame for name in videos.files() for frame in read_frames(videos.manifest.parent / name)
    }
    assert len(frames) == 7
    for row in manifest:
        frame = frames[row["video"], int(row["frame"])]
        path = stored(videos.images, row["file_name"])
        assert row["image_sha256"] == file_sha256(path)
        assert np.abs(decode_rgb(path.read_bytes()).pixels.astype(int) - frame.rgb).mean() < 10
        assert float(row["time"]) == pytest.approx(frame.time, abs=1e-3)


def test_videos_play_everywhere_at_a_constant_rate(videos: Videos) -> None:
    videos.make(range(7), frames_per_video=7, frame_rate=29.97)
    with av.open(str(videos.manifest.parent / "video_001.mp4")) as container:
        (stream,) = container.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        stamps = sorted(packet.pts for packet in container.demux(stream) if packet.size)
        assert len({later - stamp for stamp, later in pairwise(stamps)}) == 1
        assert float((stamps[1] - stamps[0]) * stream.time_base) == pytest.approx(1 / 29.97, rel=1e-3)


def test_same_bytes_twice_and_after_a_loss(videos: Videos) -> None:
    manifest, files = videos.make(range(5)), videos.files()
    (videos.manifest.parent / "video_001.mp4").unlink()
    (videos.manifest.parent / "video_002.mp4").write_bytes(b"cut")
    assert (videos.make(range(5)), videos.files()) == (manifest, files)


def test_later_images_go_to_new_videos(videos: Videos) -> None:
    manifest, files = videos.make([1, 2, 3, 4]), videos.files()
    extended = videos.make([9, 1, 8, 2, 3, 4])
    assert extended[:4] == manifest
    assert [(row["annotation_video"], row["url"]) for row in extended[4:]] == [("3", "http://a/9"), ("3", "http://a/8")]
    assert files.items() <= videos.files().items() and len(videos.files()) == 3


def test_an_image_that_left_keeps_its_frame(videos: Videos) -> None:
    manifest, files = videos.make([1, 2, 3]), videos.files()
    assert (videos.make([2]), videos.files()) == (manifest, files)


def test_the_order_of_an_earlier_version_is_kept(videos: Videos) -> None:
    manifest, files = videos.make([1, 2, 3, 4]), videos.files()
    order = videos.folder / "state/order.csv"
    order.write_text(order.read_text().replace("annotation_video,", "batch,", 1))
    assert (videos.make([4, 3, 2, 1]), videos.files()) == (manifest, files)


def test_a_damaged_image_is_named(videos: Videos) -> None:
    manifest = videos.make([1])
    path = stored(videos.images, manifest[0]["file_name"])
    path.write_bytes(b"cut")
    with pytest.raises(UserError, match=path.name):
        make_annotation_videos(
            *(videos.folder / "ledger.parquet", videos.images, videos.manifest, videos.folder / "state"),
            *(3, 30.0, SIZE, ""),
        )


RATE = 10  # frames a second


def test_a_video_that_is_traced_gives_values_to_the_right_images(tmp_path: Path) -> None:
    """A thousand frames of H.264, played by a program that notes how bright each is."""
    count = 1000
    brightness = np.random.default_rng(0).permutation(np.linspace(20, 235, count)).round().astype(int)
    rows = []
    for number, grey in enumerate(brightness):
        name = names.file_name(f"http://a/{number}")
        path = stored(tmp_path / "images", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((SIZE, SIZE, 3), grey, np.uint8)
        pixels[0, 0] = number % 256, number // 256, 0  # or equal ones would be one image
        Image.fromarray(pixels).save(path, "PNG")
        rows.append({"url": f"http://a/{number}", "file_name": name, "outcome": OK, "sha256": file_sha256(path)})
    write_parquet(tmp_path / "ledger.parquet", LEDGER_SCHEMA, rows)
    manifest = tmp_path / "annotation/manifest.csv"
    make_annotation_videos(
        tmp_path / "ledger.parquet", tmp_path / "images", manifest, tmp_path / "state", count, 25.0, SIZE, ""
    )
    played = [float(frame.rgb.mean()) / 127.5 - 1 for frame in read_frames(manifest.parent / "video_001.mp4")]
    assert len(played) == count
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces/video_001_valence.txt").write_text("".join(f"{value:.6f}\n" for value in played))
    outputs = Outputs(*(tmp_path / f"{name}.csv" for name in ("merged", "agreement", "annotators")))
    merge_traces(tmp_path / "traces", manifest, outputs, MergeOptions(1.0, 0.0, 3.0, None))
    with outputs.merged.open(newline="") as stream:
        found = {row["file_name"]: float(row["valence"]) for row in csv.DictReader(stream)}
    expected = {str(row["file_name"]): grey / 127.5 - 1 for row, grey in zip(rows, brightness, strict=True)}
    assert found == pytest.approx(expected, abs=0.03)  # of 2; neighbours differ by far more


class Traces:
    """A manifest of videos of the given lengths, a folder of traces, and their merger."""

    def __init__(
        self, folder: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]
    ) -> None:
        self.folder = folder / "traces"
        self.folder.mkdir()
        self._out = folder
        self._save_csv = save_csv
        self._rows_of = rows_of

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def merge(
        self,
        *lengths: int,
        trace_range: float = 1.0,
        lag_s: float | None = 0.0,
        min_ccc: float | None = None,
    ) -> tuple[list[dict[str, str]], list[dict[str, str]], int]:
        """Merged rows, agreement rows, and the number of frames without values."""
        manifest = self._out / "manifest.csv"
        rows = [
            (video, frame, "", f"{(frame - 1) / RATE:.4f}", f"file-{video}-{frame}.jpg", "", "")
            for video, length in enumerate(lengths, start=1)
            for frame in range(1, length + 1)
        ]
        self._save_csv(manifest, MANIFEST_COLUMNS, rows)
        outputs = Outputs(*(self._out / f"{name}.csv" for name in ("merged", "agreement", "annotators")))
        merge_options = MergeOptions(trace_range, lag_s, 3.0, min_ccc)
        frames, empty = merge_traces(self.folder, manifest, outputs, merge_options)
        assert frames == sum(lengths)
        self.annotators = {(row["dimension"], row["annotator"]): row for row in self._rows_of(outputs.annotators)}
        return self._rows_of(outputs.merged), self._rows_of(outputs.agreement), empty


@pytest.fixture
def traces(tmp_path: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]) -> Traces:
    return Traces(tmp_path, save_csv, rows_of)


def values(rows: list[dict[str, str]], column: str) -> list[float | None]:
    return [float(row[column]) if row[column] else None for row in rows]


def test_both_forms_are_read(traces: Traces) -> None:
    traces.write("video_001_valence.txt", "0.5\n-1\n\n")
    traces.write("video_001_arousal.txt", "\ufeff0.25\r\n1\r\n")
    traces.write("video_002.csv", "Frame, Arousal ,valence,note\n3,0.1,-0.1,x\n1,,0.2,\n\n")
    rows, _, empty = traces.merge(2, 3, 1)
    assert values(rows, "valence") == [0.5, -1, 0.2, None, -0.1, None]
    assert values(rows, "arousal") == [0.25, 1, None, None, 0.1, None]
    assert [row["file_name"] for row in rows][2] == "file-2-1.jpg"
    assert empty == 2
    assert [row["valence_annotators"] for row in rows] == ["1", "1", "1", "0", "1", "0"]


def test_names_of_earlier_versions_are_read(traces: Traces) -> None:
    """Annotation videos and their column were called batch; a manifest may be stored with the traces."""
    traces.write("anna/batch_002_valence.txt", "0.5\n-1\n")
    traces.write("ben/Batch 1.csv", "frame,arousal\n1,0.25\n")
    traces.write("manifest.csv", "batch,frame,video,time,file_name,url,image_sha256\n1,1,batch_001.mp4,0.0000,f,,\n")
    rows, _, _ = traces.merge(1, 2)
    assert values(rows, "valence") == [None, 0.5, -1] and values(rows, "arousal") == [0.25, None, None]
    traces.write("manifest.csv", "batch,frame,video,time,file_name,url,image_sha256\n1,1,batch_001.mp4,0.0000,f,,0\n")
    with pytest.raises(UserError, match="another image for annotation video 1, frame 1"):
        traces.merge(1, 2)


def test_ranges_are_scaled(traces: Traces) -> None:
    traces.write("video_001_valence.txt", "100\n-50\n0\n")
    assert values(traces.merge(3, trace_range=100)[0], "valence") == [1, -0.5, 0]


def test_annotators_are_averaged_and_compared(traces: Traces) -> None:
    draw = random.Random(1)
    course = {name: [round(draw.uniform(-1, 1), 3) for _ in range(30)] for name in ("anna", "ben", "cem")}
    for name, track in course.items():
        traces.write(f"{name}/video_001_valence.txt", "\n".join(map(str, track)))
    traces.write("anna/video_002.csv", "frame,valence\n2,0.4\n")
    traces.write("ben/video_002.csv", "frame,valence,arousal\n2,0.2,0.9\n3,1,1\n")
    rows, agreement, _ = traces.merge(30, 3)
    everyone = np.array(list(course.values()))
    assert values(rows[:30], "valence") == pytest.approx(everyone.mean(axis=0), abs=1e-6)
    assert values(rows[:30], "valence_sd") == pytest.approx(everyone.std(axis=0), abs=1e-6)
    assert values(rows[30:], "valence") == [None, pytest.approx(0.3), 1]
    assert [row["valence_annotators"] for row in rows[29:]] == ["3", "0", "2", "1"]
    pairs = {(r["dimension"], r["annotator_1"], r["annotator_2"]): r for r in agreement}
    assert {key[1:] for key in pairs if key[0] == "valence"} == {("anna", "ben"), ("anna", "cem"), ("ben", "cem")}
    x, y = np.array([*course["anna"], 0.4]), np.array([*course["ben"], 0.2])
    ccc = 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    row = pairs["valence", "anna", "ben"]
    assert int(row["frames"]) == 31 and float(row["ccc"]) == pytest.approx(ccc, abs=1e-6)


@pytest.mark.parametrize(
    "name, text, line",
    [
        ("video_001_valence.txt", "0\n" * 6, "6 values .* 3 frames"),
        ("video_001_valence.txt", "", "is empty"),
        ("video_001_valence.txt", "0\nx\n0\n", "line 2"),
        ("video_001_valence.txt", "0\n0,5\n0\n", "line 2"),
        ("video_001_valence.txt", "0\n0\n1.01\n", "line 3"),
        ("video_001_valence.txt", "0\n-inf\n0\n", "line 2"),
        ("video_001.csv", "frame,valence\n1,0\n2,x\n", "line 3"),
        ("video_001.csv", "frame,valence\n1,0\n1,0\n", "line 3"),
        ("video_001.csv", "frame,valence\n4,0\n", "line 2"),
        ("video_001.csv", "frame,valence\n0,0\n", "line 2"),
        ("video_001.csv", "frame,valence\n-1,0\n", "line 2"),
        ("video_001.csv", "frame,valence\n1.5,0\n", "line 2"),
        ("video_001.csv", "frame,valence\n1,-2\n", "line 2"),
        ("video_001.csv", "frame,valence\n²,0\n", "line 2"),
        ("video_001.csv", "valence,arousal\n" + "0,0\n" * 6, "6 values .* 3 frames"),
        ("video_001.csv", "frame,smile\n1,0\n", "valence"),
        ("video_001.csv", "", "is empty"),
        ("video_009_valence.txt", "0\n0\n0\n", "annotation video 9"),
        ("video_000_valence.txt", "0\n0\n0\n", "annotation video 0"),
        ("notes.txt", "hello", "expected a header with a column frame"),
        ("notes.txt", "0\n0\n0\n", "named after an annotation video"),
        ("video_001.txt", "0\n0\n0\n", "does not say whether"),
    ],
)
def test_traces_that_do_not_fit_are_named(traces: Traces, name: str, text: str, line: str) -> None:
    traces.write("video_002_valence.txt", "0\n")
    traces.write(f"anna/{name}", text)
    with pytest.raises(UserError, match=f"{name}.*{line}"):
        traces.merge(3, 1)


def test_the_same_trace_twice(traces: Traces) -> None:
    traces.write("video_001_valence.txt", "0\n")
    traces.write("video_1_valence.txt", "0\n")
    with pytest.raises(UserError, match="same trace"):
        traces.merge(1)


def test_binary_rubbish_and_no_traces(traces: Traces) -> None:
    with pytest.raises(UserError, match="no traces"):
        traces.merge(1)
    (traces.folder / "video_001_valence.txt").write_bytes(b"\xff\xfe0")
    with pytest.raises(UserError, match=r"video_001_valence\.txt"):
        traces.merge(1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=20),
    st.sampled_from([1.0, 10.0, 100.0, 1000.0]),
)
def test_any_trace_comes_back_scaled(track: list[float], trace_range: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "video_001_valence.txt")
        lines.write_text("".join(f"{value * trace_range!r}\n" for value in track))
        table = Path(folder, "video_002.csv")
        body = "".join(f"{i},{value * trace_range!r}\n" for i, value in enumerate(track, start=1))
        table.write_text("frame,valence\n" + body)
        for path in (lines, table):
            videos = {i: AnnotationVideo(i, [""] * len(track), np.arange(len(track)) / RATE) for i in (1, 2)}
            (read,) = read_tracks(path, Path(folder), videos, trace_range)
            assert read.sample(0.0) == pytest.approx(track, abs=1e-9)
            assert np.abs(read.sample(0.0)).max() <= 1
