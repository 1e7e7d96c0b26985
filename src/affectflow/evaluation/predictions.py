"""The table between a model and its scores: every frame's labels and outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from affectflow import facs
from affectflow.batched import batched
from affectflow.datasets.base import Dataset
from affectflow.faces.framing import Framing
from affectflow.faces.table import with_faces
from affectflow.progress import progress
from affectflow.sample import Sample
from affectflow.tables import whole, write_csv

PREDICTIONS_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("group", pa.string()),
        ("subject", pa.string()),
        ("video", pa.string()),
        ("frame", pa.int32()),
        ("time", pa.float64()),
        ("units", pa.list_(pa.int8(), facs.COUNT)),
        ("intensities", pa.list_(pa.float32(), facs.COUNT)),
        ("valence", pa.float32()),
        ("arousal", pa.float32()),
        ("other", pa.map_(pa.string(), pa.int8())),
        ("probabilities", pa.list_(pa.float32(), facs.COUNT)),
        ("predicted_intensities", pa.list_(pa.float32(), facs.COUNT)),
        ("predicted_valence", pa.float32()),
        ("predicted_arousal", pa.float32()),
        ("crop", pa.string()),
    ]
)
"""Labels as in :class:`affectflow.sample.Sample`. ``probabilities`` and ``predicted_intensities`` (0 to 5) are NaN for
AUs that the model was not taught, ``predicted_valence`` and ``predicted_arousal`` where it has no such head.
``crop`` is ``face``, ``held`` or ``centre``, see :class:`affectflow.faces.framing.Framing`."""

LEFT_OUT_COLUMNS = ("reason", "count")


def predict(
    dataset: Dataset,
    model_path: Path,
    card_path: Path,
    faces: Path | None,
    hold_s: float,
    batch_size: int,
    out: Path,
    left_out: Path,
) -> int:
    """Run a model over a data set, one batch in memory at a time; returns the number of frames.

    ``faces`` is the table of the set's faces, None where none were looked for; for ``hold_s`` seconds a lost face is
    taken to be where it was.
    """
    import keras

    card = json.loads(card_path.read_text(encoding="utf-8"))
    model = keras.saving.load_model(model_path, compile=False)
    columns = {
        head: np.array(card[key], int) - 1
        for head, key in (("action_units", "units"), ("intensities", "intensity_units"))
        if head in card["heads"]
    }
    framing = Framing(card["image_size"], hold_s)
    frames = 0
    with (
        whole(out) as partial,
        pq.ParquetWriter(partial, PREDICTIONS_SCHEMA, compression="zstd") as writer,
        progress(None, "frame", "predict") as bar,
    ):
        for batch in batched(with_faces(dataset.samples(), faces), batch_size):
            pictures, crops = zip(*map(framing.crop, batch), strict=True)
            pixels = np.stack(pictures)
            # A batch is always full, so that every frame meets the same arithmetic.
            padded = np.concatenate([pixels, np.repeat(pixels[-1:], batch_size - len(batch), axis=0)])
            outputs = {name: np.asarray(value) for name, value in model(padded, training=False).items()}
            rows = [{**_row(sample, i, outputs, columns), "crop": crops[i]} for i, sample in enumerate(batch)]
            writer.write_table(pa.Table.from_pylist(rows, schema=PREDICTIONS_SCHEMA))
            frames += len(batch)
            bar.update(len(batch))
    write_csv(left_out, LEFT_OUT_COLUMNS, sorted(dataset.left_out.items()))
    return frames


def _row(sample: Sample, i: int, outputs: dict[str, np.ndarray], columns: dict[str, np.ndarray]) -> dict[str, Any]:
    of_units = {head: np.full(facs.COUNT, np.nan, np.float32) for head in ("action_units", "intensities")}
    for head, places in columns.items():
        of_units[head][places] = outputs[head][i]
    valence, arousal = outputs["valence_arousal"][i] if "valence_arousal" in outputs else (np.nan, np.nan)
    return {
        **label_fields(sample),
        "probabilities": of_units["action_units"],
        "predicted_intensities": of_units["intensities"],
        "predicted_valence": valence,
        "predicted_arousal": arousal,
    }


def label_fields(sample: Sample) -> dict[str, Any]:
    """The part of a row that says which frame it is and what its labels are."""
    return {
        "source": sample.source,
        "group": sample.group,
        "subject": sample.subject,
        "video": sample.video,
        "frame": sample.frame,
        "time": sample.time,
        "units": sample.units,
        "intensities": sample.intensities,
        "valence": sample.valence,
        "arousal": sample.arousal,
        "other": list(sample.other.items()),
    }
