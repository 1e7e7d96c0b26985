"""A training that is killed and started again ends as one that was left alone."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from affectflow.config import load
from affectflow.core.errors import UserError
from affectflow.core.interruption import STATUS, Interrupted, Interruption
from affectflow.training.checkpoint import Checkpoints, State
from tests.conftest import DEMO
from tests.training.processes import SMALL, Forked, outcome, run_training, start_training

if TYPE_CHECKING:
    from affectflow.training.multi_task import MultiTaskModel

pytest.importorskip("tensorflow")

Write = Callable[..., list[Path]]
Files = tuple[list[Path], list[Path]]
OFTEN = {"checkpoint_minutes": 1e-9}


@pytest.fixture(scope="module")
def files(records: Write) -> Files:
    return records("resumed", 240, 1), records("validation", 60, 2)


@pytest.fixture(scope="module")
def undisturbed(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three epochs of 30 steps without a checkpoint."""
    out = tmp_path_factory.mktemp("undisturbed")
    result = run_training(out, *files, **SMALL)
    assert result.returncode == 0, result.stderr[-3000:]
    return out


def steps(out: Path, below: str = "state") -> int:
    """Done and saved."""
    found = [int(match[1]) for path in (out / below).glob("*") if (match := re.search(r"-(\d+)\.npz$", path.name))]
    return max(found, default=0)


def start(out: Path, files: Files, **changes: object) -> Forked:
    return start_training(out.parent / f"{out.name}.log", out, *files, **(SMALL | OFTEN | changes))


def wait_for(process: Forked, out: Path, step: int, below: str = "state") -> None:
    end = time.monotonic() + 120
    while steps(out, below) < step and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.005)


def killed(out: Path, files: Files, after: list[int], draw: random.Random, **changes: object) -> int:
    """Kill a training after each of some numbers of further steps, within a step; returns how often it was killed."""
    kills = 0
    for further in after:
        process = start(out, files, **changes)
        wait_for(process, out, steps(out) + further)
        time.sleep(draw.uniform(0, 0.02))
        kills += process.poll() is None
        process.kill()
        process.wait()
    return kills


def test_killed_and_started_again_it_ends_with_the_same_bytes(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    out = tmp_path / "out"
    assert killed(out, files, [8, 26, 30], random.Random(1)) == 3  # in the first, the second and the third epoch
    assert start(out, files).wait() == 0
    assert outcome(out) == outcome(undisturbed)
    assert "Resuming training after step" in (tmp_path / "out.log").read_text()


def test_networks_for_the_calibration_go_on_too(tmp_path: Path, files: Files) -> None:
    folds = {"calibration_folds": 2, "epochs": 1}
    result = run_training(tmp_path / "undisturbed", *files, **(SMALL | folds))
    assert result.returncode == 0, result.stderr[-3000:]
    out = tmp_path / "out"
    for part in range(2):
        process = start(out, files, **folds)
        wait_for(process, out / "state" / f"calibration-{part}", 5, below="")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert start(out, files, **folds).wait() == 0
    assert outcome(out) == outcome(tmp_path / "undisturbed")
    assert (tmp_path / "out.log").read_text().count(
        "Resuming training after step"
    ) == 5  # 2 of its own, 2 of part 1, 1 of part 2


def test_a_finished_training_of_other_code_is_no_result(tmp_path: Path, files: Files) -> None:
    for code, said in (("old", "epoch 1/1"), ("old", "Resuming training"), ("new", "different training (code was old")):
        result = run_training(tmp_path, *files, **(SMALL | {"epochs": 1, "code": code}))
        assert result.returncode == 0 and said in result.stdout, result.stderr[-3000:]
    assert "epoch 1/1" in result.stdout


@pytest.mark.long
def test_twenty_kills_at_random_steps(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    out, draw = tmp_path / "out", random.Random(7)
    assert killed(out, files, [draw.randint(0, 3) for _ in range(20)], draw) == 20
    assert start(out, files).wait() == 0
    assert outcome(out) == outcome(undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("model", ["vgg", "resnet", "inception_resnet"])
def test_the_shipped_models_go_on_too(tmp_path: Path, files: Files, records: Write, model: str) -> None:
    """Killed once, in the second of two epochs of three steps."""
    files = records("shipped", 120, 1), files[1]
    config = load(DEMO)
    entry = {**config["model_defaults"], **config["models"][model]}
    own = {key: entry[key] for key in ("backbone", "input_size", "dropout")}
    shipped = {**own, **entry.get("training", {}), "epochs": 2, "batch_size": 40}
    result = run_training(tmp_path / "undisturbed", *files, **shipped)
    assert result.returncode == 0, result.stderr[-3000:]
    out = tmp_path / "out"
    process = start(out, files, **shipped)
    wait_for(process, out, 4)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert start(out, files, **shipped, checkpoint_minutes=60).wait() == 0
    assert outcome(out) == outcome(tmp_path / "undisturbed")
    assert "Resuming training after step" in (tmp_path / "out.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_saves_and_says_so_by_its_status(
    tmp_path: Path, files: Files, undisturbed: Path, number: int
) -> None:
    out = tmp_path / "out"
    process = start(out, files, checkpoint_minutes=60)
    end = time.monotonic() + 120
    while "epoch 1/3" not in (tmp_path / "out.log").read_text():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(number)
    asked = time.monotonic()
    assert process.wait(20) == STATUS
    assert time.monotonic() - asked < 20
    assert 30 <= steps(out) <= 90
    assert not (out / "model.keras").exists()
    assert start(out, files, checkpoint_minutes=60).wait() == 0
    assert outcome(out) == outcome(undisturbed)


def test_out_of_time_it_saves_after_the_step_and_says_so_by_its_status(
    tmp_path: Path, files: Files, undisturbed: Path
) -> None:
    out = tmp_path / "out"
    assert start(out, files, checkpoint_minutes=60, seconds=0.01).wait(120) == STATUS
    assert steps(out) == 1 and not (out / "model.keras").exists()
    assert start(out, files, checkpoint_minutes=60).wait() == 0
    assert outcome(out) == outcome(undisturbed)


def test_asked_before_the_first_step_it_ends_at_once_and_leaves_no_copies(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    taken = []
    for out in [tmp_path / str(attempt) for attempt in range(3)]:  # on a busy machine the signal can come too late
        process = start(out, files, cache_records=True)
        end = time.monotonic() + 60
        while not list((tmp_path / "tmp").glob("affectflow-records-*/*")):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == STATUS
        assert not list((tmp_path / "tmp").glob("affectflow-records-*"))
        taken.append(steps(out))
        if not taken[-1]:
            return
    raise AssertionError(f"steps before it ended: {taken}")


_BUSY = """
import hashlib, sys
from affectflow.core import interruption
interruption._GRACE_S = 1.0
with interruption.Interruption() as asked:
    asked.nothing_to_save = False
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""


def test_a_long_call_into_a_library_does_not_outlast_the_grace() -> None:
    """Python's own handlers are called when it is over."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"busy\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == STATUS
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def halfway(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Killed in the second epoch."""
    out = tmp_path_factory.mktemp("halfway") / "out"
    killed(out, files, [40], random.Random(2))
    return out


def copied(halfway: Path, target: Path) -> Path:
    state = target / "out" / "state"
    state.mkdir(parents=True)
    for path in (halfway / "state").glob("checkpoint-*.npz"):
        (state / path.name).write_bytes(path.read_bytes())
    return target / "out"


def test_a_changed_setting_does_not_go_on_with_an_old_training(tmp_path: Path, files: Files, halfway: Path) -> None:
    out = copied(halfway, tmp_path)
    result = run_training(out, *files, **(SMALL | {"learning_rate": 0.002, "epochs": 1}))
    assert result.returncode == 0, result.stderr[-2000:]
    assert "is of a different training (epochs was 3, is 1; learning_rate was 0.001, is 0.002)" in result.stdout
    assert "Resuming" not in result.stdout


def test_other_data_does_not_go_on_with_an_old_training(
    tmp_path: Path, files: Files, halfway: Path, records: Write
) -> None:
    out = copied(halfway, tmp_path)
    result = run_training(out, records("others", 120, 3), files[1], **SMALL)
    assert "is of a different training (different training data)" in result.stdout
    assert "Resuming" not in result.stdout


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:-1], lambda data: b""])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    tmp_path: Path, files: Files, halfway: Path, undisturbed: Path, damage: Callable[[bytes], bytes]
) -> None:
    out = copied(halfway, tmp_path)
    before, newest = sorted((out / "state").iterdir())
    newest.write_bytes(damage(newest.read_bytes()))
    result = run_training(out, *files, **SMALL)
    assert result.returncode == 0, result.stderr[-2000:]
    assert f"{newest.name} is damaged" in result.stdout
    assert f"Resuming training after step {int(before.stem[-9:])}." in result.stdout
    assert outcome(out) == outcome(undisturbed)


def test_every_flipped_bit_is_damage_or_harmless(tmp_path: Path) -> None:
    """Never another content, and never an error that nobody expects."""
    checkpoints = Checkpoints(tmp_path, {"config": {"a": 1}})
    weights = {"weights": np.arange(5.0), "more": np.arange(3)}
    checkpoints.save(1, weights, {"step": 1})
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    damaged = 0
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found = checkpoints.load()
        damaged += found is None
        if found is not None:
            assert found[1] == {"step": 1} and found[0].keys() == weights.keys(), bit
            assert all(np.array_equal(found[0][name], value) for name, value in weights.items()), bit
    assert damaged > 4 * len(data)


def test_damaged_checkpoints_do_not_displace_new_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = Checkpoints(tmp_path, {})
    for step in (200, 300):
        checkpoints.save(step, {"weights": np.zeros(9)}, {})
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert checkpoints.load() is None
    assert caplog.text.count("is damaged") == 2
    checkpoints.save(10, {"weights": np.ones(9)}, {"step": 10})
    found = checkpoints.load()
    assert found is not None and found[1] == {"step": 10}


def tiny(rate: float) -> MultiTaskModel:
    """One number, to be brought to 3."""
    import keras

    from affectflow.training.multi_task import MultiTaskModel
    from affectflow.training.optimizers import make_optimizer

    inputs = keras.Input((1,))
    head = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="action_units")
    model = MultiTaskModel(
        keras.Model(inputs, {"action_units": head(inputs)}),
        {"action_units": lambda truth, logits: keras.ops.mean((truth - logits) ** 2)},
        {"action_units": 1.0},
    )
    model.compile(optimizer=make_optimizer("sgd", rate, 0.0, 0.0, 100), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


class Stop(Interruption):
    """Requests to stop when it is told to."""

    told = False

    @property
    def requested(self) -> bool:
        return self.told


def fitted(folder: Path, stop: Stop, stop_after: int = 0, rate: float = 0.05, epochs: int = 3, steps: int = 3) -> State:
    """Epochs of ``steps`` with the inputs 1, 2 and so on; asked to stop when an epoch's line is written."""
    import tensorflow as tf

    from affectflow.training.fit import Schedule, TrainerInputs, fit

    model = tiny(rate)

    def batches(start: int) -> tf.data.Dataset:
        numbers = tf.data.Dataset.range(start + 1, 1000)
        return numbers.map(lambda n: (tf.fill([2, 1], tf.cast(n, tf.float32)), {"action_units": tf.fill([2, 1], 3.0)}))

    def validate(_: Callable[[], None]) -> tuple[float, dict[str, float]]:
        answer = float(np.asarray(model.get_weights()[0])[0, 0])
        if not np.isfinite(answer):
            raise FloatingPointError
        return -abs(3 - answer), {}

    def ended(line: dict[str, float]) -> None:
        stop.told = line["epoch"] == stop_after

    inputs = TrainerInputs(batches, validate, lambda step: [f"{step}.jpg"], ended)
    return fit(model, inputs, Schedule(epochs, steps, 2, 9, 1e9), Checkpoints(folder, {}), stop)


def test_stopped_between_two_epochs_it_ends_with_the_same_history(tmp_path: Path) -> None:
    alone = fitted(tmp_path / "alone", Stop())
    with pytest.raises(Interrupted):
        fitted(tmp_path / "stopped", Stop(), stop_after=1)
    again = fitted(tmp_path / "stopped", Stop())
    assert [line["loss"] for line in again.history] == [line["loss"] for line in alone.history]
    assert len({line["loss"] for line in alone.history}) == 3
    assert again.best_weights is not None and alone.best_weights is not None
    assert np.array_equal(again.best_weights[0], alone.best_weights[0])


def test_a_last_update_to_no_number_is_told(tmp_path: Path) -> None:
    """No loss follows it."""
    with pytest.raises(UserError, match=r"at step 1 \(epoch 1, learning rate 3e\+38, images 0\.jpg\)"):
        fitted(tmp_path, Stop(), rate=3e38, epochs=1, steps=1)


def test_a_finished_training_is_not_done_again(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    """Its outputs were deleted, or the machine stopped before they were written."""
    out = tmp_path / "out"
    (out / "state").mkdir(parents=True)
    (kept,) = (undisturbed / "state").iterdir()
    (out / "state" / kept.name).write_bytes(kept.read_bytes())
    result = run_training(out, *files, **SMALL)
    assert result.returncode == 0 and "epoch 1/3" not in result.stdout
    assert outcome(out) == outcome(undisturbed)
