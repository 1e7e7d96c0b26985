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
from affectflow.annotation.rating_log import Journal, Judgement
from affectflow.annotation.server.image import Image
from affectflow.annotation.server.order import most_informative, with_repeats
from affectflow.annotation.server.session import Sessions
from tests.annotating.conftest import IMAGES, Desk
from tests.annotating.test_server import ask


def images(count: int) -> list[Image]:
    return [Image(1, frame, f"{frame}.jpg", f"{frame:064x}") for frame in range(1, count + 1)]


def frames(found: Sequence[Image]) -> list[int]:
    return [one.frame for one in found]


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 120),
    judged=st.integers(0, 60),
    twice=st.integers(0, 60),
    share=st.floats(0, 0.5),
    seed=st.integers(0, 5),
)
def test_repeats_come_late_once_and_in_their_share(
    count: int, judged: int, twice: int, share: float, seed: int
) -> None:
    every = images(judged + count)
    before, now = every[:judged], every[judged:]
    repeated = {one.image_sha256 for one in before[:twice]}
    slots = with_repeats(now, share, Random(seed), before, repeated)
    assert [slot.image for slot in slots if not slot.again] == now
    again = [slot.image.image_sha256 for slot in slots if slot.again]
    assert len(set(again)) == len(again) and not set(again) & repeated
    assert len(again) <= share * count + 1
    for place, slot in enumerate(slots):
        if slot.again:
            shown = before + [one.image for one in slots[:place] if not one.again]
            assert len(shown) - shown.index(slot.image) > 15
    assert slots == with_repeats(now, share, Random(seed), before, repeated)


def test_a_thousand_images_have_their_share_of_repeats() -> None:
    slots = with_repeats(images(1000), 0.05, Random("anna 1"))
    assert sum(slot.again for slot in slots) == 50
    assert slots != with_repeats(images(1000), 0.05, Random("ben 1"))


def predictions(*of_each: tuple[float, float, float]) -> dict[str, ModelPrediction]:
    return {f"{frame:064x}": ModelPrediction(*one) for frame, one in enumerate(of_each, start=1)}


def test_small_batches_have_their_share(tmp_path: Path) -> None:
    """And those who go by information first and by batch then see no image a third time."""
    batches = {b: [Image(b, f, f"{b}-{f}.jpg", f"{b * 100 + f:064x}") for f in range(1, 11)] for b in range(1, 21)}
    known = {one.image_sha256: ModelPrediction(one.frame / 10, 0.0, 0.1) for some in batches.values() for one in some}
    sessions = Sessions(tmp_path, batches, [], 0.1, ModelPredictions("resnet", known))
    session = sessions.of("anna")
    asked: list[tuple[int, int, bool]] = []
    state = session.state("informative")
    while to_do := [one for one in state["images"] if "judgement" not in one]:
        for one in to_do:
            session.judge({name: one[name] for name in ("batch", "frame", "again")} | {"valence": 0.5, "arousal": 0.5})
            asked.append((one["batch"], one["frame"], one["again"]))
        state = session.state("informative")
    assert len(set(asked)) == len(asked) and sum(not again for _, _, again in asked) == 200
    assert sum(again for _, _, again in asked) == 20
    assert session.state(1)["progress"][-1]["done"] == session.state(1)["progress"][-1]["images"]
    # Taken back where batches are gone through, the second time is looked for among the images that it is shown with.
    while (taken := session.undo()) is not None:
        shown = session.state(taken["view"])["images"]
        assert [taken[name] for name in ("batch", "frame", "again")] in [
            [one[name] for name in ("batch", "frame", "again")] for one in shown
        ]
    sessions.close()


def test_doubt_and_distance_decide() -> None:
    doubtful = predictions((0.5, 0.5, 0.1), (0.5, 0.5, 0.3), (0.5, 0.5, 0.2))
    assert frames(most_informative(images(3), doubtful, [], 1)) == [2]
    apart = predictions((0.5, 0.5, 0.2), (-0.5, 0.5, 0.2), (0.45, 0.5, 0.2))
    assert frames(most_informative(images(3), apart, [(0.5, 0.5)], 3))[0] == 2
    # What is chosen counts as judged: the second of two that lie together comes last.
    assert frames(most_informative(images(3), apart, [(0.0, 0.0)], 3)) == [1, 2, 3]
    # Doubt four times as large outweighs half the distance.
    both = predictions((1.0, 0.0, 0.1), (0.5, 0.0, 0.4))
    assert frames(most_informative(images(2), both, [(0.0, 0.0)], 2)) == [2, 1]


def test_images_without_a_guess_come_last_and_come() -> None:
    known = predictions((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    shuffled = [*images(5)[2:], *images(2)]
    assert frames(most_informative(shuffled, known, [], 9)) == [1, 2, 3, 4, 5]
    assert frames(most_informative(shuffled, known, [], 3)) == [1, 2, 3]
    assert frames(most_informative(shuffled, {}, [], 2)) == [3, 4]


def judge(address: str, one: dict[str, Any], valence: float = 0.5, arousal: float = -0.5) -> None:
    facts = {name: one[name] for name in ("batch", "frame", "again")}
    assert ask(address, "/api/judge", {"annotator": "anna", "valence": valence, "arousal": arousal, **facts})[0] == 200


def state_of(address: str, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = ask(address, f"/api/state?annotator=anna{query}")[1]
    return found


def test_every_image_is_asked_for_once_and_some_twice(informed: Desk) -> None:
    address = informed.start("--model", "resnet", repeats=0.1)
    order: list[tuple[int, bool]] = []
    for _ in range(10):
        state = state_of(address)
        if state["batch"] != "informative":
            break
        to_do = [one for one in state["images"] if "judgement" not in one]
        for one in to_do:
            order.append((one["frame"], one["again"]))
            judge(address, one)
    first = [frame for frame, again in order if not again]
    assert first[0] == IMAGES - 5 and sorted(first) == list(range(1, IMAGES + 1))
    assert set(first[-5:]) == set(range(IMAGES - 4, IMAGES + 1))
    second = [frame for frame, again in order if again]
    assert 2 <= len(second) <= 4 and len(set(second)) == len(second)
    assert all(order.index((frame, True)) - order.index((frame, False)) > 15 for frame in second)
    assert state["batch"] == 1  # where nothing is left to be informed of


def test_what_was_shown_of_the_model_is_kept(informed: Desk) -> None:
    address = informed.start("--model", "resnet")
    one, other = [one for one in state_of(address)["images"] if "judgement" not in one][:2]
    assert one["frame"] == IMAGES - 5 and not {"prediction", "valence"} & one.keys()
    place = {"annotator": "anna", "batch": 1, "frame": one["frame"]}
    assert ask(address, "/api/prediction", place)[1] == {"point": [0.7, -0.7]}
    informed.kill()
    address = informed.start("--model", "resnet")
    judge(address, one)
    judge(address, other)
    assert ask(address, "/api/prediction", place | {"frame": IMAGES})[1] == {"point": None}
    assert ask(address, "/api/prediction", place | {"frame": IMAGES + 1})[0] == 400
    lines = informed.journal("anna").read_text().splitlines()
    assert len(lines) == 4 and '"kind": "show"' in lines[1] and '"model": "resnet"' in lines[1]
    assert '"shown": [0.7, -0.7]' in lines[2] and '"shown": null' in lines[3]
    informed.merged()
    assert [row["after_prediction"] for row in annotators(informed)] == ["1", "1"]


def test_without_a_model_there_is_nothing_to_ask(desk: Desk) -> None:
    address = desk.start()
    assert state_of(address)["model"] == "" and state_of(address)["batch"] == 1
    assert ask(address, "/api/prediction", {"annotator": "anna", "batch": 1, "frame": 1})[1] == {"point": None}
    assert not desk.journal("anna").exists()


def test_what_is_taken_back_is_asked_for_next(informed: Desk) -> None:
    address = informed.start("--model", "resnet")
    to_do = [one for one in state_of(address)["images"] if "judgement" not in one]
    for one in to_do[:3]:
        judge(address, one)
    taken = ask(address, "/api/undo", {"annotator": "anna"})[1]["taken"]
    assert (taken["frame"], taken["again"]) == (to_do[2]["frame"], False)
    state = state_of(address, f"&batch=informative&sha256={taken['sha256']}&again=false")
    assert [one["frame"] for one in state["images"] if "judgement" in one] == [one["frame"] for one in to_do[:2]]
    assert next(one for one in state["images"] if "judgement" not in one)["frame"] == taken["frame"]


def test_an_earlier_judgement_that_counts_again_is_shown(informed: Desk) -> None:
    """However long ago it was."""
    address = informed.start("--model", "resnet")
    first = next(one for one in state_of(address)["images"] if "judgement" not in one)
    judge(address, first)
    for _ in range(2):
        for one in [one for one in state_of(address)["images"] if "judgement" not in one][:12]:
            judge(address, one)
    judge(address, first, -0.5)
    taken = ask(address, "/api/undo", {"annotator": "anna"})[1]["taken"]
    state = state_of(address, f"&batch=informative&sha256={taken['sha256']}&again=false")
    (shown,) = [one for one in state["images"] if one["frame"] == first["frame"]]
    assert shown["judgement"]["valence"] == 0.5


def test_what_was_seen_of_the_model_is_no_repeat(desk: Desk, tmp_path: Path) -> None:
    """Nor is a judgement better informed for a note that is changed after a look at the model."""
    journal = Journal(tmp_path / "images.jsonl", "anna")
    journal.judge(Judgement(1, 1, "a", "sha", -0.8, 0.0))
    journal.show("sha", "resnet", [0.5, 0.5])
    journal.judge(Judgement(1, 1, "a", "sha", -0.8, 0.0, note="later"))
    assert journal.kept.judgements["sha"].shown is None
    journal.judge(Judgement(1, 1, "a", "sha", 0.5, 0.5, again=True))
    assert journal.kept.repeats == {}
    journal.judge(Judgement(1, 1, "a", "sha", 0.4, 0.0))
    assert journal.kept.judgements["sha"].shown == [0.5, 0.5]
    journal.close()


def annotators(desk: Desk) -> list[dict[str, str]]:
    with (desk.folder / "annotators.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_annotator_is_held_against_themselves(desk: Desk) -> None:
    """The first judgement counts; the second is compared, on the page and in the merge's table."""
    address = desk.start(repeats=0.1)
    shown = state_of(address)["images"]
    assert sum(one["again"] for one in shown) == 4 and len(shown) == IMAGES + 4
    for one in shown:
        value = one["frame"] / 50
        judge(address, one, value - 0.2 if one["again"] else value, -value)
    again = [one["frame"] / 50 for one in shown if one["again"]]
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
    assert [one["again"] for one in state_of(address)["images"]] == [one["again"] for one in shown]


def test_only_the_second_time_still_counts(desk: Desk) -> None:
    address = desk.start(repeats=0.1)
    one = next(one for one in state_of(address)["images"] if one["again"])
    judge(address, one, 0.25, 0.75)
    assert desk.merged()[one["frame"] - 1]["valence"] == "0.250000"
    judge(address, {**one, "again": False}, -0.25, 0.75)
    assert desk.merged()[one["frame"] - 1]["valence"] == "-0.250000"


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "predictions/resnet.csv does not exist; run snakemake results/annotation/predictions/resnet.csv first"),
        *(
            (f"image_sha256,valence,arousal,spread\nx,{row}\n", "predictions/resnet.csv, line 2: no prediction")
            for row in ("a,0,0", "nan,0,0", "0,1.2,0", "0,0,-1", "0,0,inf")
        ),
        ("frame\n1\n", "resnet.csv"),
    ],
)
def test_a_model_without_guesses_is_a_sentence(desk: Desk, text: str | None, sentence: str) -> None:
    path = desk.folder / "results/annotation/predictions/resnet.csv"
    if text is not None:
        path.parent.mkdir()
        path.write_text(text)
    status, said = desk.refused("--model", "resnet")
    assert status == 1 and sentence in said and "Traceback" not in said


def test_a_model_that_there_is_not(desk: Desk) -> None:
    status, said = desk.refused("--model", "../../secret")
    assert status == 1 and "There is no model '../../secret' in the configuration" in said
