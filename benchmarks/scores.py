"""A score of DISFA's size with its intervals beside scikit-learn on the frames of all subjects but one.

``make bench-scores`` writes predictions of 130,814 frames of 27 subjects with 12 action units, scores them in a process
of its own, and computes F1, ROC AUC and average precision without one subject with scikit-learn, for the time of one of
the jackknife's 27 replicates. affectflow computes nine other metrics of every replicate too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn import metrics
from tests.model_json import model_json

from affectflow import facs
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from benchmarks.memory import Memory

FRAMES, SUBJECTS = 130_814, 27
UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
_SCORE = """
import sys
from pathlib import Path
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.score import score
from affectflow.evaluation.protocols import protocol
folder = Path(sys.argv[1])
files = (folder / name for name in ("predictions.parquet", "left_out.csv", "model.json", "model.keras"))
parts, out = [RunPredictions.of_run("m", *files)], folder / "s.json"
score(protocol("disfa", "occurrence12"), "m", parts, None, "", "", out)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, outputs, subjects = _make(folder)
        ours, peak = [], 0.0
        theirs = []
        for _ in range(options.rounds):
            command = [sys.executable, "-c", _SCORE, str(folder)]
            start = time.perf_counter()
            process = subprocess.Popen(command, start_new_session=True)
            memory = Memory(process.pid)
            if process.wait() != 0:
                raise SystemExit("the score failed")
            ours.append(time.perf_counter() - start)
            memory.end()
            peak = max(peak, memory.largest)
            theirs.append(_scikit_learn(truth, outputs, subjects))
    whole, replicate = float(np.median(ours)), float(np.median(theirs))
    print(f"{FRAMES:,} frames x {len(UNITS)} action units, {SUBJECTS} replicates, median of {options.rounds}")
    print(f"affectflow    {whole:8.1f} s for the whole process, {peak:.0f} MB at most")
    print(f"scikit-learn  {replicate:8.2f} s a replicate: {replicate * SUBJECTS:.0f} s for {SUBJECTS}")
    print(f"ratio         {whole / (replicate * SUBJECTS):8.4f}")


def _make(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    subjects = np.arange(FRAMES) * SUBJECTS // FRAMES
    truth = rng.random((FRAMES, len(UNITS))) < 0.12
    outputs = (0.6 * rng.random(truth.shape) + 0.3 * truth).astype(np.float32)
    columns = np.array(UNITS) - 1
    sizes, yaws, light = rng.uniform(20, 300, FRAMES), rng.normal(0, 20, FRAMES), rng.uniform(40, 200, FRAMES)

    def rows():  # type: ignore[no-untyped-def]
        for i in range(FRAMES):
            units = np.full(facs.COUNT, facs.UNKNOWN, np.int8)
            probabilities = np.full(facs.COUNT, np.nan, np.float32)
            units[columns], probabilities[columns] = truth[i], outputs[i]
            subject = f"SN{subjects[i]:03}"
            yield {"source": f"{subject}/{i}", "group": subject, "subject": subject, "video": subject, "frame": i + 1,
                   "time": i / 20, "units": units, "intensities": np.full(facs.COUNT, np.nan, np.float32),
                   "valence": np.nan, "arousal": np.nan, "other": [], "probabilities": probabilities,
                   "predicted_intensities": np.full(facs.COUNT, np.nan, np.float32), "predicted_valence": np.nan,
                   "predicted_arousal": np.nan, "crop": "held" if i % 9 == 0 else "face", "face_size": sizes[i],
                   "yaw": yaws[i], "brightness": light[i], "sharpness": light[-i]}  # fmt: skip

    assert isinstance(PREDICTIONS_SCHEMA, pa.Schema)
    write_parquet(folder / "predictions.parquet", PREDICTIONS_SCHEMA, rows())
    write_csv(folder / "left_out.csv", ("reason", "count"), [])
    model_json(folder / "model.json")
    (folder / "model.keras").write_bytes(b"")
    return truth, outputs, subjects


def _scikit_learn(truth: np.ndarray, outputs: np.ndarray, subjects: np.ndarray) -> float:
    """Return the seconds of one replicate."""
    start = time.perf_counter()
    chosen = np.flatnonzero(subjects != 0)
    for unit in range(len(UNITS)):
        positive, value = truth[chosen, unit], outputs[chosen, unit]
        metrics.f1_score(positive, value >= 0.5)
        metrics.roc_auc_score(positive, value)
        metrics.average_precision_score(positive, value)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
