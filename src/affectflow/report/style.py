"""How all figures look, and the note that those of drawn data carry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from affectflow.core.atomic import atomic_write
from affectflow.datasets.synthetic import NOTE

BLUE, ORANGE, GREY = "#3b6ea8", "#d9822b", "#b8bec6"
_SETTINGS: Any = {
    "font.size": 9,
    "text.parse_math": False,  # file names may hold dollars
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "affectflow",  # the same figure gives the same bytes
    "legend.frameon": False,
}


@contextmanager
def figure(path: Path, width: float, height: float, title: str, synthetic: bool) -> Iterator[Figure]:
    """A figure of ``width`` x ``height`` inches, saved under ``path`` (SVG or PNG) when the block ends."""
    with plt.rc_context(_SETTINGS):
        drawing = plt.figure(figsize=(width, height), layout="constrained")
        try:
            yield drawing
            drawing.suptitle(title + (f"\n({NOTE})" if synthetic else ""), fontsize=10)
            kind = path.suffix.lstrip(".")
            metadata = {"Date": None} if kind == "svg" else {"Software": None}
            with atomic_write(path) as partial:
                drawing.savefig(partial, format=kind, dpi=120, metadata=metadata)
        finally:
            plt.close(drawing)
