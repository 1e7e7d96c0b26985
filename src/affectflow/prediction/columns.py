"""Columns of prediction tables: labels and model outputs of every frame, from which scores are computed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pyarrow as pa

from affectflow import facs
from affectflow.datasets.conditions import Conditions
from affectflow.datasets.sample import Sample

CONDITIONS = tuple(field.name for field in fields(Conditions))
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
        ("predicted_expression", pa.string()),
        ("crop", pa.string()),
        *((name, pa.float32()) for name in CONDITIONS),
    ]
)
"""Labels are as in :class:`affectflow.datasets.sample.Sample`. ``probabilities`` and ``predicted_intensities`` (0 to 5)
are NaN for AUs that the model was not trained on, ``predicted_valence`` and ``predicted_arousal`` without such a head.
``predicted_expression`` is one of :data:`affectflow.facs.emotions.EXPRESSIONS`, and empty where none is predicted: the
models of affectflow predict none. ``crop`` is ``face``, ``held``, ``center`` or ``missing``, see
:class:`affectflow.faces.crop.Framing`; it is empty where no image was read. The last columns are as in
:class:`affectflow.datasets.conditions.Conditions`."""

LEFT_OUT_COLUMNS = ("reason", "count")


def label_fields(sample: Sample) -> dict[str, Any]:
    """Return the columns of a row that identify the frame, and its labels."""
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
