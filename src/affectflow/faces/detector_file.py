"""Where the face detector's file is: where the workflow puts the one that it fetches, and where a user keeps one."""

from __future__ import annotations

import os
from pathlib import Path

DETECTOR = Path("results/weights/face_detector.onnx")


def kept_detector() -> Path:
    """Return where a user's own copy is looked for, for models that come without one."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "affectflow" / DETECTOR.name
