"""The table between a model and its scores: every frame's labels and outputs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from affectflow import facs
from affectflow.datasets.sample import Sample

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
"""Labels as in :class:`affectflow.datasets.sample.Sample`. ``probabilities`` and ``predicted_intensities`` (0 to 5) are
NaN for AUs that the model was not trained on, ``predicted_valence`` and ``predicted_arousal`` where it has no such
head. ``crop`` is ``face``, ``held`` or ``center``, see :class:`affectflow.faces.crop.Framing`."""

LEFT_OUT_COLUMNS = ("reason", "count")


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
