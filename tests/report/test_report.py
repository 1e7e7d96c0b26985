"""What the report's figures are made from, and the page that shows them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from affectflow import facs
from affectflow.datasets.sample import Sample
from affectflow.facs.emotions import emotions
from affectflow.media import jpeg
from affectflow.media.pixels import Encoded
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.records.encoding import ImageEncoding
from affectflow.records.write import write_records
from affectflow.report.emotions import confusion, draw_emotions
from affectflow.report.errors import errors_of
from affectflow.report.overview import write_overview
from affectflow.report.sample_images import draw_worst
from affectflow.report.tracks import best_and_worst, draw_tracks
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from tests.evaluation.test_score import DISFA, _frames, _score
from tests.model_json import model_json

NAN = float("nan")
SIZE = 32


def row(source: str, video: str = "", frame: int = 0, **values: Any) -> dict[str, Any]:
    """A row of predictions; ``AU12=(1, 0.9)`` is a label and an output, as are ``valence`` and ``arousal``."""
    units, probabilities = np.full(facs.COUNT, -1, np.int8), np.full(facs.COUNT, np.nan, np.float32)
    affect = {"valence": (NAN, NAN), "arousal": (NAN, NAN)}
    for name, (label, output) in values.items():
        if name in affect:
            affect[name] = (label, output)
        else:
            units[int(name[2:]) - 1], probabilities[int(name[2:]) - 1] = label, output
    return {
        "source": source,
        "group": video,
        "subject": "",
        "video": video,
        "frame": frame,
        "time": NAN,
        "units": units,
        "intensities": [NAN] * facs.COUNT,
        "other": [],
        "probabilities": probabilities,
        "predicted_intensities": [NAN] * facs.COUNT,
        "crop": "center",
        **{name: label for name, (label, _) in affect.items()},
        **{f"predicted_{name}": output for name, (_, output) in affect.items()},
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=PREDICTIONS_SCHEMA)


def test_errors_are_cross_entropy_or_distance() -> None:
    found = errors_of(
        table(
            row("a", AU1=(1, 0.5), AU2=(0, 0.75)),
            row("b", AU1=(-1, 0.9), valence=(0.5, 0.2), arousal=(0.1, 0.5)),
            row("c", AU1=(0, NAN)),
            row("d", AU1=(1, 0.0)),
        )
    )
    assert found[0] == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert found[1] == pytest.approx(0.5)
    assert np.isnan(found[2]) and 13 < found[3] < 14


def test_the_best_and_the_worst_video_are_named() -> None:
    rows = [
        row(f"{video}/{frame}", video, frame, AU1=(frame % 2, abs(frame % 2 - error)))
        for video, error in (("good", 0.1), ("bad", 0.9), ("fair", 0.3))
        for frame in range(1, 5)
    ]
    best, worst = best_and_worst(table(*rows))
    assert (best[0], worst[0]) == ("good", "bad")
    assert best[1] == pytest.approx(-np.log(0.9), abs=1e-6) and worst[1] == pytest.approx(-np.log(0.1), abs=1e-6)
    assert worst[2].tolist() == [4, 5, 6, 7]
    assert best_and_worst(table(row("x", "unlabelled", 1), row("y", "unlabelled", 2))) == []


def test_confusion_counts_frames_by_their_emotions() -> None:
    def levels(*units: int) -> np.ndarray:
        found = np.zeros(facs.COUNT)
        found[[unit - 1 for unit in units]] = 5
        return found

    recorded = np.stack([levels(6, 12), levels(6, 12), levels(), np.full(facs.COUNT, NAN)])
    predicted = np.stack([levels(6, 12), levels(), levels(6, 12), np.full(facs.COUNT, NAN)])
    counts = confusion(emotions("emfacs"), recorded, predicted)
    places = list(emotions("emfacs"))
    happiness, neutral = places.index("Happiness"), places.index("Neutral")
    assert counts[happiness, happiness] == counts[happiness, neutral] == counts[neutral, happiness] == 1
    assert counts.sum() == 3


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Records of two videos and their predictions; frame 3 of video b is the worst, its image alone is bright."""
    samples, rows = [], []
    for video in "ab":
        for frame in range(1, 6):
            grey = 250 if (video, frame) == ("b", 3) else 60
            data = jpeg.encode(np.full((SIZE, SIZE, 3), grey, np.uint8), 95, "4:4:4")
            source = f"{video}/{frame}"
            samples.append(Sample(Encoded(data, source), "own", source, video, video=video, frame=frame))
            rows.append(row(source, video, frame, AU12=(1, 0.01 if grey == 250 else 0.9)))
    write_records(tmp_path / "frames", samples, ImageEncoding(SIZE, 95, "4:4:4"))
    write_parquet(tmp_path / "predictions", PREDICTIONS_SCHEMA, rows)
    return tmp_path


def card(folder: Path, synthetic: bool) -> Path:
    return model_json(folder / "card.json", synthetic=synthetic, thresholds={"AU12": 0.4})


def brightest(path: Path) -> int:
    """Pixels of the one bright image."""
    pixels = np.asarray(Image.open(path).convert("RGB"), int)
    return int(((np.ptp(pixels, axis=2) < 6) & (abs(pixels[..., 0] - 250) < 3)).sum())


def test_the_worst_frames_are_shown(images: Path) -> None:
    draw_worst([images / "frames"], images / "predictions", card(images, True), "drawn", images / "worst.png")
    assert brightest(images / "worst.png") > 5_000


def test_real_faces_are_not_shown_unless_asked_for(images: Path) -> None:
    words = [images / "frames"], images / "predictions", card(images, False)
    draw_worst(*words, "drawn", images / "hidden.png")
    assert brightest(images / "hidden.png") < 1_000
    draw_worst(*words, "all", images / "shown.png")
    assert brightest(images / "shown.png") > 5_000


class _Read(HTMLParser):
    """Texts, images and whether every tag is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = ""
        self.images: list[str] = []
        self.open: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_says_what_the_files_say(tmp_path: Path) -> None:
    result = _score(tmp_path, _frames(60, DISFA))
    figures = [
        tmp_path / name for name in ("download.svg", "tracks_disfa_m.svg", "worst_disfa_m.png", "reliability_m.svg")
    ]
    for figure in figures:
        figure.write_bytes(b"<svg/>")
    write_csv(
        tmp_path / "summary.csv",
        ("class", "urls", "share_percent", "report_2017", "meaning"),
        [("downloaded", 90, 90.0, "", "a"), ("not found <b>", 10, 10.0, 1726, "b")],
    )
    write_overview(
        [tmp_path / "disfa_m.json"], tmp_path / "summary.csv", figures, True, "drawn", tmp_path / "page.html"
    )
    read = _Read(tmp_path / "page.html")
    assert not read.open and len(read.images) == len(figures)
    assert all(source.startswith("data:image/") for source in read.images)
    low, high = result["intervals"]["mean_f1"]
    for words in (
        f"{result['mean_f1']:.3f} ({low:.2f} to {high:.2f})",
        f"{result['mean_f1_always_yes']:.3f}",
        "4 x frame without labels",
        "1,726",
        "not found <b>",
        "snapshot abc",
        "drawn by affectflow",
        result["provenance"]["inputs"]["predictions"][:12],
    ):
        assert words in read.text, words
    assert "licensed" not in read.text


def test_the_page_carries_a_note_on_licensed_images(tmp_path: Path) -> None:
    _score(tmp_path, _frames(60, DISFA))
    score = json.loads((tmp_path / "disfa_m.json").read_text())
    score["leakage"] = {"exact": 3, "near": 0, "subjects": 0}
    (tmp_path / "disfa_m.json").write_text(json.dumps(score))
    write_overview([tmp_path / "disfa_m.json"], None, [], False, "all", tmp_path / "page.html")
    read = _Read(tmp_path / "page.html")
    assert "Contains licensed images, not for distribution." in read.text
    assert "m was trained on images or people of disfa." in read.text and "nothing was downloaded" in read.text


@pytest.mark.parametrize("draw", [draw_tracks, draw_emotions])
def test_figures_are_the_same_bytes_each_time(tmp_path: Path, draw: Any) -> None:
    _score(tmp_path, _frames(60, DISFA))
    for name in ("one.svg", "two.svg"):
        draw(tmp_path / "predictions.parquet", tmp_path / "disfa_m.json", tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
