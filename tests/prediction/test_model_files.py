"""A model's files that are damaged, hostile, or of another model are one sentence."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.prediction.model import TrainedModel
from tests.prediction.test_predict import make_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "model", {"face": 1})


def load(trained: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> TrainedModel:
    facts = json.loads((trained / "model.json").read_text())
    change(facts)
    (folder / "model.json").write_text(json.dumps(facts))
    return TrainedModel(trained / "model.keras", folder / "model.json", batch_size=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"units": [0]},
        {"units": [61]},
        {"units": [1, 1]},
        {"units": []},
        {"units": "1"},
        {"units": [[1]]},
        {"heads": ["smiles"]},
        {"heads": []},
        {"image_size": 0},
        {"image_size": 10**9},
        {"image_size": "large"},
        {"thresholds": {"AU1": 2.0}},
        {"thresholds": {"AU1": float("nan")}},
        {"calibration": {"AU1": {"scale": 0, "shift": 0}}},
        {"calibration": {"AU1": 1.0}},
        {"calibration": [1]},
        {"crops": {"face": -1}},
        {"faces": None},
        {"recipe": {}},
        {"images": {"train": -1, "validation": 1, "calibration": 1}},
        {"more": 1},
    ],
)
def test_metadata_of_another_shape_is_one_sentence(trained: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"model.json (has a wrong key|contradicts itself|lacks the key) .*train the"):
        load(trained, tmp_path, lambda facts: facts.update(changes))


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 100_000, "\x00"])
def test_metadata_that_is_not_json(trained: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(UserError, match=r"model.json (is damaged|has no schema version)"):
        TrainedModel(trained / "model.keras", tmp_path / "model.json", batch_size=2)


def test_units_of_another_model_are_noticed(trained: Path, tmp_path: Path) -> None:
    """Answers would stand in the wrong columns."""
    with pytest.raises(UserError, match=r"has the outputs .*, but its metadata"):
        load(trained, tmp_path, lambda facts: facts.update(units=[*facts["units"], 60]))


def test_metadata_of_another_model_is_noticed(trained: Path, tmp_path: Path) -> None:
    """A model with as many AUs, which may be others."""
    digest = file_sha256(trained / "model.keras")
    load(trained, tmp_path, lambda facts: facts.update(model_sha256=digest))
    with pytest.raises(UserError, match=r"describes another model than .*model\.keras; copy both files"):
        load(trained, tmp_path, lambda facts: facts.update(model_sha256="0" * 64))


def test_an_archive_that_unpacks_to_gigabytes_is_not_unpacked(trained: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(20_000_000))
    with pytest.raises(UserError, match=r"unpacks to 20,000,002 bytes, more than a model has; do not trust it"):
        TrainedModel(tmp_path / "model.keras", trained / "model.json", batch_size=2)


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"class_name": "x"}', '{"module": "os", "class_name": "system"}'])
def test_a_network_that_is_not_one(trained: Path, tmp_path: Path, config: str) -> None:
    with zipfile.ZipFile(trained / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, content in (members | {"config.json": config.encode()}).items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match=r"model.keras is damaged, or not a Keras 3 model"):
        TrainedModel(tmp_path / "model.keras", trained / "model.json", batch_size=2)
