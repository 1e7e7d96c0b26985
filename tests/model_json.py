"""A complete ``model.json``, of which tests change single keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from affectflow.config import load
from affectflow.contracts.model_metadata import FaceAlignment, ModelMetadata
from affectflow.contracts.recipe import Recipe

_DEFAULTS = load()
_OF_THE_RUN = {"backbone": "resnet50", "input_size": 32, "units": [1, 2], "shares": None}

VALUES: dict[str, Any] = {
    "units": (),
    "intensity_units": (),
    "heads": ("action_units",),
    "model_sha256": "",
    "unsupported": (),
    "image_size": 32,
    "normalization": "tf",
    "faces": FaceAlignment.of("none"),
    "thresholds": {},
    "validation_thresholds": {},
    "calibration": {},
    "calibration_error": {"before": None, "after": None},
    "synthetic": True,
    "best_epoch": 1,
    "epochs": 1,
    "validation": {},
    "unmeasured": (),
    "uncalibrated": (),
    "crops": {"center": 1},
    "datasets": {"emotionet": 1},
    "positives": {},
    "negatives": {},
    "images_with_intensity": {},
    "images_with_affect": 0,
    "images": {"train": 1, "validation": 1, "calibration": 1},
    "images_without_label": 0,
    "shown_per_epoch": {"least": 1.0, "most": 1.0},
    "devices": 1,
    "versions": {"keras": "3"},
    "recipe": Recipe.of({**_DEFAULTS["model_defaults"], **_DEFAULTS["training"], **_OF_THE_RUN}, None),
}


def _complete(changes: dict[str, Any]) -> dict[str, Any]:
    """All values, with the heads that the AUs need."""
    found = VALUES | changes
    if "heads" not in changes:
        heads = {"action_units": found["units"], "intensities": found["intensity_units"]}
        found["heads"] = tuple(head for head, units in heads.items() if units)
    return found


def model_json(path: Path, **changes: Any) -> Path:
    """Write the file and return its path."""
    ModelMetadata(**_complete(changes)).write(path)
    return path


def values(**changes: Any) -> dict[str, Any]:
    """Return the content as JSON has it."""
    metadata = ModelMetadata(**{"schema_version": 2} | _complete(changes))
    found: dict[str, Any] = json.loads(metadata.model_dump_json(exclude_unset=True))
    return found
