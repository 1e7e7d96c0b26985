"""Tracing a video in a real browser, by a pointer that a program moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.consensus import MergeOptions
from affectflow.annotation.merge_videos import merge_videos
from affectflow.core.errors import UserError
from affectflow.datasets.opening import get_dataset
from affectflow.media.video import write_video
from affectflow.tables.csv_files import write_csv
from tests.annotation.server.conftest import Desk
from tests.annotation.server.test_page import SHOTS
from tests.annotation.server.test_server import ask
from tests.browser import CHROMIUM, MISSING

RATE, SECONDS = 25, 10
FRAMES = RATE * SECONDS
_PLACE = """course => {
  const plane = document.getElementById("plane"), video = document.getElementById("video");
  const box = plane.querySelector("rect").getBoundingClientRect();
  const follow = new Function("t", "return " + course);
  window.moved = [];
  window.move = (t) => {
    const [v, a] = follow(t);
    const where = { clientX: box.x + (v + 1) / 2 * box.width, clientY: box.y + (1 - a) / 2 * box.height };
    plane.dispatchEvent(new PointerEvent("pointermove", { ...where, isPrimary: true, bubbles: true }));
    window.moved.push([t, v, a]);
  };
  window.move(video.ended ? 0 : video.currentTime);
}"""
_MOVE = """seconds => new Promise((done) => {
  const video = document.getElementById("video");
  const timer = setInterval(() => {
    window.move(video.currentTime);
    if (video.currentTime >= seconds || video.ended) { clearInterval(timer); done(); }
  }, 8);
})"""


@pytest.fixture
def video(desk: Desk) -> Desk:
    """One annotation video of ten seconds."""
    images = (np.full((64, 64, 3), (i % 250, 90, 160), np.uint8) for i in range(FRAMES))
    write_video(desk.folder / "results/annotation/video_001.mp4", images, Fraction(RATE))
    rows = [(1, i + 1, "video_001.mp4", f"{i / RATE:.4f}", f"{i}.jpg", "", f"{i:064x}") for i in range(FRAMES)]
    write_csv(desk.folder / "results/annotation/manifest.csv", MANIFEST_COLUMNS, rows)
    return desk


def points(*rows: tuple[int, float | None, float | None]) -> dict[str, object]:
    return {"annotator": "anna", "video": "video_001.mp4", "points": [list(row) for row in rows]}


def test_going_back_overwrites_what_is_traced(video: Desk) -> None:
    """Through a killed server; the other dimension stays."""
    address = video.start()
    ask(address, "/api/trace", points((1, 0.5, -0.5), (2, 0.5, -0.5), (3, 0.5, -0.5)))
    video.kill()
    address = video.start()
    assert ask(address, "/api/trace", points((2, -1, None), (3, None, 1)))[0] == 200
    state = ask(address, "/api/video?annotator=anna")[1]
    assert state["points"] == {"1": [0.5, -0.5], "2": [-1, -0.5], "3": [0.5, 1]}
    assert state["times"] == [frame / RATE for frame in range(FRAMES)]
    assert (state["video"], state["videos"]) == ("video_001.mp4", [{"name": "video_001.mp4", "title": "video 1"}])
    rows = video.merged()
    assert [(row["valence"], row["arousal"]) for row in rows[:4]] == [
        ("0.500000", "-0.500000"),
        ("-1.000000", "-0.500000"),
        ("0.500000", "1.000000"),
        ("", ""),
    ]
    assert video.log("anna").with_name("videos.jsonl").is_file() and not video.log("anna").exists()


@pytest.mark.parametrize(
    "facts",
    [
        *(points((0, 0.5, 0.5)), points((FRAMES + 1, 0.5, 0.5)), points((1, 1.5, 0.5))),
        {"annotator": "anna", "video": "video_001.mp4", "points": [[1, True, 0]]},
        {"annotator": "anna", "video": "video_001.mp4", "points": [[1, 0]]},
        {"annotator": "anna", "video": "video_001.mp4", "points": {}},
        {"annotator": "anna", "video": "video_002.mp4", "points": []},
        {"annotator": "anna", "video": 1, "points": [[1, 0, 0]]},
        {"annotator": "../a", "video": "video_001.mp4", "points": [[1, 0, 0]]},
    ],
)
def test_what_is_no_trace_is_refused(video: Desk, facts: dict[str, Any]) -> None:
    status, answer, _ = ask(video.start(), "/api/trace", facts)
    assert status == 400 and answer["error"] and not list(video.folder.rglob("videos.jsonl"))


def test_a_rating_counts_before_the_trace(video: Desk) -> None:
    """Both by one person, of one annotation video."""
    address = video.start()
    ask(address, "/api/trace", points((1, 0.5, -0.5), (2, 0.5, -0.5)))
    ask(address, "/api/rate", {"annotator": "anna", "annotation_video": 1, "frame": 2, "valence": -1, "arousal": 0.25})
    rows = video.merged()
    assert [row["valence"] for row in rows[:3]] == ["0.500000", "-1.000000", ""]
    assert rows[1]["valence_annotators"] == "1"


def test_a_trace_is_not_laid_over_other_images(video: Desk) -> None:
    ask(video.start(), "/api/trace", points((1, 0.5, -0.5)))
    video.kill()
    manifest = video.folder / "results/annotation/manifest.csv"
    manifest.write_text(manifest.read_text().replace(f"{7:064x}", f"{7000:064x}"))
    with pytest.raises(UserError, match="traces other images than annotation video"):
        video.merged()
    address = video.start()
    for status, answer, _ in (ask(address, "/api/video?annotator=anna"), ask(address, "/api/trace", points((2, 0, 0)))):
        assert status == 400 and "other images" in answer["error"]


def test_bytes_that_are_no_text_end_nothing(video: Desk) -> None:
    ask(video.start(), "/api/trace", points((1, 0.5, -0.5)))
    video.kill()
    path = video.log("anna").with_name("videos.jsonl")
    path.write_bytes(path.read_bytes() + b"\xff\n")
    before = path.read_bytes()
    status, answer, _ = ask(video.start(), "/api/trace", points((2, 0.5, -0.5)))
    assert status == 400 and "not UTF-8" in answer["error"] and path.read_bytes() == before


def test_no_other_video_can_be_read(video: Desk) -> None:
    address = video.start()
    (video.folder / "results/annotation/video_002.mp4").write_bytes(b"secret")
    there = ask(address, "/api/video?annotator=anna")[1]["address"]
    status, body, headers = ask(address, there, headers={"Range": "bytes=0-99"})
    assert status == 206 and len(body) == 100 and headers["Content-Type"] == "video/mp4"
    digest = there.rsplit("/", 1)[1]
    for path in (
        f"/video/1/{digest}",
        "/video/0/00",
        f"/video/..%2f0/{digest}",
        "/video/0/..%2f1",
        "/video/video_002.mp4",
    ):
        assert ask(address, path)[0] == 404, path
    assert ask(address, "/api/video?annotator=anna&video=video_002.mp4")[0] == 400


def test_a_damaged_trace_names_its_line(video: Desk) -> None:
    ask(video.start(), "/api/trace", points((1, 0.5, -0.5)))
    video.kill()
    path = video.log("anna").with_name("videos.jsonl")
    path.write_text(
        path.read_text() + json.dumps({"kind": "trace", "video": "video_001.mp4", "points": [[1, 2, 0]]}) + "\n"
    )
    with pytest.raises(UserError, match="line 3"):
        video.merged()


@pytest.fixture
def blank() -> Iterator[Any]:
    """A page of a browser, its sentences of errors kept as ``problems``."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        # The pointer's course is a text that the page's rules would not let a page evaluate.
        opened: Any = browser.new_context(viewport={"width": 1280, "height": 720}, bypass_csp=True).new_page()
        opened.problems = []
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        yield opened
        browser.close()


def is_ready(page: Any) -> None:
    page.wait_for_function("() => document.body.dataset.ready === 'yes'")


@pytest.fixture
def page(video: Desk, blank: Any) -> Any:
    """The video's page, opened."""
    blank.goto(video.start().replace("/?", "/trace?") + "&annotator=anna")
    is_ready(blank)
    return blank


def trace(page: Any, until: float, course: str) -> np.ndarray:
    """From where the video is; returns where the pointer was, [time, valence, arousal] each. As a person's, it is
    where the trace begins before the video plays."""
    page.evaluate(_PLACE, course)
    page.keyboard.press("r")
    page.wait_for_function("() => !document.getElementById('video').paused", timeout=20_000)
    page.evaluate(_MOVE, until)
    return np.array(page.evaluate("moved"))


@pytest.mark.long
def test_what_a_dead_server_did_not_save_is_sent_to_the_next(video: Desk, page: Any) -> None:
    trace(page, 1, "[0.25, -0.25]")
    video.kill()
    page.wait_for_function(
        "() => document.getElementById('error').textContent.includes('Not saved yet')", timeout=20_000
    )
    seen = page.evaluate("Math.round(document.getElementById('video').currentTime * 25)")
    video.start()
    trace(page, 3, "[0.5, 0.5]")
    page.keyboard.press(" ")
    page.wait_for_timeout(500)
    rows = video.merged()
    assert all(row["valence"] for row in rows[: 3 * RATE - 2]) and seen < 3 * RATE
    assert float(rows[RATE // 2]["valence"]) == pytest.approx(0.25, abs=0.01)
    assert float(rows[3 * RATE - 4]["valence"]) == pytest.approx(0.5, abs=0.01)
    assert not page.problems


@pytest.mark.long
def test_after_the_end_it_begins_anew(video: Desk, page: Any) -> None:
    page.evaluate("() => { document.getElementById('video').currentTime = 9.5; }")
    page.wait_for_function("() => !document.getElementById('video').seeking")
    trace(page, SECONDS, "[0.25, -0.25]")
    page.wait_for_function("() => document.getElementById('video').ended", timeout=20_000)
    trace(page, 1, "[-0.5, 0.5]")
    page.keyboard.press(" ")
    page.wait_for_timeout(500)
    rows = video.merged()
    assert float(rows[-1]["valence"]) == pytest.approx(0.25, abs=0.01)
    assert float(rows[RATE - 4]["valence"]) == pytest.approx(-0.5, abs=0.01)
    assert {row["valence"] for row in rows[2 * RATE : 9 * RATE]} == {""}


@pytest.mark.long
def test_ten_seconds_by_a_scripted_pointer(video: Desk, page: Any) -> None:
    """Both dimensions; then a part of valence again. What is merged is where the pointer was, within a frame."""
    first = trace(page, SECONDS - 0.01, "[t / 5 - 1, 0.8 * Math.sin(t)]")
    page.wait_for_function("() => document.getElementById('video').ended", timeout=20_000)
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "video.png"))
    assert page.evaluate("Number(document.getElementById('done').value)") == FRAMES
    page.select_option("#dimension", "valence")
    page.evaluate("() => { document.getElementById('video').currentTime = 4; }")
    page.wait_for_function("() => !document.getElementById('video').seeking")
    again = trace(page, 6, "[0.5 - (t - 4) / 4, 0]")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.getElementById('video').paused")
    until = page.evaluate("Math.round(document.getElementById('video').currentTime * 25) + 1")
    page.wait_for_timeout(500)
    assert not page.problems
    rows = video.merged()
    found = np.array([[float(row["valence"] or "nan"), float(row["arousal"] or "nan")] for row in rows])
    assert not np.isnan(found).any()
    for frame in range(1, FRAMES + 1):
        overwritten = 4 * RATE + 2 < frame < until - 2
        if not overwritten and 4 * RATE - 2 <= frame <= until + 2:  # the frames under way may be either
            continue
        t = (frame - 1) / RATE
        assert _near(found[frame - 1, 0], again if overwritten else first, 1, t), frame
        assert _near(found[frame - 1, 1], first, 2, t), frame


def _near(value: float, moved: np.ndarray, column: int, t: float) -> bool:
    """Whether the pointer was there within a frame of a time."""
    first = max(0, int(np.searchsorted(moved[:, 0], t - 1 / RATE)) - 1)  # it stays where it was until it is moved
    nearby = moved[first : np.searchsorted(moved[:, 0], t + 1 / RATE), column]
    pixel = 0.01
    return len(nearby) > 0 and nearby.min() - pixel <= value <= nearby.max() + pixel


def seek(page: Any, seconds: float) -> None:
    page.evaluate("seconds => { document.getElementById('video').currentTime = seconds; }", seconds)
    page.wait_for_function("() => !document.getElementById('video').seeking")


def until_played(page: Any, seconds: float) -> None:
    page.wait_for_function(
        "seconds => document.getElementById('video').currentTime >= seconds", arg=seconds, timeout=20_000
    )


def pause(page: Any) -> None:
    """Pause, and wait until all is saved."""
    page.keyboard.press(" ")
    page.wait_for_function("() => document.getElementById('video').paused && !unsent.length && !sending")


@pytest.mark.long
def test_keys_wheel_and_gamepad(video: Desk, page: Any) -> None:
    """Each moves the point while it is traced; a stick that is let go springs back to the middle."""
    page.evaluate("() => { navigator.getGamepads = () => window.pads || []; }")
    page.keyboard.press("r")
    page.wait_for_function("() => !document.getElementById('video').paused", timeout=20_000)
    until_played(page, 0.5)
    for key in ("w", "w", "ArrowUp", "a", "ArrowLeft"):
        page.keyboard.press(key)
    until_played(page, 1)
    page.hover("#plane")
    page.mouse.wheel(0, 100)
    page.mouse.wheel(0, 100)
    until_played(page, 1.5)
    page.evaluate("() => { window.pads = [null, { axes: [0.5, -0.75] }]; }")
    until_played(page, 2)
    page.evaluate("() => { window.pads = [null, { axes: [0.02, 0.03] }]; }")
    until_played(page, 2.5)
    pause(page)
    rows = video.merged()

    def at(seconds: float) -> tuple[float, float]:
        row = rows[round(seconds * RATE)]
        return round(float(row["valence"]), 3), round(float(row["arousal"]), 3)

    assert at(0.4) == (0, 0) and at(0.9) == (-0.1, 0.15)
    # The pointer enters the plane at its middle.
    assert at(1.4) == pytest.approx((0, -0.1), abs=0.02)
    assert at(1.9) == (0.5, 0.75) and at(2.4) == (0, 0)
    assert not page.problems


@pytest.mark.long
def test_replay_follows_the_trace_and_changes_nothing(video: Desk, page: Any) -> None:
    trace(page, 2, "[t / 4, -t / 4]")
    pause(page)
    lines = video.log("anna").with_name("videos.jsonl").read_bytes()
    seek(page, 0)
    page.mouse.move(5, 5)
    page.keyboard.press("p")
    page.wait_for_function("() => !document.getElementById('video').paused")
    until_played(page, 1.2)
    shown, time = page.evaluate("[+document.getElementById('cursor').getAttribute('cx'), video.currentTime]")
    assert shown == pytest.approx(time / 4, abs=0.06)
    page.keyboard.press("w")
    page.hover("#plane")
    until_played(page, 1.6)
    page.keyboard.press(" ")
    page.wait_for_timeout(700)
    assert video.log("anna").with_name("videos.jsonl").read_bytes() == lines
    page.set_viewport_size({"width": 820, "height": 1180})
    page.wait_for_timeout(200)
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "video-tablet.png"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not page.problems


def moving(count: int, side: int = 64) -> Iterator[np.ndarray]:
    return (np.full((side, side, 3), (i * 5 % 250, 90, 160), np.uint8) for i in range(count))


def late_video(path: Path, first: int) -> None:
    """Of 50 frames at 25 a second, the first of them so many frames after the container's beginning, and then with
    every frame from the 26th on shown for twice as long."""
    import av

    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=RATE)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 1000)
        for i, pixels in enumerate(moving(50)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = 40 * (first + i + max(0, i - 25))
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.long
def test_own_videos_as_they_are(desk: Desk, blank: Any) -> None:
    """One that begins late and changes its rate, and one that has to be converted; names with markup; nothing else of
    the folder can be read."""
    videos = desk.folder / "videos"
    videos.mkdir()
    late_video(videos / "<b>late.webm", first=25)
    write_video(videos / "old.avi", moving(50), Fraction(RATE), "avi", "mpeg4")
    (videos / "secret.txt").write_text("secret")
    address = desk.start("--videos", "videos", "--annotator", "anna")
    blank.goto(address)
    is_ready(blank)
    assert blank.evaluate("[...document.getElementById('videos').options].map(o => o.text)") == [
        "<b>late.webm",
        "old.avi",
    ]
    course = trace(blank, 99, "[t / 5, -t / 5]")
    blank.wait_for_function(
        "() => document.getElementById('video').ended && !unsent.length && !sending", timeout=20_000
    )
    if SHOTS:
        blank.screenshot(path=str(Path(SHOTS) / "own-video.png"))
    assert blank.is_hidden("#rate-images")
    begin = blank.evaluate("start")
    blank.select_option("#videos", "old.avi")
    blank.wait_for_function("() => state.video === 'old.avi' && document.body.dataset.ready === 'yes'", timeout=30_000)
    trace(blank, 1.9, "[0.5, 0.25]")
    pause(blank)
    assert not blank.problems
    desk.kill()
    merge_videos(desk.folder / "ratings", videos, desk.folder / "mine", MergeOptions(1.0, 0.0, 3.0, None))
    values = (desk.folder / "mine/annotations/train/valence/<b>late.txt").read_text().split()
    assert len(values) == 50
    times = begin + np.array([i + max(0, i - 25) for i in range(50)]) / RATE
    assert all(_near(float(values[i]), course, 1, times[i]) for i in range(50))
    old = (desk.folder / "mine/annotations/train/arousal/old.txt").read_text().split()
    assert len(old) == 50 and set(old[:46]) == {"0.25"}
    assert len(list(get_dataset("affwild", desk.folder / "mine", "all").samples())) >= 96


def test_videos_of_a_folder_and_no_images(desk: Desk) -> None:
    (desk.folder / "videos").mkdir()
    write_video(desk.folder / "videos/one.mp4", moving(10), Fraction(RATE))
    address = desk.start("--videos", "videos")
    assert ask(address, "/")[0] == 302 and ask(address, "/trace")[0] == 200
    status, answer, _ = ask(address, "/api/state?annotator=anna")
    assert status == 400 and "only videos" in answer["error"]
    for annotator, value in (("anna", 0.1), ("ben", 0.2)):
        facts = {"annotator": annotator, "video": "one.mp4", "points": [[f, value * f, None] for f in range(1, 5)]}
        assert ask(address, "/api/trace", facts)[0] == 200
    (line,) = ask(address, "/api/agreement")[1]["videos"]
    assert (line["annotators"], line["dimension"], line["count"]) == (["anna", "ben"], "valence", 4)
    assert line["pcc"] == 1 and 0 < line["ccc"] < 1
    of_anna = ask(address, "/api/agreement")[1]["progress"][0]
    assert of_anna["started"] == [{"title": "one.mp4", "done": 4, "total": None}]
    there = ask(address, "/api/video?annotator=anna")[1]["address"]
    assert ask(address, there)[1] == (desk.folder / "videos/one.mp4").read_bytes()
    desk.kill()
    write_video(desk.folder / "videos/one.mp4", moving(12), Fraction(RATE))
    address = desk.start("--videos", "videos")
    facts = {"annotator": "eva", "video": "one.mp4", "points": [[1, 0.1, None], [2, 0.2, None]]}
    assert ask(address, "/api/trace", facts)[0] == 200
    # She has seen another video than the other two.
    assert [one["annotators"] for one in ask(address, "/api/agreement")[1]["videos"]] == [["anna", "ben"]]
    status, answer, _ = ask(address, "/api/video?annotator=anna")
    assert status == 400 and "traces other images than one.mp4 has now" in answer["error"]


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--videos", "nowhere"], "nowhere is not a folder"),
        (["--videos", "results"], "results has no videos"),
        (["--videos", "results", "--model", "resnet"], "leave one out"),
    ],
)
def test_mistakes_with_videos_are_one_sentence(desk: Desk, options: list[str], sentence: str) -> None:
    status, said = desk.refused(*options)
    assert status == 1 and sentence in said and "Traceback" not in said
