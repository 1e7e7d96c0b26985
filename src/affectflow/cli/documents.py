"""Commands that write documents."""

from __future__ import annotations

import argparse
import sys

from affectflow.core.atomic import atomic_write


def config_docs(options: argparse.Namespace) -> None:
    from affectflow.config.reference import config_docs

    with atomic_write(options.out) as partial:
        partial.write_text(config_docs(), encoding="utf-8")


def draw_graph(options: argparse.Namespace) -> None:
    from affectflow.report.graph import draw_graph

    draw_graph(sys.stdin.read(), options.out)


def facs(options: argparse.Namespace) -> None:
    from affectflow.facs import label
    from affectflow.facs.emotions import emotions
    from affectflow.facs.units import UNITS, Kind

    if options.emotions:
        for emotion in emotions(options.emotions, options.sadness).values():
            print(f"{emotion.name:10} {' '.join(map(str, emotion.parts)) or 'none'}")
        return
    for unit in UNITS.values():
        name = unit.name or ("" if unit.kind is Kind.UNDEFINED else "not in the edition of 2002")
        then = f"1978: {unit.name_1978}" if unit.name_1978 != unit.name else ""
        parts = (unit.kind if unit.kind is not Kind.ACTION_UNIT else "", then, "; ".join(unit.muscles))
        print(f"{label(unit.number):5} {name:27} {' | '.join(filter(None, parts))}".rstrip())


def protocols(options: argparse.Namespace) -> None:
    from affectflow.evaluation.protocols import default, protocol, protocols
    from affectflow.plan.data import BENCHMARKS

    wanted = [protocol(options.benchmark).benchmark] if options.benchmark else BENCHMARKS
    for benchmark in wanted:
        for name, one in protocols(benchmark).items():
            mark = " (default)" if name == default(benchmark) else ""
            print(f"{one.target:24} {one.title}, version {one.version}{mark}")
            if options.benchmark:
                print(f"{'':24} {one.source.strip()}")
                if one.published_note:
                    print(f"{'':24} others: {one.published_note}")
                for figure in one.published:
                    print(f"{'':24} published: {figure.model} {figure.metric} {figure.value}")
