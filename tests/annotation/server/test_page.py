"""Annotating in a real browser: by mouse and keyboard, through reloads and a killed server."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.annotation.server.conftest import IMAGES, Desk
from tests.browser import CHROMIUM, MISSING

pytestmark = pytest.mark.long
SHOTS = os.environ.get("AFFECTFLOW_SHOTS")
"""A folder for images of the page, to be looked at."""


@pytest.fixture
def page(desk: Desk) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        opened.problems = []
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.on("request", lambda r: opened.problems.append(r.url) if "127.0.0.1" not in r.url else None)
        yield opened
        browser.close()


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


class Hand:
    """What a person does on the page, and what should come of it."""

    def __init__(self, page: Any, annotator: str) -> None:
        self.page, self.annotator = page, annotator
        self.expected: dict[int, tuple[float, float] | None] = {}

    def at(self) -> int:
        """The image that is shown, from 1."""
        return int(self.page.inner_text("#position").split()[1])

    def wait_for(self, image: int) -> None:
        self.page.wait_for_function(
            "n => document.body.dataset.ready === 'yes'"
            " && document.getElementById('position').textContent.startsWith(`image ${n} `)",
            arg=image,
            timeout=30_000,
        )

    def click(self, valence: float, arousal: float, drag: bool = False) -> None:
        box = self.page.locator("#plane rect").bounding_box()
        x = box["x"] + (valence + 1) / 2 * box["width"]
        y = box["y"] + (1 - arousal) / 2 * box["height"]
        self.pixel = 2 / box["width"]
        mouse = self.page.mouse
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) if drag else mouse.move(x, y)
        mouse.down()
        mouse.move(x, y)
        mouse.up()
        self._goes_on((valence, arousal))

    def press(self, keys: list[str], gives: tuple[float, float] | None) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self._goes_on(gives)

    def _goes_on(self, gives: tuple[float, float] | None) -> None:
        self.expected[self.before] = gives
        self.wait_for(min(self.before + 1, IMAGES))

    @property
    def before(self) -> int:
        return self._before

    def look(self) -> Hand:
        self._before = self.at()
        return self


def test_forty_images_by_mouse_and_keyboard(desk: Desk, page: Any) -> None:
    page.goto(desk.start())
    page.wait_for_selector("#login:not([hidden])")
    shoot(page, "name")
    page.fill("#name", "../anna")
    page.click("#login button")
    page.wait_for_function("() => !document.getElementById('name').validity.valid")
    page.fill("#name", "anna")
    page.click("#login button")
    hand = Hand(page, "anna")
    hand.wait_for(1)
    shoot(page, "first")
    for i in range(10):
        hand.look().click(-0.9 + 0.2 * i, 0.9 - 0.17 * i, drag=i % 2 == 1)
    hand.look().press(["ArrowRight"] * 3 + ["ArrowUp", "Enter"], (0.3, 0.1))
    hand.look().press(["Shift+ArrowLeft", "Shift+ArrowDown", "Enter"], (-0.02, -0.02))
    hand.look().press(["9", "1"], (1.0, -1.0))
    hand.look().press(["5", "7"], (0.0, 0.5))
    hand.look().press(["x"], None)
    hand.look().press(["c"], None)
    for image in (16, 15, 14):  # the two skipped images, and the digits before
        page.keyboard.press("u")
        hand.wait_for(image)
    hand.look().press(["1", "1"], (-1.0, -1.0))
    desk.wait_for_lines("anna", 16 + 3 + 1)
    page.reload()
    hand.wait_for(15)
    for i in range(10):
        hand.look().click(0.5, -0.05 * i)
    page.fill("#note", "<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    hand.look().press(["3", "3"], (-0.5, -0.5))
    desk.wait_for_lines("anna", 31)
    page.wait_for_load_state("networkidle")  # the next image is there
    desk.kill()
    hand.look()
    page.keyboard.press("4")
    page.keyboard.press("4")
    page.wait_for_function("() => document.getElementById('error').textContent.includes('Not saved')")
    hand.wait_for(26)  # the rating that was not saved must be made again
    shoot(page, "killed")
    desk.start()
    page.reload()
    hand.wait_for(26)
    while hand.at() < IMAGES:
        hand.look().press(["6", "4"], (0.25, -0.25))
    hand.look().click(0.0, 0.0)
    page.wait_for_function("() => document.getElementById('left').textContent === 'all rated'")
    shoot(page, "done")
    page.set_viewport_size({"width": 820, "height": 1180})
    shoot(page, "tablet")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 720})
    desk.wait_for_lines("anna", 31 + IMAGES - 25)
    other = page.context.new_page()
    other.goto(f"{desk.address}&annotator=Ben")
    second = Hand(other, "Ben")
    second.wait_for(1)
    second.look().click(0.8, 0.8)
    desk.wait_for_lines("Ben", 1)
    second.look().click(-0.8, 0.2)
    desk.wait_for_lines("Ben", 2)
    other.goto(desk.address.replace("/?", "/agreement?"))
    other.wait_for_selector("figure img")
    assert other.locator("figure").count() == 2 and "Ben and anna" in other.inner_text("#pairs")
    other.wait_for_function("() => [...document.images].every(i => i.complete && i.naturalWidth)")
    shoot(other, "agreement")
    assert not page.problems
    rows = desk.merged()
    assert rows[0]["valence_annotators"] == "2" and len(rows) == IMAGES
    for frame, row in enumerate(rows, start=1):
        expected = hand.expected[frame]
        assert expected is not None
        if frame in second.expected:
            also = second.expected[frame]
            assert also is not None
            expected = ((expected[0] + also[0]) / 2, (expected[1] + also[1]) / 2)
        assert float(row["valence"]) == pytest.approx(expected[0], abs=hand.pixel), frame
        assert float(row["arousal"]) == pytest.approx(expected[1], abs=hand.pixel), frame
    assert "onerror" in desk.log("anna").read_text()
    page.fill("#note", "later")
    page.keyboard.press("Enter")
    desk.wait_for_lines("anna", 31 + IMAGES - 25 + 1)  # a note of an image that was rated before
    assert '"note": "later"' in desk.log("anna").read_text()
    times = page.evaluate("affectflowTimes")
    warnings.warn(f"from a rating to the next image: {sorted(times)[len(times) // 2]:.0f} ms (median)", stacklevel=1)


def test_the_most_informative_first_and_the_model_only_when_asked(informed: Desk, page: Any) -> None:
    """Through several lists of images, with images that come twice, and a rating that is undone."""
    page.goto(informed.start("--model", "resnet", "--annotator", "anna", repeats=0.1))
    hand = Hand(page, "anna")
    hand.wait_for(1)
    first = page.get_attribute("#image", "src")
    assert f"/1/{IMAGES - 5}/" in first
    visible = "() => getComputedStyle(document.getElementById('prediction')).visibility"
    assert page.evaluate(visible) == "hidden"
    page.keyboard.press("m")
    page.wait_for_function(f"() => ({visible})() === 'visible'")
    assert "resnet predicts +0.70, \u22120.70" in page.inner_text("#values")
    shoot(page, "prediction")
    page.keyboard.press("9")
    page.keyboard.press("1")
    hand.wait_for(2)
    assert page.evaluate(visible) == "hidden"
    page.keyboard.press("u")
    hand.wait_for(1)
    assert page.get_attribute("#image", "src") == first
    rated = 0
    while page.evaluate("state.annotation_video") == "informative":
        before = page.evaluate("[state.annotation_video, index, state.elsewhere.done]")
        page.keyboard.press("5")
        page.keyboard.press("7")
        rated += 1
        assert rated < 2 * IMAGES
        page.wait_for_function(
            "before => isReady() && `${[state.annotation_video, index, state.elsewhere.done]}` !== `${before}`",
            arg=before,
        )
    rows = informed.merged()
    assert {row["valence"] for row in rows} == {"0.000000"} and {row["arousal"] for row in rows} == {"0.500000"}
    lines = informed.log("anna").read_text()
    repeats = lines.count('"is_repeat": true')
    assert rated == IMAGES + repeats and 2 <= repeats <= 4
    assert lines.count('"shown_prediction": [0.7, -0.7]') in (
        2,
        3,
    )  # the undone one, the one that counts, perhaps again
    assert not page.problems
