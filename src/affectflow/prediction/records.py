"""Predictions for the records of a benchmark, as a table that is scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from affectflow.core.atomic import atomic_write
from affectflow.core.parallel import batched
from affectflow.core.progress import progress
from affectflow.datasets.face import MISSING
from affectflow.prediction.columns import CONDITIONS, LEFT_OUT_COLUMNS, PREDICTIONS_SCHEMA
from affectflow.prediction.model import TrainedModel
from affectflow.records.access import Records
from affectflow.records.example import decode_example
from affectflow.records.frames import LEFT_OUT_COLUMNS as LEFT_OUT_OF_PARTS
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import parquet_writer


def predict_records(
    model: TrainedModel,
    files: Sequence[Path],
    lost: Sequence[Path],
    groups: Collection[str] | None,
    out: Path,
    left_out: Path,
) -> int:
    """Run a model over records, with one batch in memory at a time.

    Frames of which the data set has no image get no prediction (NaN).

    Args:
        model: The model.
        files: The records.
        lost: Tables of the samples that were left out when the records were written.
        groups: Subjects to which records and left-out samples are limited, ignoring case; None for all.
        out: Parquet table of predictions to write.
        left_out: CSV of left-out samples to write.

    Returns:
        The number of predicted records.

    Raises:
        UserError: A file is damaged.
    """
    from affectflow.training.reader import images_in_order  # TensorFlow

    records = Records(files)
    subjects = None if groups is None else {group.upper() for group in groups}
    indices = (i for i in range(len(records)) if subjects is None or _group(records, i) in subjects)
    batches = list(batched(indices, model.batch_size))
    count = sum(map(len, batches))
    with (
        atomic_write(out) as partial,
        parquet_writer(partial, PREDICTIONS_SCHEMA) as writer,
        progress(count, "frame", "predict") as bar,
    ):
        images = images_in_order(records, batches).as_numpy_iterator()
        for batch in batches:
            data = records.read(batch)  # before its images, because TensorFlow's error for a damaged record is unclear
            labels = [_label_fields(record) for record in data]
            unseen = np.array([fields["crop"] == MISSING for fields in labels])
            outputs = model.predict(next(images)).without(unseen)
            rows = [
                {
                    **fields,
                    "probabilities": outputs.probabilities[i],
                    "predicted_intensities": outputs.intensities[i],
                    "predicted_valence": outputs.affect[i, 0],
                    "predicted_arousal": outputs.affect[i, 1],
                    "predicted_expression": "",
                }
                for i, fields in enumerate(labels)
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema=PREDICTIONS_SCHEMA))
            bar.update(len(batch))
    write_csv(left_out, LEFT_OUT_COLUMNS, sorted(_reasons(lost, subjects).items()))
    return count


def _group(records: Records, index: int) -> str:
    (data,) = records.read([index])
    return _text(decode_example(data).features.feature["sample/group"]).upper()


def _reasons(lost: Sequence[Path], subjects: Collection[str] | None) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for row in (row for path in lost for row in read_csv(path, LEFT_OUT_OF_PARTS)):
        if subjects is None or row["part"].upper() in subjects:
            reasons[row["reason"]] += int(row["count"])
    return reasons


def _label_fields(data: bytes) -> dict[str, Any]:
    """Return the label columns of a record, whose features :mod:`affectflow.records.example` describes."""
    feature = decode_example(data).features.feature
    times = feature["sample/time_ns"].int64_list.value
    names = [name.decode() for name in feature["label/other/name"].bytes_list.value]
    return {
        "source": _text(feature["image/filename"]),
        "group": _text(feature["sample/group"]),
        "subject": _text(feature["sample/subject"]),
        "video": _text(feature["sample/video"]),
        "frame": feature["sample/frame"].int64_list.value[0],
        "time": times[0] / 1e9 if times else float("nan"),
        "units": np.array(feature["label/units"].int64_list.value, np.int8),
        "intensities": np.array(feature["label/intensities"].float_list.value, np.float32),
        "valence": feature["label/valence"].float_list.value[0],
        "arousal": feature["label/arousal"].float_list.value[0],
        "other": list(zip(names, feature["label/other/value"].int64_list.value, strict=True)),
        "crop": _text(feature["image/crop"]),
        **{name: feature[f"image/{name}"].float_list.value[0] for name in CONDITIONS},
    }


def _text(feature: Any) -> str:
    text: str = feature.bytes_list.value[0].decode()
    return text
