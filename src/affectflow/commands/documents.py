"""Commands that write documents."""

from __future__ import annotations

import argparse
import sys


def config_docs(options: argparse.Namespace) -> None:
    from affectflow.config_docs import config_docs
    from affectflow.tables import whole

    with whole(options.out) as partial:
        partial.write_text(config_docs(), encoding="utf-8")


def draw_graph(options: argparse.Namespace) -> None:
    from affectflow.graph import draw_graph

    draw_graph(sys.stdin.read(), options.out)
