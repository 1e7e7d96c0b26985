"""The columns of the annotation's tables."""

from __future__ import annotations

MANIFEST_COLUMNS = ("batch", "frame", "video", "time", "file_name", "url", "image_sha256")
AFFECT_COLUMNS = (
    "file_name",
    "url",
    "image_sha256",
    "batch",
    "frame",
    "valence",
    "arousal",
    "valence_sd",
    "arousal_sd",
    "valence_annotators",
    "arousal_annotators",
    "valence_sources",
    "arousal_sources",
)
AGREEMENT_COLUMNS = ("dimension", "annotator_1", "annotator_2", "frames", "ccc", "pcc")
ANNOTATOR_COLUMNS = (
    "dimension",
    "annotator",
    "tools",
    "batches",
    "frames",
    "lag_s",
    "ccc_with_others",
    "repeats",
    "ccc_with_self",
    "after_prediction",
    "kept",
)
"""``ccc_with_others`` is empty where nobody else annotated the same frames, ``ccc_with_self`` where nothing was shown
twice (``repeats``); ``after_prediction`` counts frames that were judged after a look at a model's value; ``kept`` is yes, or
why not."""
MERGED_COLUMNS = ("video",)
MODEL_PREDICTION_COLUMNS = ("image_sha256", "valence", "arousal", "spread")
