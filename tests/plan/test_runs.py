"""Names of runs: model, seed, fold."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from affectflow.config import check, load
from affectflow.config.catalogue import complete
from affectflow.core.errors import UserError
from affectflow.plan import runs
from affectflow.plan.runs import PATTERN, all_runs, parse_run
from tests.conftest import DEMO


@dataclass(frozen=True)
class Entry:
    """What the names of runs depend on."""

    train_on: list[str]
    seeds: list[int]
    leave_one_out: bool = False


MODELS = {
    "resnet": Entry(["emotionet"], [3, 1, 0]),
    "inception_resnet": Entry(["disfa", "affwild"], [5, 7]),
    "vgg16": Entry(["disfaplus", "disfa"], [0]),
    "mobile": Entry(["disfaplus"], [0]),
}


def test_all_runs() -> None:
    assert all_runs(MODELS) == [
        *("resnet", "resnet-seed1", "resnet-seed0"),
        *(f"inception_resnet-disfa-fold{k}" for k in (1, 2, 3)),
        *(f"inception_resnet-seed7-disfa-fold{k}" for k in (1, 2, 3)),
        *(f"vgg16-disfa-fold{k}" for k in (1, 2, 3)),
        "mobile",
    ]


@pytest.mark.parametrize("name", all_runs(MODELS))
def test_every_run_is_parsed(name: str) -> None:
    assert re.fullmatch(PATTERN, name)
    run = parse_run(name, MODELS)
    assert run.model in MODELS and name.startswith(run.model)


@pytest.mark.parametrize(
    "name, model, seed, fold, train_on",
    [
        ("resnet", "resnet", 3, None, ["emotionet"]),
        ("resnet-seed0", "resnet", 0, None, ["emotionet"]),
        ("inception_resnet-disfa-fold2", "inception_resnet", 5, 2, ["disfa-fold2", "affwild"]),
        ("inception_resnet-seed7-disfa-fold3", "inception_resnet", 7, 3, ["disfa-fold3", "affwild"]),
        ("vgg16-disfa-fold2", "vgg16", 0, 2, ["disfaplus-fold2", "disfa-fold2"]),  # they share people
        ("mobile", "mobile", 0, None, ["disfaplus"]),
    ],
)
def test_what_a_run_is(name: str, model: str, seed: int, fold: int | None, train_on: list[str]) -> None:
    run = parse_run(name, MODELS)
    assert (run.model, run.seed, run.fold and run.fold.number) == (model, seed, fold)
    assert run.train_on(MODELS[model]) == train_on


@pytest.mark.parametrize(
    "name, hint",
    [
        ("vgg", "resnet"),
        ("", "resnet"),
        ("Resnet", "resnet"),
        ("resnet-seed9", "resnet-seed1"),
        ("resnet-seed3", "resnet"),
        ("resnet-seed01", "resnet-seed1"),
        ("resnet-disfa-fold1", "resnet"),
        ("inception_resnet", "inception_resnet-disfa-fold1"),
        ("inception_resnet-disfa-fold4", "inception_resnet"),
        ("resnet-", "resnet"),
    ],
)
def test_unknown_runs_name_the_known(name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_run(name, MODELS)
    assert repr(name) in str(caught.value) and hint in str(caught.value)


def test_a_runs_recipe_overrides_the_defaults() -> None:
    config: dict[str, Any] = load(DEMO)
    entry = {"backbone": "resnet50", "input_size": 64, "dropout": 0.2, "train_on": ["emotionet"], "seeds": [3, 1, 0]}
    entry["training"] = {"learning_rate": 0.5, "seed": 10}
    config["models"] = {"resnet": entry}
    recipe = recipe_of("resnet-seed1", config)
    assert (recipe["learning_rate"], recipe["dropout"], recipe["backbone"]) == (0.5, 0.2, "resnet50")
    assert recipe["epochs"] == config["training"]["epochs"] and recipe["shares"] is None
    assert recipe["seed"] == 11 and recipe["units"] == list(range(1, 61))
    assert not recipe.keys() & {"gpus", "checkpoint_minutes", "tensorboard", "cache_records"}  # change no weight
    entry |= {"action_units": "emotionet2017", "train_on": {"emotionet": 0.7, "affwild": 0.3}}
    assert len(recipe_of("resnet", config)["units"]) == 11
    assert recipe_of("resnet", config)["shares"] == {"emotionet": 0.7, "affwild": 0.3}


def recipe_of(run: str, values: dict[str, Any]) -> dict[str, Any]:
    config = check(values)
    models = {name: complete(entry, config.model_defaults, config.training) for name, entry in config.models.items()}
    parsed = parse_run(run, models)
    return parsed.recipe(models[parsed.model])


def test_one_set_with_folds_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_WITH_FOLDS", ["disfa", "affwild"])
    with pytest.raises(
        UserError, match=r"models\.inception_resnet\.train_on names disfa and affwild, which have folds"
    ):
        all_runs(MODELS)


SETS = {"model": Entry(["emotionet", "affwild", "affwild2", "disfa"], [3, 1])}


def test_each_data_set_is_left_out_of_a_run_with_those_that_share_its_people() -> None:
    entry = SETS["model"]
    assert "model-without-disfa" not in all_runs(SETS)
    asked = {"model": replace(entry, leave_one_out=True)}
    assert [run for run in all_runs(asked) if "without" in run] == [
        f"{name}-without-{left_out}" for name in ("model", "model-seed1") for left_out in entry.train_on
    ]
    learned = {"disfa": entry.train_on[:3], "affwild": ["emotionet", "disfa"], "affwild2": ["emotionet", "disfa"]}
    for left_out, sets in learned.items():
        run = parse_run(f"model-seed1-without-{left_out}", SETS)  # also where none is asked for in the configuration
        assert (run.seed, run.left_out, run.fold) == (1, left_out, None)
        assert run.train_on(entry) == run.sets(entry) == sets
    assert re.fullmatch(PATTERN, "model-seed1-without-disfa")
    with pytest.raises(UserError, match="has no run 'resnet-without-emotionet'"):
        parse_run("resnet-without-emotionet", MODELS)  # which learns from nothing else


def test_shares_of_a_run_are_of_the_sets_that_it_learns_from() -> None:
    config = load(DEMO)
    config["models"]["resnet"]["train_on"] = {"emotionet": 0.5, "affwild": 0.2, "own": 0.3}
    checked = check(config)
    model = complete(checked.models["resnet"], checked.model_defaults, checked.training)
    found = parse_run("resnet-without-own", {"resnet": model}).recipe(model)
    assert found["shares"] == {"emotionet": 0.5, "affwild": 0.2}
