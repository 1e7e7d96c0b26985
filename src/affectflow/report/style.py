"""What all figures share: style, saving, and the note on those of drawn data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.datasets.synthetic import NOTE

BLUE, ORANGE, GREY = "#3b6ea8", "#d9822b", "#b8bec6"
_SETTINGS: Any = {
    "font.size": 9,
    "text.parse_math": False,  # file names may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "affectflow",  # makes the same figure the same bytes
    "legend.frameon": False,
}


@contextmanager
def figure(path: Path, width: float, height: float, title: str, synthetic: bool) -> Iterator[Figure]:
    """Yield a figure to draw into and save it when the block ends; matplotlib's global state is left as it was.

    Args:
        path: SVG or PNG file.
        width: inches.
        height: inches.
        title: above the figure.
        synthetic: whether the data is drawn, which the title then says.
    """
    with matplotlib.rc_context(_SETTINGS):
        drawing = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawing)
        yield drawing
        drawing.suptitle(title + (f"\n({NOTE})" if synthetic else ""), fontsize=10)
        kind = path.suffix.lstrip(".")
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with atomic_write(path) as partial:
            drawing.savefig(partial, format=kind, dpi=120, metadata=metadata)


def draw_affect_histogram(
    axes: Axes, valence: NDArray[np.floating], arousal: NDArray[np.floating], edges: Sequence[float]
) -> None:
    """Draw how often each part of the valence/arousal plane occurs; both are [n], from -1 to 1."""
    axes.hist2d(valence, arousal, bins=list(edges), cmap="Blues")
    axes.set(xlabel="valence", ylabel="arousal")
