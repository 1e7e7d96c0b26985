"""Small tables of predictions, images to go with them, and what the workflow makes of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from affectflow import facs
from affectflow.contracts.leakage import LeakageFile
from affectflow.datasets.sample import Sample
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.protocols import protocol
from affectflow.evaluation.score import score
from affectflow.media import jpeg
from affectflow.media.pixels import Encoded
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.records.encoding import ImageEncoding
from affectflow.records.write import write_records
from affectflow.report.run import collect_run
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from tests.model_json import VALUES, model_json

NAN = float("nan")
SIZE = 32
DISFA = (1, 2, 4, 6, 9, 12, 25, 26)


def row(source: str, video: str = "", frame: int = 0, **values: Any) -> dict[str, Any]:
    """A row of predictions; ``AU12=(1, 0.9)`` is a label and an output, as are ``valence`` and ``arousal``."""
    units, probabilities = np.full(facs.COUNT, -1, np.int8), np.full(facs.COUNT, np.nan, np.float32)
    affect = {"valence": (NAN, NAN), "arousal": (NAN, NAN)}
    texts = {"subject": "", "crop": "center"}
    for name, value in values.items():
        if name in affect:
            affect[name] = value
        elif name in texts:
            texts[name] = value
        else:
            units[int(name[2:]) - 1], probabilities[int(name[2:]) - 1] = value
    return {
        "source": source,
        "group": video,
        "video": video,
        "frame": frame,
        "time": NAN,
        "units": units,
        "intensities": [NAN] * facs.COUNT,
        "other": [],
        "probabilities": probabilities,
        "predicted_intensities": [NAN] * facs.COUNT,
        **texts,
        **{name: label for name, (label, _) in affect.items()},
        **{f"predicted_{name}": output for name, (_, output) in affect.items()},
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=PREDICTIONS_SCHEMA)


def people(skill: float, count: int = 40) -> list[dict[str, Any]]:
    """Three people in DISFA's manner; at a skill of 1 every AU is right, at 0 outputs are noise."""
    rng = np.random.default_rng(0)
    rows = []
    for person in ("SN001", "SN002", "SN003"):
        for frame in range(1, count + 1):
            shown = rng.random(len(DISFA)) < 0.3
            outputs = skill * shown + (1 - skill) * rng.random(len(DISFA))
            units = {f"AU{unit}": (int(a), float(b)) for unit, a, b in zip(DISFA, shown, outputs, strict=True)}
            crop = "center" if frame % 7 == 0 else "face"
            rows.append(row(f"{person}/{frame}", person, frame, subject=person, crop=crop, **units))
    return rows


def records(path: Path, rows: list[dict[str, Any]], brightness: Any = lambda row: 60) -> Path:
    """Write an image for each row, grey as ``brightness`` says."""
    samples = []
    for one in rows:
        data = jpeg.encode(np.full((SIZE, SIZE, 3), brightness(one), np.uint8), 95, "4:4:4")
        source, video = one["source"], one["video"]
        samples.append(Sample(Encoded(data, source), "disfa", source, video, video=video, frame=one["frame"]))
    write_records(path, samples, ImageEncoding(SIZE, 95, "4:4:4"))
    return path


def run_report(folder: Path, run: str, rows: list[dict[str, Any]], faces: str = "drawn", **metadata: Any) -> Path:
    """Score rows as a run's on DISFA, and collect the report's part of it; returns its file.

    The score is ``disfa_{run}.json`` beside it.
    """
    mine = folder / run
    mine.mkdir()
    write_parquet(mine / "predictions", PREDICTIONS_SCHEMA, rows)
    write_csv(mine / "left_out", ("reason", "count"), [("frame without labels", 4)])
    (mine / "model.keras").write_bytes(b"weights")
    found = dict.fromkeys(("exact", "near", "subjects", "videos"), 0)
    LeakageFile(**found, images=3, compared_with=3, max_bits=6, max_face_bits=20).write(mine / "leakage")
    backbone = metadata.pop("backbone", "resnet50")
    recipe = VALUES["recipe"].model_copy(update={"backbone": backbone})
    thresholds = {facs.label(unit): 0.5 for unit in DISFA}
    scalings = {name: {"scale": 1.0, "shift": 0.0} for name in thresholds}
    model_json(
        mine / "model.json",
        **{"thresholds": thresholds, "validation_thresholds": thresholds, "calibration": scalings, "recipe": recipe}
        | metadata,
    )
    files = (mine / file for file in ("predictions", "left_out", "model.json", "model.keras"))
    predictions = RunPredictions.of_run(run, *files, leakage=mine / "leakage")
    out = folder / f"disfa_{run}.json"
    score(protocol("disfa"), run, [predictions], None, config_sha256="c", code_sha256="d", out=out)
    history = ("epoch", "loss", "validation_mean_auc", "validation_valence_ccc", "validation_arousal_ccc")
    write_csv(mine / "history", history, [(1, 0.7, 0.6, "", ""), (2, 0.5, 0.8, "", "")])
    bins = ("calibrated", "unit", "from", "images", "mean_probability", "positive_rate")
    write_csv(mine / "bins", bins, [("false", "AU1", 0.5, 10, 0.55, 0.4), ("true", "AU1", 0.5, 10, 0.55, 0.5)])
    collect_run(
        *(mine / "model.json", mine / "history", mine / "bins", [out], [mine / "predictions"]),
        [[records(mine / "frames", rows)]],
        *(run, faces, folder / f"{run}.json"),
    )
    return folder / f"{run}.json"
