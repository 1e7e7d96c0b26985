"""The page of all scores."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from affectflow.contracts.score import ScoreFile
from affectflow.report.overview import write_overview
from affectflow.tables.csv_files import write_csv
from tests.browser import CHROMIUM, MISSING, broken_images, visit
from tests.report.predictions import people, run_report

_EMPTY = ("meta", "img")


class Read(HTMLParser):
    """Texts outside of scripts, images, scripts, and whether every tag is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = ""
        self.images: list[str] = []
        self.open: list[str] = []
        self.feed(re.sub(r"(?s)<script>.*?</script>", "", path.read_text()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models and a baseline on DISFA, and a summary of a download."""
    folder = tmp_path_factory.mktemp("study")
    for name, skill in (("vgg", 0.5), ("resnet", 0.7)):
        run_report(folder, name, people(skill))
    run_report(folder, "frequency", people(0), backbone="constant")
    write_csv(
        folder / "summary.csv",
        ("class", "urls", "share_percent", "report_2017", "meaning"),
        [("downloaded", 90, 90.0, "", "a"), ("not found <b>", 10, 10.0, 1726, "b")],
    )
    return folder


def page(folder: Path, *runs: str, out: Path, synthetic: bool = True, faces: str = "drawn") -> Path:
    scores = [folder / f"disfa_{run}.json" for run in runs]
    reports = [folder / f"{run}.json" for run in runs]
    summary = folder / "summary.csv"
    write_overview(
        *(scores, reports, summary if summary.is_file() else None, None, None, None, synthetic, faces, out),
    )
    return out


def test_the_page_says_what_the_files_say(study: Path, tmp_path: Path) -> None:
    out = page(study, "frequency", "vgg", "resnet", out=tmp_path / "page.html")
    read = Read(out)
    assert not read.open and len(read.images) == 3 * 6
    assert all(source.startswith("data:image/jpeg") for source in read.images)
    result = ScoreFile.read(study / "disfa_resnet.json")
    worse = ScoreFile.read(study / "disfa_frequency.json")
    assert worse.intervals["mean_f1"] is not None and result.intervals["mean_f1"] is None  # it makes no mistake
    low, high = worse.intervals["mean_f1"]
    for words in (
        f"{worse.mean_f1:.3f}{low:.2f} to {high:.2f}",
        f"{result.mean_f1:.3f}",
        f"{result.mean_f1_always_yes:.3f}",
        "frame without labels4",
        "1,726",
        "not found <b>",
        "90 of 100 images",
        "All faces are drawn by affectflow",
        result.provenance.inputs["predictions"][:12],
    ):
        assert words in read.text, words
    assert read.text.count(result.published_note.strip(".")[1:]) == 2  # below the headline table, and with the protocol
    assert "licensed" not in read.text and "not shown" not in read.text
    order = [read.text.index(f"{run} on DISFA") for run in ("vgg", "resnet", "frequency")]
    assert order == sorted(order)


def test_the_page_is_the_same_bytes_each_time(study: Path, tmp_path: Path) -> None:
    one, two = (page(study, "vgg", "resnet", out=tmp_path / name).read_bytes() for name in ("one", "two"))
    assert one == two


def test_real_people_are_not_on_the_page_unless_asked_for(tmp_path: Path) -> None:
    run_report(tmp_path, "hidden", people(0.5), synthetic=False)
    read = Read(page(tmp_path, "hidden", out=tmp_path / "page.html", synthetic=False))
    assert not read.images and "Images of people are not shown" in read.text
    run_report(tmp_path, "shown", people(0.5), faces="all", synthetic=False)
    score = json.loads((tmp_path / "disfa_shown.json").read_text())
    score["leakage"] = {"exact": 3, "near": 0, "subjects": 0, "videos": 0}
    (tmp_path / "disfa_shown.json").write_text(json.dumps(score))
    read = Read(page(tmp_path, "shown", out=tmp_path / "page.html", synthetic=False, faces="all"))
    assert read.images and "licensed images and is not for distribution" in read.text
    assert "shown was trained on images or people of disfa" in read.text and "nothing was downloaded" in read.text


@pytest.mark.parametrize("faces", ["drawn", "all"])
def test_photographs_in_a_drawn_study_are_said_to_be_real(tmp_path: Path, faces: str) -> None:
    run_report(tmp_path, "resnet", people(0.5))
    score = json.loads((tmp_path / "disfa_resnet.json").read_text())
    del score["note"]
    score |= {"benchmark": "london", "synthetic": False, "protocol": score["protocol"] | {"name": "smile"}}
    (tmp_path / "london_resnet.json").write_text(json.dumps(score))
    out = tmp_path / "page.html"
    scores = [tmp_path / f"{name}_resnet.json" for name in ("disfa", "london")]
    write_overview(scores, [tmp_path / "resnet.json"], None, None, None, None, True, faces, out)
    text = Read(out).text
    assert "All faces but those of Face Research Lab London Set are drawn by affectflow." in text
    assert ("licensed images and is not for distribution" in text) == (faces == "all")
    assert ("Images of people are not shown" in text) == (faces == "drawn")


def test_a_study_without_scores_has_a_page(tmp_path: Path) -> None:
    read = Read(page(tmp_path, out=tmp_path / "page.html"))
    assert not read.open and "No model is scored." in read.text


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
@pytest.mark.parametrize("width", [1280, 768])
def test_the_page_in_a_browser(study: Path, tmp_path: Path, width: int) -> None:
    """Every chart of the chosen model is drawn; nothing is fetched, broken, or wider than the window."""
    out = page(study, "frequency", "vgg", "resnet", out=tmp_path / "page.html")
    with visit(out, width=width) as seen:
        charts = seen.page.locator(".chart:visible")
        seen.page.wait_for_function("[...document.querySelectorAll('.chart')].some(c => c.querySelector('svg'))")
        assert charts.count() >= 8
        for place in range(charts.count()):
            charts.nth(place).locator("svg").first.wait_for()
        assert not broken_images(seen.page)
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert seen.page.get_by_role("heading", name="vgg on DISFA").is_visible()
        assert not seen.page.get_by_role("heading", name="resnet on DISFA").is_visible()
        seen.page.get_by_label("Model").select_option("resnet")
        assert seen.page.get_by_role("heading", name="resnet on DISFA").is_visible()
        for place in range(charts.count()):
            charts.nth(place).locator("svg").first.wait_for()
        labels = seen.page.locator(".chart:visible").first.locator("svg").first.text_content() or ""
        assert "AU12" in labels and "always yes" in labels
    assert not seen.problems
