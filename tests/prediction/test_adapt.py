"""affectflow adapt: probabilities and decisions for other people than those that a model learned from."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from affectflow.cli import main
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.datasets.base import side_of
from affectflow.prediction.reader import load
from tests.miniature import make_image, text
from tests.prediction.test_predict import make_model

BRIGHT = 6  # of 0 to 7; the model says AU12 from 4 on


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "model", {"center": 5})


def make_people(root: Path, count: int = 40) -> Path:
    """Each shows AU12 in the images that are very bright; of AU6 there is no label, of AU25 one image shows it."""
    lines = ["image,subject,AU12,AU25"]
    for person in range(count):
        for grey in range(1, 8):
            make_image(root / f"{person}_{grey}.png", grey)
            lines.append(f"{person}_{grey}.png,p{person},{int(grey >= BRIGHT)},{int(person == grey == 1)}")
    text(root / "labels.csv", *lines)
    return root


def test_decisions_and_probabilities_are_those_of_the_people(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    people, out = make_people(tmp_path / "mine"), tmp_path / "adapted"
    main(["adapt", str(people), "--model", str(model), "--out", str(out)])
    said = capsys.readouterr().out
    (row,) = csv.DictReader((out / "adaptation.csv").open())
    learned = [f"p{person}" for person in range(40) if side_of("own", f"p{person}") == "train"]
    assert (row["unit"], row["images"], row["present"]) == ("AU12", str(7 * len(learned)), str(2 * len(learned)))
    assert float(row["f1_before"]) < 0.8 and float(row["f1_after"]) == 1
    assert float(row["calibration_error_after"]) < 0.05 < 0.2 < float(row["calibration_error_before"])
    assert f"AU12   {row['present']}/{row['images']}  0." in said and "-> 1.000" in said
    before, after = (load(folder).predict(people / "0_5.png", people / "0_6.png") for folder in (model, out))
    threshold = ModelMetadata.read(out / "model.json").thresholds["AU12"]
    assert before["AU12"].min() > 0.5 and after["AU12"][0] < threshold <= after["AU12"][1]
    others = [name for name in before.columns if name.startswith(("AU6", "AU25", "AU12_int", "valence"))]
    assert before[others].equals(after[others])
    assert "show AU6, AU25" in caplog.text
    adaptation = ModelMetadata.read(out / "model.json").adaptation
    assert adaptation is not None and (adaptation.people, adaptation.images) == (len(learned), 7 * len(learned))


def test_a_model_that_was_adapted_is_adapted_again(model: Path, tmp_path: Path) -> None:
    people = make_people(tmp_path / "mine", 20)
    for source, out in ((model, "once"), (tmp_path / "once", "twice")):
        main(["adapt", str(people), "--model", str(source), "--out", str(tmp_path / out), "--split", "all"])
    images = [people / f"0_{grey}.png" for grey in range(1, 8)]
    once, twice = (load(tmp_path / out).predict(*images)["AU12"].to_numpy() for out in ("once", "twice"))
    assert (np.abs(once - load(model).predict(*images)["AU12"]) > 0.1).any()
    np.testing.assert_allclose(twice, once, atol=0.02)  # there is nothing left to correct


@pytest.mark.parametrize(
    ("count", "words", "message"),
    [
        (3, ("--split", "all"), "has labelled faces of 3 people in its split all; what fits so few"),
        (4, ("--split", "all"), "has no AU of the model that at least 10 images show and 10 do not"),
        (4, ("--split", "some"), "has no split 'some'"),
    ],
)
def test_too_few_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int, words: tuple[str, ...], message: str
) -> None:
    people = make_people(tmp_path / "mine", count)
    with pytest.raises(SystemExit):
        main(["adapt", str(people), "--model", str(model), "--out", str(tmp_path / "out"), *words])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_no_data_set_or_is_the_model_itself_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    people = make_people(tmp_path / "mine", 4)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    named = tmp_path / "results/models/named"
    shutil.copytree(model, named)
    for words, message in (
        ((tmp_path / "empty", "--out", tmp_path / "out"), "has no layout that is known"),
        ((tmp_path / "none", "--out", tmp_path / "out"), "does not exist"),
        ((people, "--out", named), "is the model itself; give another folder"),
    ):
        with pytest.raises(SystemExit):
            main(["adapt", *map(str, words), "--model", "named"])
        assert message in capsys.readouterr().err
    assert ModelMetadata.read(named / "model.json").adaptation is None
