"""Runs that are killed or stopped go on with the same command; runs that work are not disturbed by another."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conftest import Workflow

MODEL = "results/models/resnet/model.keras"


def _training(workflow: Workflow, says: str = "") -> Callable[[], bool]:
    """Return whether the training of this run has begun, and its log has a text."""
    log = workflow.path("logs/train_model/resnet.log")
    log.unlink(missing_ok=True)
    return lambda: log.is_file() and says in log.read_text()


@pytest.fixture
def trained(copy: Workflow) -> Workflow:
    """A finished run whose model is to be trained again, for long."""
    copy.configure(training={"learning_rate": 0.0005, "epochs": 400, "patience": 400, "checkpoint_minutes": 0.01})
    return copy


def test_a_run_that_works_is_not_disturbed_and_a_killed_one_goes_on_with_the_same_command(trained: Workflow) -> None:
    first = trained.start(MODEL, until=_training(trained, "epoch 1/"))
    second = trained.run(MODEL)
    assert second.status == 1 and "Another snakemake works in this folder" in second.output
    first.kill()  # Snakemake alone, by SIGKILL: the training is left
    first.wait()
    again = trained.start(MODEL, until=_training(trained, "Resuming training"), output=trained.folder / "again.txt")
    os.killpg(again.pid, signal.SIGKILL)
    again.wait()
    said = (trained.folder / "again.txt").read_text()
    assert "A run was killed here; this one goes on where it was." in said


def test_ctrl_c_says_where_it_goes_on(trained: Workflow) -> None:
    output = trained.folder / "output.txt"
    trained = replace(trained, warm=False)  # jobs that are in the terminal's group
    process = trained.start(MODEL, until=_training(trained, "epoch 1/"), output=output)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(60) != 0
    said = output.read_text()
    assert re.search(r"saved at step [\d,]+; the same command goes on", said), said
    assert re.search(r"train_model resnet stopped; the same command goes on\n", said), said
    assert not any(word in said for word in ("Traceback", "CalledProcessError", "failed")), said
