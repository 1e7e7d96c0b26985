"""Which images come first, which come twice, and what is known of both."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectflow.annotation.model_predictions import ModelPrediction, ModelPredictions
from affectflow.annotation.rating_log import Rating, RatingLog
from affectflow.annotation.server.media import Image
from affectflow.annotation.server.order import most_informative, with_repeats
from affectflow.annotation.server.session import Sessions
from tests.annotation.server.conftest import IMAGES, Desk
from tests.annotation.server.test_server import ask


def images(count: int) -> list[Image]:
    return [Image(1, frame, f"{frame}.jpg", f"{frame:064x}") for frame in range(1, count + 1)]


def frames(found: Sequence[Image]) -> list[int]:
    return [one.frame for one in found]


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 120),
    rated=st.integers(0, 60),
    twice=st.integers(0, 60),
    share=st.floats(0, 0.5),
    seed=st.integers(0, 5),
)
def test_repeats_come_late_once_and_in_their_share(count: int, rated: int, twice: int, share: float, seed: int) -> None:
    every = images(rated + count)
    before, now = every[:rated], every[rated:]
    repeated = {one.image_sha256 for one in before[:twice]}
    slots = with_repeats(now, share, Random(seed), before, repeated)
    assert [slot.image for slot in slots if not slot.is_repeat] == now
    again = [slot.image.image_sha256 for slot in slots if slot.is_repeat]
    assert len(set(again)) == len(again) and not set(again) & repeated
    assert len(again) <= share * count + 1
    for place, slot in enumerate(slots):
        if slot.is_repeat:
            shown = before + [one.image for one in slots[:place] if not one.is_repeat]
            assert len(shown) - shown.index(slot.image) > 15
    assert slots == with_repeats(now, share, Random(seed), before, repeated)


def test_a_thousand_images_have_their_share_of_repeats() -> None:
    slots = with_repeats(images(1000), 0.05, Random("anna 1"))
    assert sum(slot.is_repeat for slot in slots) == 50
    assert slots != with_repeats(images(1000), 0.05, Random("ben 1"))


def predictions(*of_each: tuple[float, float, float]) -> dict[str, ModelPrediction]:
    return {f"{frame:064x}": ModelPrediction(*one) for frame, one in enumerate(of_each, start=1)}


def test_small_videos_have_their_share(tmp_path: Path) -> None:
    """Rating informative images first and each video afterwards shows no image a third time."""
    videos = {v: [Image(v, f, f"{v}-{f}.jpg", f"{v * 100 + f:064x}") for f in range(1, 11)] for v in range(1, 21)}
    known = {one.image_sha256: ModelPrediction(one.frame / 10, 0.0, 0.1) for some in videos.values() for one in some}
    sessions = Sessions(tmp_path, videos, [], 0.1, ModelPredictions("resnet", known))
    session = sessions.session("anna")
    asked: list[tuple[int, int, bool]] = []
    state = session.state("informative")
    while to_do := [one for one in state["images"] if "rating" not in one]:
        for one in to_do:
            session.rate(
                {name: one[name] for name in ("annotation_video", "frame", "is_repeat")}
                | {"valence": 0.5, "arousal": 0.5}
            )
            asked.append((one["annotation_video"], one["frame"], one["is_repeat"]))
        state = session.state("informative")
    assert len(set(asked)) == len(asked) and sum(not again for _, _, again in asked) == 200
    assert sum(again for _, _, again in asked) == 20
    assert session.state(1)["progress"][-1]["done"] == session.state(1)["progress"][-1]["images"]
    # When each video is rated, an undone repeat is among the images of the video with which it is shown.
    while (undone := session.undo()) is not None:
        shown = session.state(undone["view"])["images"]
        assert [undone[name] for name in ("annotation_video", "frame", "is_repeat")] in [
            [one[name] for name in ("annotation_video", "frame", "is_repeat")] for one in shown
        ]
    sessions.close()


def test_uncertainty_and_distance_decide() -> None:
    uncertain = predictions((0.5, 0.5, 0.1), (0.5, 0.5, 0.3), (0.5, 0.5, 0.2))
    assert frames(most_informative(images(3), uncertain, [], 1)) == [2]
    apart = predictions((0.5, 0.5, 0.2), (-0.5, 0.5, 0.2), (0.45, 0.5, 0.2))
    assert frames(most_informative(images(3), apart, [(0.5, 0.5)], 3))[0] == 2
    # What is chosen counts as rated: the second of two that lie together comes last.
    assert frames(most_informative(images(3), apart, [(0.0, 0.0)], 3)) == [1, 2, 3]
    # An uncertainty four times as large outweighs half the distance.
    both = predictions((1.0, 0.0, 0.1), (0.5, 0.0, 0.4))
    assert frames(most_informative(images(2), both, [(0.0, 0.0)], 2)) == [2, 1]


def test_images_without_a_prediction_come_last_and_come() -> None:
    known = predictions((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    shuffled = [*images(5)[2:], *images(2)]
    assert frames(most_informative(shuffled, known, [], 9)) == [1, 2, 3, 4, 5]
    assert frames(most_informative(shuffled, known, [], 3)) == [1, 2, 3]
    assert frames(most_informative(shuffled, {}, [], 2)) == [3, 4]


def rate(address: str, one: dict[str, Any], valence: float = 0.5, arousal: float = -0.5) -> None:
    facts = {name: one[name] for name in ("annotation_video", "frame", "is_repeat")}
    assert ask(address, "/api/rate", {"annotator": "anna", "valence": valence, "arousal": arousal, **facts})[0] == 200


def state_of(address: str, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = ask(address, f"/api/state?annotator=anna{query}")[1]
    return found


def test_every_image_is_asked_for_once_and_some_twice(informed: Desk) -> None:
    address = informed.start("--model", "resnet", repeats=0.1)
    order: list[tuple[int, bool]] = []
    for _ in range(10):
        state = state_of(address)
        if state["annotation_video"] != "informative":
            break
        to_do = [one for one in state["images"] if "rating" not in one]
        for one in to_do:
            order.append((one["frame"], one["is_repeat"]))
            rate(address, one)
    first = [frame for frame, again in order if not again]
    assert first[0] == IMAGES - 5 and sorted(first) == list(range(1, IMAGES + 1))
    assert set(first[-5:]) == set(range(IMAGES - 4, IMAGES + 1))
    second = [frame for frame, again in order if again]
    assert 2 <= len(second) <= 4 and len(set(second)) == len(second)
    assert all(order.index((frame, True)) - order.index((frame, False)) > 15 for frame in second)
    assert state["annotation_video"] == 1  # when all images are rated


def test_what_was_shown_of_the_model_is_recorded(informed: Desk) -> None:
    address = informed.start("--model", "resnet")
    one, other = [one for one in state_of(address)["images"] if "rating" not in one][:2]
    assert one["frame"] == IMAGES - 5 and not {"prediction", "valence"} & one.keys()
    place = {"annotator": "anna", "annotation_video": 1, "frame": one["frame"]}
    assert ask(address, "/api/prediction", place)[1] == {"point": [0.7, -0.7]}
    informed.kill()
    address = informed.start("--model", "resnet")
    rate(address, one)
    rate(address, other)
    assert ask(address, "/api/prediction", place | {"frame": IMAGES})[1] == {"point": None}
    assert ask(address, "/api/prediction", place | {"frame": IMAGES + 1})[0] == 400
    lines = informed.log("anna").read_text().splitlines()
    assert len(lines) == 4 and '"kind": "show_prediction"' in lines[1] and '"model": "resnet"' in lines[1]
    assert '"shown_prediction": [0.7, -0.7]' in lines[2] and '"shown_prediction": null' in lines[3]
    informed.merged()
    assert [row["after_prediction"] for row in annotators(informed)] == ["1", "1"]


def test_without_a_model_there_is_no_prediction(desk: Desk) -> None:
    address = desk.start()
    assert state_of(address)["model"] == "" and state_of(address)["annotation_video"] == 1
    assert ask(address, "/api/prediction", {"annotator": "anna", "annotation_video": 1, "frame": 1})[1] == {
        "point": None
    }
    assert not desk.log("anna").exists()


def test_what_is_undone_is_shown_next(informed: Desk) -> None:
    address = informed.start("--model", "resnet")
    to_do = [one for one in state_of(address)["images"] if "rating" not in one]
    for one in to_do[:3]:
        rate(address, one)
    undone = ask(address, "/api/undo", {"annotator": "anna"})[1]["undone"]
    assert (undone["frame"], undone["is_repeat"]) == (to_do[2]["frame"], False)
    state = state_of(address, f"&annotation_video=informative&sha256={undone['sha256']}&is_repeat=false")
    assert [one["frame"] for one in state["images"] if "rating" in one] == [one["frame"] for one in to_do[:2]]
    assert next(one for one in state["images"] if "rating" not in one)["frame"] == undone["frame"]


def test_an_earlier_rating_that_counts_again_is_shown(informed: Desk) -> None:
    """However long ago it was."""
    address = informed.start("--model", "resnet")
    first = next(one for one in state_of(address)["images"] if "rating" not in one)
    rate(address, first)
    for _ in range(2):
        for one in [one for one in state_of(address)["images"] if "rating" not in one][:12]:
            rate(address, one)
    rate(address, first, -0.5)
    undone = ask(address, "/api/undo", {"annotator": "anna"})[1]["undone"]
    state = state_of(address, f"&annotation_video=informative&sha256={undone['sha256']}&is_repeat=false")
    (shown,) = [one for one in state["images"] if one["frame"] == first["frame"]]
    assert shown["rating"]["valence"] == 0.5


def test_a_rating_after_the_prediction_is_not_a_repeat(desk: Desk, tmp_path: Path) -> None:
    """Changing a note after the prediction was shown does not mark the rating as made after it."""
    log = RatingLog(tmp_path / "images.jsonl", "anna")
    log.rate(Rating(1, 1, "a", "sha", -0.8, 0.0))
    log.show_prediction("sha", "resnet", [0.5, 0.5])
    log.rate(Rating(1, 1, "a", "sha", -0.8, 0.0, note="later"))
    assert log.recorded.by_image["sha"].shown_prediction is None
    log.rate(Rating(1, 1, "a", "sha", 0.5, 0.5, is_repeat=True))
    assert log.recorded.repeats == {}
    log.rate(Rating(1, 1, "a", "sha", 0.4, 0.0))
    assert log.recorded.by_image["sha"].shown_prediction == [0.5, 0.5]
    log.close()


def annotators(desk: Desk) -> list[dict[str, str]]:
    with (desk.folder / "annotators.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_annotator_is_compared_with_themselves(desk: Desk) -> None:
    """The first rating counts; the repeat is compared with it, on the page and in the table of annotators."""
    address = desk.start(repeats=0.1)
    shown = state_of(address)["images"]
    assert sum(one["is_repeat"] for one in shown) == 4 and len(shown) == IMAGES + 4
    for one in shown:
        value = one["frame"] / 50
        rate(address, one, value - 0.2 if one["is_repeat"] else value, -value)
    again = [one["frame"] / 50 for one in shown if one["is_repeat"]]
    lines = {line["dimension"]: line for line in ask(address, "/api/agreement")[1]["pairs"]}
    assert lines["arousal"]["annotators"] == ["anna"] and lines["arousal"]["ccc"] == 1
    mean = sum(again) / len(again)
    variance = sum((value - mean) ** 2 for value in again) / len(again)
    expected = 2 * variance / (2 * variance + 0.2**2)
    assert lines["valence"]["ccc"] == pytest.approx(expected, abs=0.001)
    assert [float(row["valence"]) for row in desk.merged()] == [i / 50 for i in range(1, IMAGES + 1)]
    of_valence, of_arousal = annotators(desk)
    assert of_valence["repeats"] == of_arousal["repeats"] == str(len(again))
    assert float(of_valence["ccc_with_self"]) == pytest.approx(expected, abs=1e-6)
    assert float(of_arousal["ccc_with_self"]) == 1
    assert [one["is_repeat"] for one in state_of(address)["images"]] == [one["is_repeat"] for one in shown]


def test_only_the_second_time_still_counts(desk: Desk) -> None:
    address = desk.start(repeats=0.1)
    one = next(one for one in state_of(address)["images"] if one["is_repeat"])
    rate(address, one, 0.25, 0.75)
    assert desk.merged()[one["frame"] - 1]["valence"] == "0.250000"
    rate(address, {**one, "is_repeat": False}, -0.25, 0.75)
    assert desk.merged()[one["frame"] - 1]["valence"] == "-0.250000"


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "predictions/resnet.csv does not exist; run snakemake results/annotation/predictions/resnet.csv first"),
        *(
            (
                f"image_sha256,valence,arousal,uncertainty\nx,{row}\n",
                "predictions/resnet.csv, line 2: this is not a prediction",
            )
            for row in ("a,0,0", "nan,0,0", "0,1.2,0", "0,0,-1", "0,0,inf")
        ),
        ("frame\n1\n", "resnet.csv"),
    ],
)
def test_a_model_without_predictions_is_a_sentence(desk: Desk, text: str | None, sentence: str) -> None:
    path = desk.folder / "results/annotation/predictions/resnet.csv"
    if text is not None:
        path.parent.mkdir()
        path.write_text(text)
    status, said = desk.refused("--model", "resnet")
    assert status == 1 and sentence in said and "Traceback" not in said


def test_a_model_that_there_is_not(desk: Desk) -> None:
    status, said = desk.refused("--model", "../../secret")
    assert status == 1 and "There is no model '../../secret' in the configuration" in said
