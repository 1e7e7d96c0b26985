"""Two drawn annotators, who watch the batches and trace valence and then arousal."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.core.atomic import atomic_write
from affectflow.datasets.synthetic import mark_as_drawn
from affectflow.demo.emotionet import TRUTH_SCHEMA
from affectflow.demo.web_plan import make_plan
from affectflow.tables.csv_files import read_csv
from affectflow.tables.parquet import read_parquet

_NOISE = {"anna": 0.06, "ben": 0.10}


def make_traces(seed: int, images: int, port: int, edition: str, manifest: Path, truth: Path, out: Path) -> None:
    """Write ``{annotator}/batch_001_valence.txt`` and so on below ``out``, one value per line and frame."""
    feelings = read_parquet(truth, TRUTH_SCHEMA)
    values = {"valence": feelings["valence"].to_numpy(), "arousal": feelings["arousal"].to_numpy()}
    shown = {
        entry.url: entry.image for entry in make_plan(seed, images, port, edition).entries if entry.image is not None
    }
    batches: dict[int, list[int]] = defaultdict(list)
    for row in read_csv(manifest, MANIFEST_COLUMNS):
        batches[int(row["batch"])].append(shown[row["url"]])
    shutil.rmtree(out, ignore_errors=True)  # what another configuration traced there
    mark_as_drawn(out)
    for annotator, (name, noise) in enumerate(_NOISE.items()):
        for batch, faces in batches.items():
            for dimension, (what, truth_values) in enumerate(values.items()):
                rng = np.random.default_rng([seed, 3, annotator, batch, dimension])
                trace = np.clip(truth_values[faces] + rng.normal(0, noise, len(faces)), -1, 1)
                with atomic_write(out / name / f"batch_{batch:03d}_{what}.txt") as path:
                    path.write_text("".join(f"{value:.4f}\n" for value in trace), encoding="utf-8")
