"""What is scored, by what the user's folders hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from affectflow.config import complete
from affectflow.core.errors import UserError
from affectflow.evaluation.protocols import protocol
from affectflow.plan import Plan

RESNET = {"backbone": "resnet50", "input_size": 64, "train_on": ["own"], "seeds": [0]}


def plan(folder: Path, **sets: dict[str, Any]) -> Plan:
    own = folder / "own"
    own.mkdir(exist_ok=True)
    (own / "labels.csv").write_text("image,AU1,valence\n")
    return Plan(complete({"data": {"own": {"root": str(own)}, **sets}, "models": {"resnet": RESNET}}))


def affwild2(folder: Path, *labels: str, sides: tuple[str, ...] = ("Training_Set", "Validation_Set")) -> dict[str, str]:
    for name in ("cropped_aligned", *(f"{label}/{side}" for label in labels for side in sides)):
        (folder / "affwild2" / name).mkdir(parents=True, exist_ok=True)
        (folder / "affwild2" / name / f"{name[-9]}.txt").touch()
    return {"root": str(folder / "affwild2")}


@pytest.mark.parametrize(
    ("labels", "targets"),
    [
        (("VA_Set",), ["affwild2"]),
        (("AU_Set",), ["affwild2-au"]),
        (("VA_Set", "Annotations/AU_Set"), ["affwild2", "affwild2-au"]),
        (("EXPR_Set",), ["affwild2-expr"]),
    ],
)
def test_aff_wild2_is_scored_by_the_labels_that_are_there(
    tmp_path: Path, labels: tuple[str, ...], targets: list[str]
) -> None:
    found = plan(tmp_path, affwild2=affwild2(tmp_path, *labels)).scores
    assert [target for target, _ in found.targets() if target.startswith("affwild2")] == targets
    found.check_prediction("affwild2", "resnet")
    if "VA_Set" not in labels:
        with pytest.raises(UserError, match=r"affwild2 has no labels of valence_arousal; add them, or choose"):
            found.parts(protocol("affwild2"), "resnet")


def test_a_model_learns_what_the_training_side_labels(tmp_path: Path) -> None:
    affwild2(tmp_path, "AU_Set", sides=("Validation_Set",))
    sets = {"affwild2": affwild2(tmp_path, "VA_Set") | {"use": "split"}}
    found = Plan(complete({"data": sets, "models": {"m": {**RESNET, "train_on": ["affwild2"]}}}))
    assert found.models.trained_heads("m") == {"valence_arousal"}
    assert found.scores.targets() == [("affwild2", "m")]


def test_a_table_of_subjects_is_followed(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    found = plan(tmp_path, affwild2=affwild2(tmp_path, "VA_Set") | {"subjects": str(table)})
    with pytest.raises(UserError, match=r"people\.csv is not a file; correct data\.affwild2\.subjects"):
        found.data.subjects("affwild2")
    table.write_text("video,gender\n")
    assert found.data.subjects("affwild2") == [str(table)]
    assert found.data.subjects("own") == found.data.subjects("emotionet") == []


def test_a_model_is_scored_without_each_of_its_data_sets(tmp_path: Path) -> None:
    for name in ("videos", "annotations"):
        (tmp_path / "affwild" / name).mkdir(parents=True)
    sets = {"affwild": {"root": str(tmp_path / "affwild"), "use": "split"}, "disfa": {"root": str(tmp_path)}}
    both = {
        "data": {"own": {"root": str(tmp_path)}, **sets},
        "models": {"m": {**RESNET, "train_on": ["own", "affwild"]}},
    }
    scores = Plan(complete(both)).scores
    assert scores.across("m") == [
        *(("own", "m-without-own"), ("own", "m")),
        *(("affwild", "m-without-affwild"), ("affwild", "m")),
    ]
    assert all("without" not in run for _, run in scores.targets())
    with pytest.raises(UserError, match=r"leaves out Aff-Wild; score it on affwild\."):
        scores.parts(protocol("own"), "m-without-affwild")
    folded = Plan(complete({**both, "models": {"m": {**RESNET, "train_on": ["own", "disfa"], "leave_one_out": True}}}))
    assert folded.scores.across("m") == [
        ("own", "m-without-own"),  # within the set there is a run for each fold
        *(("disfa", "m-without-disfa"), ("disfa-folds12", "m")),
    ]
    assert folded.models.record_sets("m-without-own") == ["disfa"]
    assert folded.data.training_split("disfa") == "all"
    assert ("disfa", "m-without-disfa") in folded.scores.pairs()
    units = {**sets, "affwild2": affwild2(tmp_path, "AU_Set") | {"use": "split"}, "own": {"root": str(tmp_path)}}
    models = {"m": {**RESNET, "train_on": ["own", "affwild2"]}}
    assert Plan(complete({"data": units, "models": models})).scores.across("m")[-2:] == [
        *(("affwild2-au", "m-without-affwild2"), ("affwild2-au", "m")),
    ]
    with pytest.raises(UserError, match="too few data sets to leave one out"):
        Plan(complete({**both, "models": {"m": RESNET}})).scores.across("m")
