"""A training that is killed and started again ends as one that was left alone."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from affectflow.training.interruption import STATUS
from tests.conftest import ROOT
from tests.training.processes import SMALL, command, outcome, run_training

pytest.importorskip("tensorflow")

Write = Callable[..., list[Path]]
Files = tuple[list[Path], list[Path]]
OFTEN = {"checkpoint_minutes": 1e-9}


@pytest.fixture(scope="module")
def files(records: Write) -> Files:
    return records("resumed", 120, 1), records("validation", 60, 2)


@pytest.fixture(scope="module")
def undisturbed(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three epochs of 15 steps without a checkpoint."""
    out = tmp_path_factory.mktemp("undisturbed")
    result = run_training(out, *files, **SMALL)
    assert result.returncode == 0, result.stderr[-3000:]
    return out


def steps(out: Path) -> int:
    """Done and saved."""
    found = [int(match[1]) for path in (out / "state").glob("*") if (match := re.search(r"-(\d+)\.npz$", path.name))]
    return max(found, default=0)


def start(out: Path, files: Files, **changes: object) -> subprocess.Popen[bytes]:
    log = (out.parent / f"{out.name}.log").open("ab")
    return subprocess.Popen(command(out, *files, **(SMALL | OFTEN | changes)), stdout=log, stderr=log)


def wait_for(process: subprocess.Popen[bytes], out: Path, step: int) -> None:
    end = time.monotonic() + 120
    while steps(out) < step and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.005)


def killed(out: Path, files: Files, after: list[int], draw: random.Random, **changes: object) -> int:
    """Kill a training after each of some numbers of further steps, within a step; returns how often it was killed."""
    kills = 0
    for further in after:
        process = start(out, files, **changes)
        wait_for(process, out, steps(out) + further)
        time.sleep(draw.uniform(0, 0.1))
        kills += process.poll() is None
        process.kill()
        process.wait()
    return kills


def test_killed_and_started_again_it_ends_with_the_same_bytes(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    out = tmp_path / "out"
    assert killed(out, files, [4, 13, 17], random.Random(1)) == 3  # in the first, the second and the third epoch
    assert start(out, files).wait() == 0
    assert outcome(out) == outcome(undisturbed)
    assert "goes on after step" in (tmp_path / "out.log").read_text()


@pytest.mark.long
def test_twenty_kills_at_random_steps(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    out, draw = tmp_path / "out", random.Random(7)
    assert killed(out, files, [draw.randint(0, 3) for _ in range(20)], draw) == 20
    assert start(out, files).wait() == 0
    assert outcome(out) == outcome(undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("model", ["vgg", "resnet", "inception_resnet"])
def test_the_shipped_models_go_on_too(tmp_path: Path, files: Files, model: str) -> None:
    """Killed once, in the second of two epochs of seven steps."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    entry = {**config["network"], **config["models"][model]}
    own = {key: entry[key] for key in ("backbone", "input_size", "dropout")}
    shipped = {**own, **entry.get("training", {}), "epochs": 2, "batch_size": 16}
    result = run_training(tmp_path / "undisturbed", *files, **shipped)
    assert result.returncode == 0, result.stderr[-3000:]
    out = tmp_path / "out"
    process = start(out, files, **shipped)
    wait_for(process, out, 9)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert start(out, files, **shipped).wait() == 0
    assert outcome(out) == outcome(tmp_path / "undisturbed")
    assert "goes on after step" in (tmp_path / "out.log").read_text()


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
    assert 15 <= steps(out) <= 45
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


def test_asked_before_the_first_step_it_ends_at_once(tmp_path: Path, files: Files) -> None:
    process = start(tmp_path / "out", files)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (STATUS, -signal.SIGTERM)


@pytest.fixture(scope="module")
def halfway(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Killed in the second epoch."""
    out = tmp_path_factory.mktemp("halfway") / "out"
    killed(out, files, [20], random.Random(2))
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
    assert "belongs to another training (epochs was 3, is 1; learning_rate was 0.001, is 0.002)" in result.stdout
    assert "goes on" not in result.stdout


def test_other_data_does_not_go_on_with_an_old_training(
    tmp_path: Path, files: Files, halfway: Path, records: Write
) -> None:
    out = copied(halfway, tmp_path)
    result = run_training(out, records("others", 120, 3), files[1], **SMALL)
    assert "belongs to another training (another training data)" in result.stdout
    assert "goes on" not in result.stdout


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
    assert f"goes on after step {int(before.stem[-9:])}." in result.stdout
    assert outcome(out) == outcome(undisturbed)


def test_a_flipped_bit_is_damage_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from affectflow.training.checkpoint import Checkpoints

    checkpoints = Checkpoints(tmp_path, {"config": {"a": 1}})
    for step in (1, 2, 3):
        checkpoints.save(step, {"weights": np.full(1000, step)}, {"step": step})
    newest = sorted(tmp_path.iterdir())[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 4
    newest.write_bytes(data)
    found = checkpoints.load()
    assert found is not None and found[1] == {"step": 2} and found[0]["weights"][0] == 2
    assert "is damaged" in capsys.readouterr().out


def test_a_finished_training_is_not_done_again(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    """Its outputs were deleted, or the machine stopped before they were written."""
    out = tmp_path / "out"
    (out / "state").mkdir(parents=True)
    (kept,) = (undisturbed / "state").iterdir()
    (out / "state" / kept.name).write_bytes(kept.read_bytes())
    result = run_training(out, *files, **SMALL)
    assert result.returncode == 0 and "epoch 1/3" not in result.stdout
    assert outcome(out) == outcome(undisturbed)
