"""Typed JSON files: what is written is read again, and every file that does not fit is one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from affectflow.cli.documents import schemas
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.contracts.score import ScoreFile
from affectflow.contracts.score_files import read_scores
from affectflow.contracts.seeds import SeedsFile
from affectflow.core.errors import UserError
from affectflow.evaluation.compare import gather_seeds
from tests.model_json import model_json
from tests.score_json import AFFECT, UNIT, score_json


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda v: v.update(schema_version=1), r"has schema version 1, and this affectflow reads version 2; run "),
        (lambda v: v.pop("schema_version"), r"has no schema version, and this affectflow reads version 2; run "),
        (lambda v: v.update(schema_version="2"), r"has no schema version"),
        (lambda v: v.pop("protocol"), r"lacks the key 'protocol'"),
        (lambda v: v["action_units"]["AU1"].pop("frames"), r"lacks the key 'action_units\.AU1\.frames'"),
        (lambda v: v.update(mean_f1="high"), r"has a wrong key 'mean_f1'"),
        (lambda v: v.update(meanf1=0.5), r"has a wrong key 'meanf1'"),
        (lambda v: v.update(other="vgg"), r"compares two models and is not a score file; leave it out"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, change: Callable[..., object], sentence: str) -> None:
    path = score_json(tmp_path / "score.json", mean_f1=0.5, action_units={"AU1": UNIT})
    read_scores(path)
    changed(path, change)
    with pytest.raises(UserError, match=rf"score\.json {sentence}"):
        read_scores(path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "null", "7", "{}"])
def test_what_is_no_json_object_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "score.json").write_text(text)
    with pytest.raises(UserError, match=r"score\.json (is damaged|has no schema version)"):
        read_scores(tmp_path / "score.json")


def test_another_json_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.json is not a score file; give files of results/eval"):
        read_scores(model_json(tmp_path / "model.json"))


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.json cannot be read \(No such file or directory\); train the model"):
        ModelMetadata.read(tmp_path / "model.json")


def test_metrics_that_are_not_scored_are_not_written(tmp_path: Path) -> None:
    path = score_json(tmp_path / "score.json", mean_f1=0.5, mean_auc=None)
    values = json.loads(path.read_text())
    assert values["mean_f1"] == 0.5 and values["mean_auc"] is None and "mean_ccc" not in values
    assert next(iter(values)) == "schema_version"
    score = ScoreFile.read(path)
    assert (score.metric("mean_f1"), score.metric("mean_auc"), score.metric("mean_ccc")) == (0.5, None, None)
    assert score.metric("valence_ccc") is None and score.interval("valence_ccc") is None


def test_what_is_written_fits_the_published_schemas(tmp_path: Path) -> None:
    changes = {"mean_f1": 0.5, "action_units": {"AU1": UNIT}, "valence": {**AFFECT, "intervals": {"ccc": (0.1, 0.2)}}}
    one = score_json(tmp_path / "one.json", **changes)
    assert ScoreFile.read(one).interval("valence_ccc") == (0.1, 0.2)
    gather_seeds("m", {0: one, 1: score_json(tmp_path / "two.json", **changes)}, tmp_path / "seeds.json")
    assert isinstance(read_scores(tmp_path / "seeds.json"), SeedsFile)
    published = {name: json.loads(text) for name, text in schemas().items()}
    for name, path in (
        ("score", one),
        ("seeds", tmp_path / "seeds.json"),
        ("model", model_json(tmp_path / "model.json")),
    ):
        jsonschema.validate(json.loads(path.read_text()), published[name])
        with pytest.raises(jsonschema.ValidationError, match="schema_version"):
            jsonschema.validate(
                json.loads(changed(path, lambda v: v.pop("schema_version")).read_text()), published[name]
            )
