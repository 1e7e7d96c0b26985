"""What annotation tools export, read by its content and merged at the right frames."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affectflow.annotation.formats import read_export
from affectflow.annotation.lag import Lag, lags_of
from affectflow.core.errors import UserError
from affectflow.report.annotation import annotation_panels
from tests.annotation.test_merge import RATE, Traces, values

PAGAN = "OriginalName,DatabaseName,Participant,SessionID,Timestamp,VideoTime,Value"
CARMA = (
    "Time of Rating,01-Jan-2026\nMultimedia File,{video}\nLower Label,negative\nUpper Label,positive\n"
    "Minimum Value,-100\nMaximum Value,100\nNumber of Steps,9\nSecond,Rating\n%%%%%%,%%%%%%\n"
)
DARMA = (
    "Time of Rating,x\nMultimedia File,{video}\nMagnitude,1000\nSecond,{x},{y},Button\n%%%%%%,%%%%%%,%%%%%%,%%%%%%\n"
)
FRAMES = 20


@pytest.fixture
def traces(tmp_path: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]) -> Traces:
    return Traces(tmp_path, save_csv, rows_of)


def merged(traces: Traces, column: str = "valence", **merge_options: float | None) -> list[float | None]:
    return values(traces.merge(FRAMES, **merge_options)[0], column)


def test_a_table_of_times(traces: Traces) -> None:
    """Straight lines between times, in seconds or milliseconds, nothing outside."""
    traces.write("a/video_001.csv", "Time,Valence\n0.2,-1\n1.2,1\n")
    traces.write("b/video_001_arousal.csv", "ms;value\n200;-1,0\n1200;1,0\n")
    expected = [None, None, *np.linspace(-1, 1, 11), *[None] * 7]
    for column in ("valence", "arousal"):
        found = merged(traces, column)
        assert [v is None for v in found] == [v is None for v in expected]
        assert [v for v in found if v is not None] == pytest.approx([v for v in expected if v is not None], abs=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nTime;Valence\n0,2;-1\n1,2;1\n",
        "Ratings of Anna\n\n# exported in 2026\ntime,valence\n0.2,-1\n1.2,1\n",
        "time|valence\n0.2|-1\n1.2|1\n",
        '"note","time","valence"\n"a, b",0.2,-1\n"one\ntwo",1.2,1\n',
        'time\tvalence\tnote\n0.2\t-1\tsaid "no\n1.2\t1\t\n',
        "time,valence\n0.2,-1\n,\n1.2,1\n",
    ],
)
def test_a_table_as_others_write_it(traces: Traces, content: str) -> None:
    traces.write("video_001.csv", "Time,Valence\n0.2,-1\n1.2,1\n")
    expected = merged(traces)
    traces.write("video_001.csv", content)
    assert merged(traces) == expected


def test_a_gap_in_a_table_stays_a_gap(traces: Traces) -> None:
    traces.write("video_001.csv", "time,valence\n0,0.5\n0.5,\n1.0,0.5\n1.9,0.5\n")
    found = merged(traces)
    assert found[0] == 0.5 and found[1:10] == [None] * 9 and found[10:] == [0.5] * 10


def test_pagan_holds_a_value_until_the_next(traces: Traces) -> None:
    """Several participants in one file; a comma in the video's name; milliseconds; nothing before the first."""
    lines = [
        *("video_001.mp4,Valence,anna,s1,1,300,50", "video_001.mp4,Valence,ben,s2,1,0,-100"),
        *("a, b video_001.mp4,Valence study,cem,s3,1,0,100", "video_001.mp4,Valence,anna,s1,2,1000,-50"),
    ]
    traces.write("export.csv", "\n".join([PAGAN, *lines]))
    assert merged(traces, trace_range=1.0)[:3] == [0.0] * 3  # ben and cem
    rows = traces.merge(FRAMES)[0]
    assert rows[0]["valence_sources"] == "ben;cem" and rows[5]["valence_sources"] == "anna;ben;cem"
    assert values(rows, "valence")[3:10] == pytest.approx([0.5 / 3] * 7, abs=1e-6)
    assert values(rows, "valence")[10:] == pytest.approx([-0.5 / 3] * 10, abs=1e-6)
    assert {row["tools"] for row in traces.annotators.values()} == {"PAGAN"}


def test_carma_names_a_bin_by_its_end(traces: Traces) -> None:
    body = "".join(f"{(i + 1) * 0.5:.3f},{value}\n" for i, value in enumerate([100, -100, 0, 50]))
    traces.write("anna/valence.csv", CARMA.format(video="C:\\videos\\video_001.mp4") + body)
    assert merged(traces) == [1.0] * 5 + [-1.0] * 5 + [0.0] * 5 + [0.5] * 5


@pytest.mark.parametrize(
    ("x", "y", "swapped"), [("x", "y", False), ("Valence", "Arousal", False), ("arousal", "valence", True)]
)
def test_darma_has_two_dimensions(traces: Traces, x: str, y: str, swapped: bool) -> None:
    body = "0.5,1000,-500,0\n1,,250,0\n2,0,0,1\n"
    traces.write("x.csv", DARMA.format(video="video_001.mp4", x=x, y=y) + body)
    first, second = merged(traces, "valence"), merged(traces, "arousal")
    if swapped:
        first, second = second, first
    assert first == [1.0] * 5 + [None] * 5 + [0.0] * 10
    assert second == [-0.5] * 5 + [0.25] * 5 + [0.0] * 10


def test_aff_wild2_has_two_columns(traces: Traces) -> None:
    traces.write("video_001.txt", "valence,arousal\n" + "0.5,-5\n" * 10 + "-5,0.25\n" * 10)
    assert merged(traces) == [0.5] * 10 + [None] * 10
    assert merged(traces, "arousal") == [None] * 10 + [0.25] * 10


def test_label_studio(traces: Traces) -> None:
    def task(frame: int, who: int, **numbers: float) -> dict[str, object]:
        results = [{"from_name": n, "type": "number", "value": {"number": v}} for n, v in numbers.items()]
        data = {"image": f"/data/upload/1/0123abcd-file-1-{frame}.jpg"}
        return {"id": frame, "data": data, "annotations": [{"completed_by": who, "result": results}]}

    traces.write(
        "export.json",
        json.dumps([task(1, 3, valence=0.5, arousal=-1), task(2, 3, valence=-0.5), task(1, 4, valence=0)]),
    )
    assert merged(traces)[:3] == [0.25, -0.5, None] and merged(traces, "arousal")[0] == -1
    assert set(traces.annotators) == {("valence", "3"), ("valence", "4"), ("arousal", "3")}
    traces.write("export.json", json.dumps([{"image": "file-1-2.jpg", "valence": 0.5, "annotator": 1}]))
    assert merged(traces)[1] == 0.5


def test_ratings_of_different_images_are_joined(traces: Traces) -> None:
    """Exports of two days, by one annotator."""
    for frame in (1, 2):
        traces.write(f"anna/{frame}.json", json.dumps([{"image": f"file-1-{frame}.jpg", "valence": 0.1 * frame}]))
    assert merged(traces)[:3] == [pytest.approx(0.1), pytest.approx(0.2), None]
    traces.write("anna/3.json", json.dumps([{"image": "file-1-2.jpg", "valence": 1}]))
    with pytest.raises(UserError, match="are the same trace"):
        merged(traces)


def test_empty_lines_are_frames_without_a_value(traces: Traces) -> None:
    traces.write("video_001_valence.txt", "\n0.5\n" + "\n" * 16 + "0.25\n\n")
    assert merged(traces) == [None, 0.5, *[None] * 16, 0.25, None]


def test_cvat(traces: Traces) -> None:
    attribute = "<attribute name='{}'>{}</attribute>"
    images = (
        f"<image id='0' name='some/file-1-1.jpg'><tag label='affect'>{attribute.format('valence', 0.5)}"
        f"{attribute.format('arousal', -0.25)}</tag></image>"
        f"<image id='1' name='file-1-2.jpg'><box label='valence'>{attribute.format('level', -1)}</box></image>"
    )
    traces.write("anna/x.xml", f"<?xml version='1.0'?>\n<annotations>{images}</annotations>")
    track = f"<track id='0' label='face'><box frame='2' outside='0'>{attribute.format('valence', 1)}</box></track>"
    traces.write("ben/x.xml", f"<annotations><meta><source>video_001.mp4</source></meta>{track}</annotations>")
    assert merged(traces)[:4] == [0.5, -1.0, 1.0, None] and merged(traces, "arousal")[:2] == [-0.25, None]


def wave(lag: float, seed: int = 0, frames: int = 200) -> list[float]:
    t = np.arange(frames) / RATE - lag
    noise = np.random.default_rng(seed).normal(0, 0.02, frames)
    return [round(v, 4) for v in 0.8 * np.sin(t) * np.cos(0.37 * t) + noise]


def test_a_fixed_lag_moves_values_to_earlier_frames(traces: Traces) -> None:
    traces.write("video_001_valence.txt", "\n".join(str(i / FRAMES) for i in range(FRAMES)))
    assert merged(traces, lag_s=0.5) == pytest.approx([(i + 5) / FRAMES for i in range(15)] + [None] * 5)


def test_lags_between_annotators_are_found(traces: Traces) -> None:
    for name, lag in (("anna", 0.4), ("ben", 1.2), ("cem", 0.0)):
        traces.write(f"{name}/video_001_valence.txt", "\n".join(map(str, wave(lag, len(name)))))
    traces.merge(200, lag_s=None)
    lags = {name: float(row["lag_s"]) for (_, name), row in traces.annotators.items()}
    assert lags == pytest.approx({"anna": 0.4, "ben": 1.2, "cem": 0.0}, abs=0.1)
    after = traces.annotators["valence", "ben"]["ccc_with_others"]
    traces.merge(200)
    assert float(after) > 0.98 > float(traces.annotators["valence", "ben"]["ccc_with_others"])


def test_lags_that_contradict_each_other_are_balanced() -> None:
    pairs = [Lag("a", "b", 4, 1.0, 99), Lag("b", "c", 4, 1.0, 99), Lag("a", "c", 5, 1.0, 99)]
    lags = lags_of(["a", "b", "c", "alone"], pairs)
    assert lags["c"] == lags["alone"] == 0 and lags["a"] == pytest.approx(6) and lags["b"] == pytest.approx(3)


def test_pairs_that_share_more_frames_say_more() -> None:
    """The least squares of 900 (x - 4)^2 + 900 (y - 4)^2 + 100 (x + y - 5)^2."""
    pairs = [Lag("a", "b", 4, 1.0, 900), Lag("b", "c", 4, 1.0, 900), Lag("a", "c", 5, 1.0, 100)]
    assert lags_of(["a", "b", "c"], pairs) == pytest.approx({"a": 82 / 11, "b": 41 / 11, "c": 0.0})


def test_groups_that_cannot_be_compared_are_balanced_apart() -> None:
    lags = lags_of(["a", "b", "c", "d"], [Lag("a", "b", 50, 1.0, 99), Lag("c", "d", 0, 1.0, 99)])
    assert lags == pytest.approx({"a": 50, "b": 0, "c": 0, "d": 0}, abs=1e-9)


def test_who_rated_images_has_no_lag(traces: Traces) -> None:
    traces.write("anna/x.json", json.dumps([{"image": "file-1-9.jpg", "valence": 0.5}]))
    traces.write("ben/video_001_valence.txt", "\n".join(str(i / FRAMES) for i in range(FRAMES)))
    traces.merge(FRAMES, lag_s=0.5)
    assert {name: row["lag_s"] for (_, name), row in traces.annotators.items()} == {"anna": "0.000", "ben": "0.500"}


def test_who_is_below_the_floor_is_left_out(traces: Traces) -> None:
    for seed, name in enumerate(("anna", "ben")):
        traces.write(f"{name}/video_001_valence.txt", "\n".join(map(str, wave(0, seed))))
    traces.write("cem/video_001_valence.txt", "\n".join(str(-v) for v in wave(0, 7)))
    rows, _, _ = traces.merge(200, min_ccc=0.5)
    assert {row["valence_sources"] for row in rows} == {"anna;ben"}
    included = {name: row["included"] for (_, name), row in traces.annotators.items()}
    assert included["anna"] == included["ben"] == "yes" and included["cem"].startswith("no: CCC -0.9")
    (traces.folder / "anna/video_001_valence.txt").unlink()
    assert {row["valence_sources"] for row in traces.merge(200, min_ccc=0.5)[0]} == {""}  # of two, neither
    (traces.folder / "cem/video_001_valence.txt").unlink()
    assert {row["valence_sources"] for row in traces.merge(200, min_ccc=0.5)[0]} == {"ben"}


CVAT_TRACK = (
    '<track id="0" label="face" {more}><box frame="4" keyframe="1" outside="0">'
    '<attribute name="valence">0.5</attribute><attribute name="arousal">NaN</attribute></box></track>'
)


@pytest.mark.parametrize("blank", [",", "", "  "])
def test_a_blank_row_of_two_columns_is_a_frame(traces: Traces, blank: str) -> None:
    lines = ("valence,arousal", "0.1,0.1", blank, "0.3,0.3", *("0.5,0.5" for _ in range(FRAMES - 3)))
    traces.write("anna/video_001.txt", "\n".join(lines) + "\n")
    assert merged(traces)[:4] == [0.1, None, 0.3, 0.5]


@pytest.mark.parametrize("project", [False, True])
def test_cvats_archives(traces: Traces, project: bool) -> None:
    """What CVAT downloads is a .zip; the export of a project has a source for each task."""
    if project:
        tasks = "".join(f"<task><id>{n}</id><source>video_00{n}.mp4</source></task>" for n in (2, 1))
        meta, track = f"<project><tasks>{tasks}</tasks></project>", CVAT_TRACK.format(more='task_id="1"')
    else:
        meta, track = "<source>video_001.mp4</source>", CVAT_TRACK.format(more="")
    (traces.folder / "anna").mkdir(parents=True)
    with zipfile.ZipFile(traces.folder / "anna/task_1.zip", "w") as archive:
        archive.writestr("annotations.xml", f"<annotations><meta>{meta}</meta>{track}</annotations>")
        archive.writestr("__MACOSX/._annotations.xml", "rubbish")
    assert [value for value in merged(traces) if value is not None] == [0.5]
    assert merged(traces)[4] == 0.5 and merged(traces, "arousal")[4] is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_archives_hold_text_as_spreadsheets_save_it(traces: Traces, encoding: str) -> None:
    (traces.folder / "anna").mkdir(parents=True)
    with zipfile.ZipFile(traces.folder / "anna/video_001.zip", "w") as archive:
        archive.writestr("video_001.csv", "frame,valence\n1,0.25\n2,0.5\n".encode(encoding))
    assert merged(traces)[:2] == [0.25, 0.5]


def test_a_damaged_archive_is_named(traces: Traces) -> None:
    path = traces.write("anna/task_1.zip", "")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.md", "nothing here")
    with pytest.raises(UserError, match=r"task_1\.zip holds no export"):
        traces.merge(FRAMES)


@pytest.mark.parametrize(
    "image",
    [
        "file-1-5.jpg",
        "/data/local-files/?d=images%2Ffile-1-5.jpg",
        "https://bucket.example/images/file-1-5.jpg?X-Amz-Signature=1.2/3&X-Amz-Expires=60",
        "/data/upload/1/0a1b2c3d-file-1-5.jpg",
        "C:\\\\images\\\\FILE-1-5.JPG",
    ],
    ids=["plain", "encoded", "presigned", "uploaded", "Windows"],
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"number": 0.5}', 0.5),
        ('{"choices": ["-0.5"]}', -0.5),
        ('{"rating": 4}', 0.5),
        ('{"number": null}', None),
    ],
)
def test_label_studios_results(traces: Traces, image: str, value: str, expected: float | None) -> None:
    result = f'{{"from_name": "valence", "type": "x", "value": {value}}}'
    zero = '{"rating": 3}' if "rating" in value else '{"number": 0}'
    other = f'{{"from_name": "valence", "value": {zero}}}'
    tasks = [
        f'{{"id": {n}, "data": {{"image": "{name}"}}, "annotations": [{{"result": [{given}]}}]}}'
        for n, name, given in ((1, image, result), (2, "file-1-6.jpg", other))
    ]
    traces.write("ben/ls.json", f"[{','.join(tasks)}]")
    assert merged(traces)[4:6] == [expected, 0.0]


def test_label_studios_csv(traces: Traces) -> None:
    header = "annotation_id,annotator,created_at,image,lead_time,valence,arousal"
    traces.write("ben/ls.csv", f"{header}\n1,2,x,/data/upload/1/0a1b2c3d-file-1-5.jpg,3.5,0.5,\n")
    assert merged(traces)[4] == 0.5 and merged(traces, "arousal")[4] is None


@pytest.mark.parametrize("missing", ["NaN", "NA", "-nan(ind)", "null", ""])
def test_a_missing_value_of_any_tool_is_missing(traces: Traces, missing: str) -> None:
    traces.write("a/video_001.csv", f"frame,valence\n1,0.5\n2,{missing}\n")
    traces.write("a/video_001_arousal.txt", "\n".join(["0.5", missing or "NaN", *["0"] * (FRAMES - 2)]))
    assert merged(traces)[:2] == [0.5, None] and merged(traces, "arousal")[:2] == [0.5, None]


def test_a_few_values_outside_the_scale_are_clipped_and_told(traces: Traces, caplog: pytest.LogCaptureFixture) -> None:
    values_ = ["0.5"] * (FRAMES - 1) + ["1.02"]
    traces.write("a/video_001_valence.txt", "\n".join(values_))
    assert merged(traces)[-1] == 1.0
    assert "line 20: 1 values outside the range -1 to 1 were clipped" in caplog.text


def test_a_trace_in_utf_16_and_a_file_that_is_no_export(traces: Traces, caplog: pytest.LogCaptureFixture) -> None:
    path = traces.write("a/video_001.csv", "")
    path.write_bytes("frame;valence\r\n1;0,5\r\n".encode("utf-16-le"))
    traces.write("a/notes.docx", "x")
    assert merged(traces)[0] == 0.5
    assert "not read, since they are not exports: notes.docx" in caplog.text


@pytest.mark.parametrize(
    "name, text, sentence",
    [
        ("video_001.csv", "time,valence\n0,0\n0.4,0\n0.2,0\n", "line 4: the time 0.2 s is before"),
        ("video_001.csv", "time,valence\n-1,0\n", "line 2: the time is missing or negative"),
        ("video_001.csv", "time,valence\n0,0\n9,0\n", "line 3: 9 s is after the end of annotation video 1"),
        ("video_001.csv", "time,valence\n0,0\n1\n", "line 3, has 1 cells, but the header has 2"),
        ("video_001.csv", "valence,time\n0,0.5\n30,0.7\n", "line 3: 30 is outside the range"),
        ("video_001.csv", 'time,valence\n0,"0\n', "line 2, is not CSV"),
        ("video_001.csv", "time,value\n0,0\n", "does not say whether it is of valence or of arousal"),
        ("x.csv", PAGAN + "\nvideo_001.mp4,Valence,anna,s,1,300,101\n", "line 2: 101 is beyond PAGAN's 100; RankTrace"),
        ("x.csv", PAGAN + "\nvideo_001.mp4,Valence,anna,s,1\n", "line 2: 5 of 7 cells"),
        ("x.csv", PAGAN + "\nvideo_007.mp4,Valence,anna,s,1,0,1\n", "annotation video 7, which does not exist"),
        (
            "video_002_valence.csv",
            CARMA.format(video="video_001.mp4") + "1,0\n",
            "is named after annotation video 2, but was made of annotation video 1",
        ),
        (
            "valence.csv",
            CARMA.format(video="video_001.mp4") + "1,101\n",
            "line 10: 101 is outside the range -100 to 100",
        ),
        ("x.csv", DARMA.format(video="video_001.mp4", x="x", y="y") + "0.5,1,2\n", "line 6: 3 of 4 cells"),
        ("x.csv", "Rating,Second\n%%%%%%\n", "the header is not Second,Rating"),
        (
            "video_001.csv",
            "frame,valence\n1,0,25\n",
            "line 2, has 3 cells, but the header has 2",
        ),
        (
            "x.csv",
            PAGAN + "\nvideo_001.mp4,Valence,anna,s,1,0,1\nvideo_001.mp4,Valence,anna,t,1,0,1\n",
            "are the same trace (valence of annotation video 1 by anna)",
        ),
        ("x.json", '[{"image": "file-1-1.jpg", "valence": 1' + "0" * 400 + "}]", "is not a number"),
        ("x.json", '[{"image": "file-1-1.jpg", "valence": "happy"}]', "task 1: valence happy is not a number"),
        ("x.json", '[{"image": "file-1-2.jpeg", "valence": 1}]', "the most similar name is 'file-1-2.jpg'"),
        (
            "x.xml",
            "<a><track><box frame='-2'><attribute name='valence'>0</attribute></box></track></a>",
            "frame '-2', which is not a number",
        ),
        (
            "x.xml",
            "<a><track><box><attribute name='valence'>0</attribute></box></track></a>",
            "frame '', which is not a number",
        ),
        ("x.json", "[{]", "is not JSON"),
        ("x.json", "[1]", "task 1: this is not a task"),
        ("x.json", "[]", "has no number named valence or arousal"),
        (
            "x.json",
            '[{"image": "strange.jpg", "valence": 0.5}]',
            "'strange.jpg' is not an image of any annotation video",
        ),
        ("x.json", '[{"image": "file-1-1.jpg", "valence": 2}]', "task 1: 2 is outside the range -1 to 1"),
        ("x.json", '[{"image": "file-1-1.jpg", "valence": true}]', "task 1: valence True is not a number"),
        (
            "x.json",
            '[{"image": "file-1-1.jpg", "valence": 0}, {"image": "file-1-1.jpg", "valence": 1}]',
            "task 2: valence of file-1-1.jpg occurs twice",
        ),
        ("x.xml", "<annotations>", "is not XML"),
        ("x.xml", "<annotations/>", "has no attribute named valence or arousal"),
        (
            "x.xml",
            "<a><image name='file-1-1.jpg'><tag><attribute name='valence'>high</attribute></tag></image></a>",
            "image file-1-1.jpg: 'high' is not a number",
        ),
        (
            "x.xml",
            "<a><meta><source>video_001.mp4</source></meta><track><box frame='40'><attribute name='valence'>0</attribute></box></track></a>",
            "frame 41 is not between 1 and 20",
        ),
    ],
)
def test_exports_that_do_not_fit_are_named(traces: Traces, name: str, text: str, sentence: str) -> None:
    path = traces.write(f"anna/{name}", text)
    traces.write("video_002_arousal.txt", "0\n")
    with pytest.raises(UserError) as raised:
        traces.merge(FRAMES, 1)
    assert str(path) in str(raised.value) and sentence in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_bytes_of_other_systems(traces: Traces, encoding: str, end: str) -> None:
    path = traces.write("video_001.csv", "")
    path.write_bytes(end.join(["frame;valence", "1;0,5", "2;-0,5", ""]).encode(encoding))
    assert merged(traces)[:3] == [0.5, -0.5, None]


def test_other_encodings_are_named(traces: Traces) -> None:
    path = traces.write("video_001.csv", "")
    for data in ("frame,valence,é\n".encode("latin-1"), b"\0\1\2"):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"video_001\.csv(, line 1,)? is not"):
            traces.merge(FRAMES)


WHOLE = (
    '{"affectflow-annotation": 1, "annotator": "a"}\n{"kind": "rate", "annotation_video": 1, "frame": 1, "file_name": "f", '
    '"image_sha256": "0", "valence": 0.5, "arousal": 0.5}\n{"kind": "undo"}\n',
    *("frame,valence\n1,0.5\n2,-0.25\n", "time,valence,arousal\n0,0.5,1\n1,,0\n", "0.5\n-1\n\n0\n"),
    *(PAGAN + "\nvideo_001.mp4,Valence,a,s,1,0,5\n", CARMA.format(video="f") + "0.5,1\n1,2\n"),
    *(DARMA.format(video="f", x="x", y="y") + "0.5,1,2,0\n", "valence,arousal\n0.1,0.2\n-5,-5\n"),
    '[{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": [{"from_name": "valence", "value": {"number": 0.5}}]}]}]',
    "<a><image name='a.jpg'><tag label='x'><attribute name='valence'>0.5</attribute></tag></image></a>",
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(WHOLE),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 6),
            st.sampled_from(["", "\n", ",", ";", '"', "nan", "é", "\0", "1e999", "<", "[", "%%%%", "-"]),
        ),
        max_size=4,
    ),
)
def test_no_damage_is_a_traceback(tmp_path: Path, text: str, damage: list[tuple[int, int, str]]) -> None:
    for place, length, instead in damage:
        text = text[:place] + instead + text[place + length :]
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode())
    try:
        for one in read_export(path):
            assert not hasattr(one, "value") or math.isfinite(one.value)
    except UserError as error:
        assert str(path) in str(error)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "export.csv").write_bytes(data)
    try:
        read_export(tmp_path / "export.csv")
    except UserError as error:
        assert "export.csv" in str(error)


def test_the_report_shows_whom_it_leaves_out(traces: Traces, tmp_path: Path) -> None:
    """Nothing of arousal is no error."""
    for seed, name in enumerate(("anna", "ben", "cem")):
        sign = -1 if name == "cem" else 1
        traces.write(f"{name}/video_001_valence.txt", "\n".join(str(sign * v) for v in wave(0, seed)))
    included = []
    for floor in (None, 0.5):
        traces.merge(200, min_ccc=floor)
        _, agreement, _ = annotation_panels(tmp_path / "merged.csv", tmp_path / "annotators.csv")
        assert agreement.chart is not None
        shown = {value["annotator"]: value for value in agreement.chart["data"]["values"]}
        assert set(shown) == {"anna", "ben", "cem"} and shown["cem"]["ccc"] < shown["anna"]["ccc"]
        included.append({name: value["included"] == "yes" for name, value in shown.items()})
    assert included == [dict.fromkeys(("anna", "ben", "cem"), True), {"anna": True, "ben": True, "cem": False}]
