"""Ways of training that change little or nothing of what comes out, through whole trainings."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from affectflow.core.errors import UserError
from affectflow.training.optimizers import check_accumulation, make_optimizer
from tests.training.processes import SMALL, outcome, run_training
from tests.training.test_resume import killed, start

keras = pytest.importorskip("keras")

Write = Callable[..., list[Path]]
Files = tuple[list[Path], list[Path]]
UNUSUAL = {
    **{"optimizer": "adamw", "weight_decay": 0.01, "l2": 1e-4, "layer_decay": 0.9, "accumulate": 2},
    **{"precision": "bfloat16", "task_weighting": "learned"},
}
"""Everything that has a state of its own."""


@pytest.fixture(scope="module")
def files(records: Write) -> Files:
    return records("optional", 120, 1), records("validation", 60, 2)


@pytest.fixture(scope="module")
def plain(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain")
    result = run_training(out, *files, **SMALL | {"epochs": 2})
    assert result.returncode == 0, result.stderr[-3000:]
    return out


@pytest.fixture(scope="module")
def unusual(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unusual")
    result = run_training(out, *files, **SMALL | UNUSUAL)
    assert result.returncode == 0, result.stderr[-3000:]
    return out


def test_cached_records_and_logs_for_tensorboard_change_nothing(
    tmp_path: Path, files: Files, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, disk = tmp_path / "out", tmp_path / "disk"
    disk.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("TMPDIR", str(disk))
        result = run_training(out, *files, **SMALL | {"epochs": 2, "cache_records": True, "tensorboard": True})
    assert result.returncode == 0, result.stderr[-3000:]
    assert outcome(out) == outcome(plain)
    assert {path.name for path in disk.iterdir()} <= {"__pycache__"}  # of code that TensorFlow writes
    (events,) = (out / "board").iterdir()
    from tensorflow.python.summary.summary_iterator import summary_iterator

    found = {(e.step, value.tag): value for e in summary_iterator(str(events)) for value in e.summary.value}
    rows = list(csv.DictReader((out / "history.csv").open()))
    for step, row in enumerate(rows, start=1):
        assert np.frombuffer(found[step, "loss"].tensor.tensor_content, np.float32) == pytest.approx(
            float(row["loss"]), 1e-4
        )


def test_what_is_fitted_is_of_the_model_that_is_saved(unusual: Path, files: Files) -> None:
    """Of its probabilities in float32, though it was trained in bfloat16."""
    from scipy.special import expit, logit

    from affectflow.records.access import Records
    from affectflow.training.reader import images_in_order, read_labels

    card = json.loads((unusual / "model.json").read_text())
    records, labels = Records(files[1]), read_labels(files[1]).units
    model = keras.saving.load_model(unusual / "model.keras", compile=False)
    outputs = model.predict(images_in_order(records, records.batches(8)), verbose=0)["action_units"]
    bins = [row for row in csv.DictReader((unusual / "reliability.csv").open()) if row["calibrated"] == "false"]
    for column, unit in enumerate(card["units"]):
        scaling = card["calibration"][f"AU{unit}"]
        before = expit((logit(outputs[:, column].astype(np.float64)) - scaling["shift"]) / scaling["scale"])
        counts = [(int(row["images"]), float(row["mean_probability"])) for row in bins if row["unit"] == f"AU{unit}"]
        mean = sum(count * mean for count, mean in counts if count) / sum(count for count, _ in counts)
        assert mean == pytest.approx(before[labels[:, unit - 1] >= 0].mean(), abs=3e-6)


def test_a_disk_without_room_is_one_sentence(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from affectflow.core.errors import UserError
    from affectflow.training.reader import cache_records_locally

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 0, 10))  # type: ignore[attr-defined]
    with (
        pytest.raises(UserError, match=r"too little disk space for [\d,]+ bytes of records; set TMPDIR"),
        cache_records_locally(files[0]),
    ):
        pass


def test_what_is_trained_in_half_precision_is_saved_in_single(unusual: Path) -> None:
    model = keras.saving.load_model(unusual / "model.keras", compile=False)
    assert {str(layer.compute_dtype) for layer in model.layers} == {"float32"}
    outputs = model(np.zeros((1, 40, 40, 3), np.uint8), training=False)
    assert {str(value.dtype) for value in map(keras.ops.convert_to_numpy, outputs.values())} == {"float32"}


def test_learned_weights_of_tasks_move_and_stand_in_the_history(unusual: Path, plain: Path) -> None:
    rows = [list(csv.DictReader((out / "history.csv").open())) for out in (unusual, plain)]
    names = ("action_units_weight", "valence_arousal_weight")
    assert all(float(rows[0][-1][name]) != float(rows[0][0][name]) for name in names)
    assert {float(row["action_units_weight"]) for row in rows[1]} == {1.0}


def test_two_steps_make_one_update() -> None:
    variable = keras.Variable([1.0])
    made = make_optimizer("sgd", 0.1, 0.0, 0.0, 100, accumulate=2)
    made.build([variable])
    seen = []
    for gradient in (1.0, 3.0, 5.0):
        made.apply([np.array([gradient], np.float32)])
        seen.append(float(variable.numpy()[0]))
    assert seen == pytest.approx([1.0, 0.8, 0.8], abs=1e-3)  # the mean of 1 and 3, times 0.1


def test_every_state_goes_on(tmp_path: Path, files: Files, unusual: Path) -> None:
    """Killed between two steps of one update too, it ends with the same bytes."""
    out = tmp_path / "out"
    assert killed(out, files, [5, 16], random.Random(3), **UNUSUAL) == 2
    assert start(out, files, **UNUSUAL).wait() == 0
    assert outcome(out) == outcome(unusual)


def test_compiled_by_xla_it_learns_as_well(tmp_path: Path, files: Files, plain: Path) -> None:
    result = run_training(tmp_path, *files, **SMALL | {"epochs": 2, "xla": "always", "dropout": 0.2})
    assert result.returncode == 0, result.stderr[-3000:]
    losses = [[float(row["loss"]) for row in csv.DictReader((out / "history.csv").open())] for out in (tmp_path, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_gradients_that_cannot_be_added_up_are_told() -> None:
    check_accumulation(6, 6, 1)
    check_accumulation(1, 1, 4)
    with pytest.raises(UserError, match=r"there are 6 steps, so that there would be no update"):
        check_accumulation(8, 6, 1)
    with pytest.raises(UserError, match=r"works on one GPU only"):
        check_accumulation(2, 6, 2)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_weights_decay_and_what_tasks_count_does_not(name: str) -> None:
    kernel = keras.Variable([1.0], name="kernel")
    count = keras.Variable([1.0], name="intensities_uncertainty")
    made = make_optimizer(name, 0.1, 0.5, 0.0, 100)
    made.build([kernel, count])
    made.apply([np.array([0.0], np.float32)] * 2)
    assert float(kernel.numpy()[0]) < 0.99 and float(count.numpy()[0]) == 1.0
