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
)
AGREEMENT_COLUMNS = ("dimension", "annotator_1", "annotator_2", "frames", "ccc")
