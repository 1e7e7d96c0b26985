"""Drawn traces: two simulated annotators trace valence and arousal of the annotation videos."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.recording import DIMENSIONS
from affectflow.core.atomic import atomic_write
from affectflow.datasets.synthetic import mark_as_drawn
from affectflow.demo.emotionet import TRUTH_SCHEMA
from affectflow.demo.web_plan import make_plan
from affectflow.tables.csv_files import read_csv
from affectflow.tables.parquet import read_parquet

_NOISE = {"anna": 0.06, "ben": 0.10}
"""Standard deviation of each annotator's noise."""


def make_traces(seed: int, images: int, port: int, cache_key: str, manifest: Path, truth: Path, out: Path) -> None:
    """Write ``{annotator}/video_001_valence.txt`` and so on below a folder, with one value per line and frame.

    Args:
        seed: Seed of the demo.
        images: Number of images of the demo.
        port: Port of the demo's web server.
        cache_key: Cache key of the demo.
        manifest: Manifest of the annotation videos.
        truth: Table of the true valence and arousal of the drawn faces.
        out: The folder; what it has is deleted.
    """
    table = read_parquet(truth, TRUTH_SCHEMA)
    true_values = {dimension: table[dimension].to_numpy() for dimension in DIMENSIONS}
    image_of = {
        entry.url: entry.image for entry in make_plan(seed, images, port, cache_key).entries if entry.image is not None
    }
    videos: dict[int, list[int]] = defaultdict(list)
    for row in read_csv(manifest, MANIFEST_COLUMNS):
        videos[int(row["annotation_video"])].append(image_of[row["url"]])
    shutil.rmtree(out, ignore_errors=True)  # traces of another configuration
    mark_as_drawn(out)
    for annotator, (name, noise) in enumerate(_NOISE.items()):
        for video, faces in videos.items():
            for number, (dimension, values) in enumerate(true_values.items()):
                rng = np.random.default_rng([seed, 3, annotator, video, number])
                trace = np.clip(values[faces] + rng.normal(0, noise, len(faces)), -1, 1)
                with atomic_write(out / name / f"video_{video:03d}_{dimension}.txt") as path:
                    path.write_text("".join(f"{value:.4f}\n" for value in trace), encoding="utf-8")
