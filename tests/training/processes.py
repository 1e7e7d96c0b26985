"""Trainings in processes of their own, as the workflow starts them: determinism is set for a whole process."""

from __future__ import annotations

import atexit
import csv
import hashlib
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.cluster.lease import lease_cores
from affectflow.config import load
from tests.conftest import DEMO

_FORKS = multiprocessing.get_context("forkserver")
# TensorFlow is imported once (after pycurl, see tests/conftest.py), and forked while it has no threads.
_FORKS.set_forkserver_preload([__name__, "affectflow.training.train"])
_DEFAULTS = load(DEMO)
RECIPE = {
    **_DEFAULTS["model_defaults"],
    **_DEFAULTS["training"],
    "backbone": "resnet50",
    "input_size": 32,
    "dropout": 0.0,
    "units": list(range(1, 61)),
    "shares": None,
    "seed": 1,
    "epochs": 3,
    "patience": 3,
    "augmentation": {"flip": True, "crop": 0.05, "brightness": 0.05, "contrast": 0.1, "saturation": 0.1},
}


SMALL = {"backbone": "Small", "dropout": 0.2, "batch_size": 8, "epochs": 3}
"""A network that takes little time, with randomness of every kind: order, changes of images, dropout."""


class Forked:
    """A function in a process of its own that has TensorFlow imported; used as a :class:`subprocess.Popen`."""

    def __init__(
        self, log: Path, target: Callable[..., object], *arguments: object, errors: Path | None = None
    ) -> None:
        self._process = _FORKS.Process(
            target=_begin, args=(log, errors or log, dict(os.environ), target, arguments), daemon=True
        )
        log.touch()  # whoever looks into it need not wait for the process
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired("a fork", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _begin(
    log: Path, errors: Path, environment: Mapping[str, str], target: Callable[..., object], arguments: Sequence[object]
) -> None:
    os.environ.update(environment)
    tempfile.tempdir = None  # TMPDIR may have been set since
    for path, number in ((log, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    try:
        target(*arguments)
    finally:
        atexit._run_exitfuncs()  # which a fork does not do by itself


def _train(
    out: Path, train: Sequence[Path], validation: Sequence[Path], seconds: float | None, changes: Mapping[str, object]
) -> None:
    from affectflow.contracts.recipe import Recipe
    from affectflow.core.errors import one_sentence
    from affectflow.training import train as trainings

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    add_small()
    names = ("model.keras", "history.csv", "model.json", "reliability.csv")
    settings: dict[str, Any] = {**RECIPE, **changes}
    cores = settings.pop("cores", 2)
    kept = lease_cores(cores, out)  # noqa: F841  # as the stage does
    with one_sentence():
        trainings.train(
            Recipe.of(settings, None),
            trainings.TrainingData(train, validation, 40, True),
            trainings.Execution(
                out / "state",
                settings["checkpoint_minutes"],
                threads=cores,
                seconds=seconds,
                cache_records=settings["cache_records"],
                board=out / "board" if settings["tensorboard"] else None,
                code=settings.get("code", ""),
            ),
            trainings.Outputs(*(out / name for name in names)),
        )


def add_small() -> None:
    """Let ``Small`` be the name of a backbone."""
    from affectflow.training import backbones
    from affectflow.training import network as baselines

    baselines._BASELINES["Small"] = _small
    backbones._BASELINES += (backbones.Backbone("Small", weights="", digest="", scaling="tf"),)


def _small(size: int) -> object:
    """Convolutions and normalization, as the shipped networks have them."""
    import keras

    pixels = keras.Input((size, size, 3))
    x = pixels
    for filters in (32, 64):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.Model(pixels, x, name="small")


def run_program(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python program that may say what TensorFlow is before TensorFlow does anything."""
    with tempfile.TemporaryDirectory() as folder:
        log, errors = Path(folder, "log"), Path(folder, "errors")
        status = Forked(log, _execute, text, arguments, errors=errors).wait(600)
        return subprocess.CompletedProcess("", status, log.read_text(), errors.read_text())


def _execute(text: str, arguments: Sequence[str]) -> None:
    sys.argv[1:] = arguments
    exec(compile(text, "program", "exec"), {"__name__": "__main__"})


class Stranger:
    """A process that has nothing of ours, and runs one program after another."""

    _LOOP = (
        "import json, keras, sys, traceback\n"
        "for line in sys.stdin:\n"
        "    program, sys.argv[1:] = json.loads(line)\n"
        "    try:\n"
        "        exec(program, {})\n"
        "        problem = 'affectflow is imported' if 'affectflow' in sys.modules else None\n"
        "    except Exception:\n"
        "        problem = traceback.format_exc()\n"
        "    print(json.dumps(problem), flush=True)\n"
    )

    def __init__(self) -> None:
        words = [sys.executable, "-c", self._LOOP]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(words, **pipes, text=True)

    def run(self, program: str, *arguments: str) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([program, arguments]) + "\n")
        self._process.stdin.flush()
        problem = json.loads(self._process.stdout.readline())
        assert problem is None, problem

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def start_training(
    log: Path,
    out: Path,
    train: Sequence[Path],
    validation: Sequence[Path],
    seconds: float | None = None,
    errors: Path | None = None,
    **changes: object,
) -> Forked:
    return Forked(log, _train, out, train, validation, seconds, changes, errors=errors)


def run_training(
    out: Path, train: Sequence[Path], validation: Sequence[Path], **changes: object
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        log, errors = Path(folder, "log"), Path(folder, "errors")
        status = start_training(log, out, train, validation, errors=errors, **changes).wait(900)
        return subprocess.CompletedProcess("", status, log.read_text(), errors.read_text())


def outcome(folder: Path) -> tuple[object, ...]:
    """Everything that a training leaves, but for how fast it was."""
    rows = list(csv.DictReader((folder / "history.csv").open()))
    for row in rows:
        row.pop("images_per_s")
    files = ("model.keras", "model.json", "reliability.csv")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files]
    return (*digests, json.dumps(rows))
