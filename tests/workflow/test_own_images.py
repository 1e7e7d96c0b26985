"""Images of one's own, trained and scored on by subject."""

from __future__ import annotations

import json

from affectflow.datasets.base import side_of
from tests.conftest import Workflow
from tests.miniature import make_image, text

SCORE = "results/eval/own_resnet.json"
PERSONS = [f"person {i}" for i in range(24)]


def rows(valence: str) -> list[str]:
    """Two images of each person: a dark one, and a bright one with AU 12."""
    return [
        f"{i}-{bright}.png,{bright},{valence if bright else 0},{p}" for i, p in enumerate(PERSONS) for bright in (0, 1)
    ]


def test_ones_own_images_go_all_the_way(workflow: Workflow) -> None:
    folder = workflow.folder / "images"
    for i in range(len(PERSONS)):
        for bright in (0, 1):
            make_image(folder / f"{i}-{bright}.png", 6 * bright)
    header = "image,AU12,valence,subject"
    text(folder / "labels.csv", header, *rows("0.5"), "lost.png,1,,person 0")
    nothing = {"root": None}
    workflow.configure(
        data={
            **{name: nothing for name in ("disfa", "amfed", "affwild")},
            "emotionet": {"tables": []},
            "annotations": None,
            "own": {"root": "images", "use": "split"},
        },
        models={"resnet": {"train_on": ["own"], "heads": ["action_units"]}},
    )
    workflow.succeed(SCORE)
    score = json.loads((workflow.folder / SCORE).read_text())
    tested = [person for person in PERSONS if side_of("own", person) == "test"]
    assert 0 < len(tested) < len(PERSONS)
    assert score["protocol"]["frames"] == 2 * len(tested) and score["protocol"]["subjects"] == len(tested)
    assert list(score["action_units"]) == ["AU12"] and score["action_units"]["AU12"]["positives"] == len(tested)
    assert score["snapshot"] is None and score["synthetic"] is False
    card = json.loads(workflow.path("models/resnet/model.json").read_text())
    assert card["images"]["train"] + card["images"]["validation"] == 2 * (len(PERSONS) - len(tested))
    lost_side = "own/left_out.csv" if side_of("own", "person 0") == "train" else "predictions/own_resnet_left_out.csv"
    assert "label without an image,1" in workflow.path(lost_side).read_text()
    assert workflow.run(SCORE).nothing_done

    text(folder / "labels.csv", header, *rows("0.25"))
    assert {"write_dataset_records", "train_model", "predict_benchmark"} <= workflow.run(
        SCORE, options=("-n",)
    ).rules_run
