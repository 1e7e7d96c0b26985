"""``affectflow predict`` over a folder of cropped faces beside the bare model on one constant batch.

``make bench-predict`` runs ResNet50 with all three heads at 96 pixels, batches of 64, in one process, rounds of the two
interleaved after a warm-up. Ours opens, decodes and checks each file, names emotions, and writes the table.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from affectflow.prediction.reader import load
from affectflow.training.keras_setup import keras
from benchmarks.images import draw

SIDE, BATCH, COUNT = 96, 64, 640


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "faces").mkdir()
        for file, data in draw(COUNT, SIDE):
            (folder / "faces" / file).write_bytes(data)
        model = _save_model(folder)
        reader = load(folder, cropped=True, batch_size=BATCH)
        constant = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8)
        rates: dict[str, list[float]] = {"ours": [], "bare": []}
        for number in range(rounds + 1):
            started = time.perf_counter()
            for _ in range(COUNT // BATCH):
                model.predict_on_batch(constant)
            bare = COUNT / (time.perf_counter() - started)
            started = time.perf_counter()
            reader.write([folder / "faces"], folder / "predictions.csv")
            if number:
                rates["bare"].append(bare)
                rates["ours"].append(COUNT / (time.perf_counter() - started))
    ratios = [ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True)]
    print(f"\nResNet50, {SIDE} pixels, batches of {BATCH}, {COUNT} faces, medians of {rounds} rounds")
    print(f"affectflow predict, files to CSV   {statistics.median(rates['ours']):9.1f} faces/s")
    print(f"bare model, constant batch         {statistics.median(rates['bare']):9.1f} faces/s")
    print(f"  ours / bare: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) (wanted: >= 0.8)")
    print(f"  peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _save_model(folder: Path) -> keras.Model:
    network = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3), pooling="avg")
    heads = {
        "action_units": keras.layers.Dense(60, "sigmoid")(network.output),
        "intensities": keras.layers.Dense(12)(network.output),
        "valence_arousal": keras.layers.Dense(2, "tanh")(network.output),
    }
    model = keras.Model(network.inputs, heads)
    model.save(folder / "model.keras")
    metadata = {
        "heads": list(heads),
        "units": list(range(1, 61)),
        "intensity_units": [1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26],
        "image_size": SIDE,
        "crops": {"face": COUNT},
    }
    (folder / "model.json").write_text(json.dumps(metadata))
    return model


if __name__ == "__main__":
    main()
