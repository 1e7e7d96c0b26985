"""Commands that print or write documents: FACS, protocols, scores, the configuration's page, graphs, cluster checks."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from affectflow.cli.options import (
    CONFIGFILE,
    Commands,
    add_command,
    check_exists,
    configuration,
    option,
    path,
    positive,
)
from affectflow.core.errors import UserError

if TYPE_CHECKING:
    from pydantic import BaseModel


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    add_command(
        commands,
        "facs",
        facs,
        "Print what the 60 AU columns are, or which AUs make an emotion.",
        option("--emotions", "report2017, emfacs or du2014", metavar="TABLE"),
        option("--sadness", "14 or 15, instead of the table's own AU", type=int),
    )
    add_command(
        commands,
        "protocols",
        protocols,
        "Print how benchmarks are scored.",
        option("benchmark", "one of them, with sources", nargs="?"),
    )
    add_command(
        commands,
        "data-sets",
        data_sets,
        "Print the data sets that can be read: their labels, layout, terms and where to ask for them.",
    )
    add_command(commands, "show-scores", show_scores, "Print score files as a table.", path("files", nargs="+"))
    add_command(
        commands,
        "doctor",
        doctor,
        "Report what would go wrong: configuration, data, detector, weights, disk space, GPU; with --profile, on a "
        "SLURM cluster: account, partitions, limits, GPUs, what nodes see.",
        path("--profile", "of a cluster, such as profiles/slurm", default=None),
        CONFIGFILE,
        option("--wait", "seconds for a node to look at", type=positive, default=120),
        option("--no-probe", "submit no job", action="store_false", dest="probe"),
    )
    add_command(
        commands,
        "config-docs",
        config_docs,
        "Print what every key of the configuration means, with its default.",
        path("--out", "write it as Markdown, config/README.md", default=None),
    )
    add_command(
        commands,
        "json-schemas",
        write_json_schemas,
        "Write the JSON Schemas of the configuration and of the JSON files in results, docs/schemas.",
        path("folder"),
    )
    add_command(commands, "draw-graph", draw_graph, "Turn a DOT graph on standard input into SVG.", path("out"))


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


def data_sets(options: argparse.Namespace) -> None:
    from affectflow import datasets

    for facts in map(datasets.info, datasets.names()):
        print(f"{facts.name:10} {facts.title}: {', '.join(sorted(facts.heads)).replace('_', ' ')}")
        lines = (
            ("layout", facts.layout),
            ("terms", facts.terms),
            ("access", facts.where_to_ask),
            ("paper", facts.citation),
        )
        for name, text in lines:
            if text:
                print(f"{'':10} {name}: {text}")


def access_table() -> str:
    """Return the README's table of where to ask for data sets."""
    from affectflow import datasets

    rows = [(facts.title, *facts.where_to_ask.rsplit(": ", 1)) for facts in map(datasets.info, datasets.names())]
    lines = [f"| {' | '.join(row)} |\n" for row in rows if len(row) == 3]
    return "| set | where to ask | needed |\n| --- | --- | --- |\n" + "".join(lines)


def show_scores(options: argparse.Namespace) -> None:
    from affectflow.evaluation.summary import table

    for file in options.files:
        check_exists(file, f"run snakemake {file} first")
    print(table(options.files))


def doctor(options: argparse.Namespace) -> None:
    from affectflow.cluster.doctor import examine
    from affectflow.cluster.profile import read_requests
    from affectflow.plan import Plan
    from affectflow.plan.resources import needs_of
    from affectflow.study.workstation import examine_workstation

    plan = Plan(configuration(options))
    if options.profile is None:
        findings = examine_workstation(plan, needs_of(plan))
    else:
        findings = examine(read_requests(options.profile), needs_of(plan), options.wait if options.probe else 0)
    wrong = 0
    for finding in findings:
        print(finding, flush=True)
        wrong += finding.wrong is True
    if wrong:
        what = options.profile or "A run"
        raise UserError(f"{what} would fail: {wrong} of the above {'are' if wrong > 1 else 'is'} wrong.")


def config_docs(options: argparse.Namespace) -> None:
    from affectflow.config.reference import config_docs
    from affectflow.core.atomic import atomic_write

    if options.out is None:
        print(config_docs(), end="")
        return
    with atomic_write(options.out) as partial:
        partial.write_text(config_docs(), encoding="utf-8")


def write_json_schemas(options: argparse.Namespace) -> None:
    from affectflow.core.atomic import atomic_write

    for name, text in json_schemas().items():
        with atomic_write(options.folder / f"{name}.json") as partial:
            partial.write_text(text, encoding="utf-8")


def json_schemas() -> dict[str, str]:
    """Return the JSON Schemas of the files that others may read or write, by name."""
    import json

    from affectflow.config.models import Config
    from affectflow.contracts.leakage import LeakageFile
    from affectflow.contracts.model_metadata import ModelMetadata
    from affectflow.contracts.score import ComparisonFile, ScoreFile, SeedsFile
    from affectflow.contracts.snapshot_card import SnapshotCard
    from affectflow.evaluation.protocols import Protocol

    files: dict[str, type[BaseModel]] = {
        "comparison": ComparisonFile,
        "config": Config,
        "leakage": LeakageFile,
        "model": ModelMetadata,
        "protocol": Protocol,
        "score": ScoreFile,
        "seeds": SeedsFile,
        "snapshot": SnapshotCard,
    }
    return {name: json.dumps(model.model_json_schema(), indent=1) + "\n" for name, model in files.items()}


def draw_graph(options: argparse.Namespace) -> None:
    from affectflow.report.graph import draw_graph

    draw_graph(sys.stdin.read(), options.out)
