"""The configuration: every mistake is named with its key."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from affectflow import datasets
from affectflow.config import Config, check, load
from affectflow.config.models import model_in
from affectflow.core.errors import UserError

DEFAULT = Path(__file__).parents[2] / "config/config.yaml"
COMPLETE = load(DEFAULT)


@pytest.fixture
def config() -> dict[str, Any]:
    return copy.deepcopy(COMPLETE)


def maps(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all maps of a configuration."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from maps(value, (*path, key))


def at(config: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for key in path:
        config = config[key]
    return config


MAPS = list(maps(COMPLETE))
CLOSED = [path for path in MAPS if path != ("models",)]  # the names of models are free
IDS = [".".join(path) or "top" for path in CLOSED]


def test_the_default_is_valid(config: dict[str, Any]) -> None:
    assert check(config).model_dump(exclude_unset=True) == config
    for keys in (
        *("data.emotionet.tables", "data.annotations", "data.disfa.root", "data.amfed.root", "data.affwild.root"),
        *("data.affwild.use", "download.concurrency", "download.per_host", "download.timeout_s", "download.retries"),
        *("download.partitions", "download.allow_private_hosts", "records.shards", "records.image_size"),
        *("records.validation_fraction", "models.resnet.backbone", "model_defaults.weights", "training.seed"),
        *("training.epochs", "training.batch_size", "training.optimizer", "training.learning_rate"),
    ):
        *path, last = keys.split(".")
        assert last in at(config, tuple(path))


@pytest.mark.parametrize("path", CLOSED, ids=IDS)
def test_an_unknown_key_is_named_with_the_nearest(config: dict[str, Any], path: tuple[str, ...]) -> None:
    here = at(config, path)
    nearest = max(here, key=len)
    here[nearest + "x"] = 1
    with pytest.raises(UserError) as caught:
        check(config)
    names = [".".join((*path, key)) for key in (nearest + "x", nearest)]
    assert f"'{names[0]}'" in str(caught.value) and f"'{names[1]}'" in str(caught.value)


@pytest.mark.parametrize("path", CLOSED, ids=IDS)
def test_a_misspelt_key_is_named(config: dict[str, Any], path: tuple[str, ...]) -> None:
    here = at(config, path)
    key = max(here, key=len)
    typo = key[:2] + key[3:] if len(key) > 4 else key + "s"
    here[typo] = here.pop(key)
    with pytest.raises(UserError, match="unknown key") as caught:
        check(config)
    assert f"'{'.'.join((*path, typo))}'" in str(caught.value) and f"'{'.'.join((*path, key))}'" in str(caught.value)


@pytest.mark.parametrize("path", [p for p in CLOSED if p[0:1] != ("models",) or p[2:] != ("training",)], ids=str)
def test_every_key_is_required(config: dict[str, Any], path: tuple[str, ...]) -> None:
    for key in at(config, path):
        if path[:1] == ("models",) and (key == "training" or key in config["model_defaults"]):
            continue  # where an entry says nothing, the defaults of all models hold
        if path[:1] == ("data",) and (path[1:] or key in datasets.folder_sets()) and path[1:] != ("emotionet",):
            continue  # the defaults of a data set are in its module
        broken = copy.deepcopy(config)
        del at(broken, path)[key]
        with pytest.raises(UserError) as caught:
            check(broken)
        assert ".".join((*path, key)) in str(caught.value)


def test_a_key_far_from_all_others_lists_them(config: dict[str, Any]) -> None:
    config["records"]["zzz"] = 1
    with pytest.raises(UserError, match=r"records\.zzz.*shards"):
        check(config)


@pytest.mark.parametrize("key", [17, True, None])
def test_keys_that_are_no_text(config: dict[str, Any], key: object) -> None:
    config["training"][key] = 1
    with pytest.raises(UserError, match=rf"training\.{key}"):
        check(config)


@pytest.mark.parametrize(
    "key, value",
    [
        ("data.emotionet.tables", "a.xlsx"),
        ("data.emotionet.tables", [1]),
        ("data.annotations", 3),
        ("data.disfa.root", ["x"]),
        ("data.affwild.use", "both"),
        ("download.concurrency", 0),
        ("download.concurrency", "many"),
        ("download.concurrency", True),
        ("download.timeout_s", -1),
        ("download.timeout_s", None),
        ("download.timeout_s", float("inf")),
        ("download.timeout_s", float("nan")),
        ("download.rate_per_host", float("inf")),
        ("training.learning_rate", float("nan")),
        ("faces.min_score", float("nan")),
        ("download.retries", 1.5),
        ("download.nameservers", ["resolver.example"]),
        ("records.validation_fraction", 1.5),
        ("records.shards", 0),
        ("models.resnet.backbone", 34),
        ("models.resnet.heads", []),
        ("models.resnet.seeds", [-1]),
        ("models.resnet.train_on", ["amfed"]),
        ("models.vgg.training.learning_rate", "1e-3"),
        ("training.optimizer", "sdg"),
        ("training.epochs", 0),
        ("training.augmentation.flip", "yes"),
        ("training.augmentation.crop", 0.9),
        ("demo.images", 0),
    ],
)
def test_a_wrong_value_names_its_key(config: dict[str, Any], key: str, value: object) -> None:
    *path, last = key.split(".")
    at(config, tuple(path))[last] = value
    with pytest.raises(UserError) as caught:
        check(config)
    assert key in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["ResNet", "res-net", "", "9net", "a/b"])
def test_names_of_models_fit_paths(config: dict[str, Any], name: str) -> None:
    config["models"][name] = config["models"]["resnet"]
    with pytest.raises(UserError, match="models"):
        check(config)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda path: None, "cannot be read"),
        (lambda path: path.write_text("a: [1"), "not YAML"),
        (lambda path: path.write_text("- 1\n"), "no keys"),
        (lambda path: path.touch(), "no keys"),
        (lambda path: path.write_text("data: 1\n"), "."),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "my.yaml"
    make(path)
    with pytest.raises(UserError, match=message) as caught:
        load(path)
    assert message == "." or "my.yaml" in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(UserError, match=r"my\.yaml"):
        load(path)


def test_every_key_is_described_and_no_other_is_let_through() -> None:
    def walk(model: type[BaseModel]) -> None:
        assert model.model_config["extra"] == "forbid" and model.model_config["strict"], model
        for key, field in model.model_fields.items():
            below = model_in(field.annotation)
            assert field.description or below, f"{model.__name__}.{key}"
            if below is not None:
                walk(below)

    walk(Config)


def test_a_null_is_no_default(config: dict[str, Any]) -> None:
    config["models"]["resnet"]["dropout"] = None
    with pytest.raises(UserError, match=r"models\.resnet\.dropout"):
        check(config)
