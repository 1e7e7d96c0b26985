"""A training job beside a bare Keras step and beside ``model.fit`` over a folder of images.

``make bench-train`` trains ResNet50 at 96 pixels, batches of 32, in processes of their own, rounds interleaved after a
warm-up, and prints medians of the rounds and of their ratios: images a second, by the median of all steps but the
first, and seconds from the start of the process to the end of the first step. The bare step has one constant batch in
memory; ``model.fit`` reads the same images through ``keras.utils.image_dataset_from_directory``.
Ours reads records, changes images, masks unknown labels, has three tasks' worth of bookkeeping, and could be killed
at any step.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from affectflow.config import load
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.media.pixels import Encoded
from affectflow.records.encoding import ImageEncoding
from affectflow.records.write import write_records
from benchmarks.images import draw

SIDE, BATCH, STEPS, COUNT = 96, 32, 25, 1000
_HERE = Path(__file__).parent


def ours(folder: Path) -> None:
    """A training job; prints when its first step is over."""
    from affectflow.contracts.recipe import Recipe
    from affectflow.training import fit
    from affectflow.training.train import Execution, Outputs, TrainingData, train

    defaults = load(_HERE.parent / "config" / "config.yaml")
    settings = {
        **defaults["model_defaults"],
        **defaults["training"],
        **{"backbone": "resnet50", "input_size": SIDE, "units": list(range(1, 61)), "shares": None, "seed": 0},
        **{"epochs": 1, "batch_size": BATCH},
    }
    callback = fit._CheckpointCallback
    original = callback.on_train_batch_end
    began: list[float] = []

    def timed(self: object, batch: int, logs: object = None) -> None:
        began.append(time.time())
        original(self, batch, logs)
        if len(began) == STEPS:
            _report(began)
            os._exit(0)

    callback.on_train_batch_end = timed
    out = folder / "out"
    train(
        Recipe.of(settings, None),
        TrainingData([folder / "train.tfrecord"], [folder / "validation.tfrecord"], SIDE, True),
        Execution(out / "state", defaults["training"]["checkpoint_minutes"], threads=os.cpu_count() or 1),
        Outputs(*(out / name for name in ("model.keras", "history.csv", "model.json", "reliability.csv"))),
    )


def bare(folder: Path | None) -> None:
    """A step on one constant batch, or, with a folder, on its images."""
    import keras
    import tensorflow as tf

    network = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3), pooling="avg")
    model = keras.Model(network.inputs, keras.layers.Dense(60, "sigmoid")(network.output))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    labels = tf.zeros((BATCH, 60))
    if folder is None:
        data = tf.data.Dataset.from_tensors((tf.zeros((BATCH, SIDE, SIDE, 3)), labels)).repeat()
    else:
        images = keras.utils.image_dataset_from_directory(
            folder, labels=None, batch_size=BATCH, image_size=(SIDE, SIDE), verbose=False
        )
        data = images.filter(lambda x: tf.shape(x)[0] == BATCH).map(lambda x: (x, labels)).repeat().prefetch(2)
    began: list[float] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            began.append(time.time())

    model.fit(data, steps_per_epoch=STEPS, epochs=1, verbose=0, callbacks=[Clock()])
    _report(began)


def _report(ends: list[float]) -> None:
    step = statistics.median(after - before for before, after in pairwise(ends))
    print(json.dumps({"first": ends[0], "rate": BATCH / step}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tool")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.tool:
        {"ours": ours, "bare": lambda _: bare(None), "folder": lambda f: bare(f / "images")}[options.tool](
            options.folder
        )
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_out(folder)
        found: dict[str, list[tuple[float, float]]] = {tool: [] for tool in ("ours", "bare", "folder")}
        for number in range(options.rounds + 1):
            for tool in found:
                measured = _run(tool, folder)
                if number:
                    found[tool].append(measured)
    names = {
        "ours": "affectflow, train_model",
        "bare": "bare step, constant batch",
        "folder": "model.fit over a folder",
    }
    print(f"\nResNet50, {SIDE} pixels, batches of {BATCH}, medians of {options.rounds} rounds")
    rate, first = ({t: [m[i] for m in runs] for t, runs in found.items()} for i in range(2))
    for tool, title in names.items():
        print(
            f"{title:28}{statistics.median(rate[tool]):9.1f} images/s"
            f"   first step after {statistics.median(first[tool]):5.1f} s"
        )
    print(f"  ours / bare step: {_ratio(rate['ours'], rate['bare'])} (wanted: >= 0.95)")
    print(f"  ours / folder: {_ratio(rate['ours'], rate['folder'])} (reported)")
    print(f"  start to first step, ours / bare: {_ratio(first['ours'], first['bare'])} (wanted: <= 1.3)")


def _ratio(ours: list[float], other: list[float]) -> str:
    """The median of the rounds' ratios, and their range."""
    ratios = [a / b for a, b in zip(ours, other, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _lay_out(folder: Path) -> None:
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    samples = []
    for name, data in draw(COUNT, SIDE):
        (folder / "images" / name).write_bytes(data)
        units = unknown_units()
        units[:] = rng.integers(-1, 2, len(units))
        valence, arousal = map(float, rng.uniform(-1, 1, 2))
        samples.append(Sample(Encoded(data, name), "drawn", name, name, units=units, valence=valence, arousal=arousal))
    write_records(folder / "train.tfrecord", samples[:-60], ImageEncoding(SIDE, 95, "4:4:4"))
    write_records(folder / "validation.tfrecord", samples[-60:], ImageEncoding(SIDE, 95, "4:4:4"))


def _run(tool: str, folder: Path) -> tuple[float, float]:
    """Images a second, and seconds to the end of the first step."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    began = time.time()
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.training", "--tool", tool, "--folder", str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        timeout=600,
    )
    if result.returncode:
        raise SystemExit(f"{tool} ended with status {result.returncode}:\n{result.stderr[-3000:]}")
    measured = json.loads(result.stdout.splitlines()[-1])
    return measured["rate"], measured["first"] - began


if __name__ == "__main__":
    main()
