"""Commands that print or write documents: FACS, protocols, scores, the configuration's page, graphs, cluster checks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from affectflow.cli.options import Configfiles, PositiveInt, check_exists, configuration
from affectflow.core.errors import UserError
from affectflow.core.stage import Output

if TYPE_CHECKING:
    from pydantic import BaseModel


def facs(
    *,
    emotions: Literal["report2017", "emfacs", "du2014", "du2014compound"] | None = None,
    sadness: Literal[14, 15] | None = None,
) -> None:
    """Print what the 60 AU columns are, or which AUs make an emotion.

    Example: affectflow facs --emotions emfacs

    Args:
        emotions: Print this table of emotions.
        sadness: The AU of sadness, instead of the table's own.
    """
    from affectflow.facs import label
    from affectflow.facs.emotions import emotions as table_of
    from affectflow.facs.units import UNITS, Kind

    if emotions:
        table = table_of(emotions, sadness)
        width = max(map(len, table))
        for emotion in table.values():
            print(f"{emotion.name:{width}}  {' '.join(map(str, emotion.parts)) or 'none'}")
        return
    for unit in UNITS.values():
        name = unit.name or ("" if unit.kind is Kind.UNDEFINED else "not in the edition of 2002")
        then = f"1978: {unit.name_1978}" if unit.name_1978 != unit.name else ""
        parts = (unit.kind if unit.kind is not Kind.ACTION_UNIT else "", then, "; ".join(unit.muscles))
        print(f"{label(unit.number):5} {name:27} {' | '.join(filter(None, parts))}".rstrip())


def protocols(benchmark: str | None = None, /) -> None:
    """Print the protocols by which benchmarks are scored.

    Example: affectflow protocols disfa

    Args:
        benchmark: One benchmark, with the sources of its protocols and published figures.
    """
    from affectflow.evaluation.protocols import default, protocol
    from affectflow.evaluation.protocols import protocols as protocols_of
    from affectflow.plan.data import BENCHMARKS

    wanted = [protocol(benchmark).benchmark] if benchmark else BENCHMARKS
    for scored in wanted:
        for name, one in protocols_of(scored).items():
            mark = " (default)" if name == default(scored) else ""
            print(f"{one.target:24} {one.title}, version {one.version}{mark}")
            if benchmark:
                print(f"{'':24} {one.source.strip()}")
                if one.published_note:
                    print(f"{'':24} others: {one.published_note}")
                for figure in one.published:
                    how = f": {figure.how}" if figure.how else ""
                    print(f"{'':24} published: {figure.model} {figure.metric} {figure.value}{how}")


def data_sets() -> None:
    """Print the data sets that can be read: their labels, layout, terms and where to ask for them."""
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


def show_scores(*files: Annotated[Path, Parameter(required=True)]) -> None:
    """Print score files as a table.

    Example: affectflow show-scores results/eval/*.json

    Args:
        files: Score files, comparisons and files of several seeds.
    """
    from affectflow.evaluation.summary import table

    for file in files:
        check_exists(file, f"run snakemake {file} first")
    print(table(list(files)))


def doctor(
    *, profile: Path | None = None, configfile: Configfiles = (), wait: PositiveInt = 120, probe: bool = True
) -> None:
    """Report what would go wrong before it does.

    Without a profile it checks this machine: configuration, data, detector, weights, disk space, GPU. With one it
    checks a SLURM cluster: account, partitions, limits, GPUs, and what a node sees.

    Example: affectflow doctor --profile profiles/slurm

    Args:
        profile: Folder of a cluster's profile.
        wait: Seconds to wait for a node.
        probe: Submit a job that looks around on a node.
    """
    from affectflow.cluster.doctor import examine
    from affectflow.cluster.profile import read_requests
    from affectflow.plan import Plan
    from affectflow.plan.resources import needs_of
    from affectflow.study.workstation import examine_workstation

    plan = Plan(configuration(configfile))
    if profile is None:
        findings = examine_workstation(plan, needs_of(plan))
    else:
        findings = examine(read_requests(profile), needs_of(plan), wait if probe else 0)
    wrong = 0
    for finding in findings:
        print(finding, flush=True)
        wrong += finding.wrong is True
    if wrong:
        what = profile or "A run"
        raise UserError(f"{what} would fail: {wrong} of the above {'are' if wrong > 1 else 'is'} wrong.")


def config_docs(*, out: Output | None = None) -> None:
    """Print what every key of the configuration means, with its default.

    Args:
        out: Write it as Markdown to this file.
    """
    from affectflow.config.reference import config_docs as reference
    from affectflow.core.atomic import atomic_write

    if out is None:
        print(reference(), end="")
        return
    with atomic_write(out) as partial:
        partial.write_text(reference(), encoding="utf-8")


def json_schemas(folder: Output, /) -> None:
    """Write the JSON Schemas of the configuration and of the JSON files in results.

    Args:
        folder: Folder of the schemas.
    """
    from affectflow.core.atomic import atomic_write

    for name, text in schemas().items():
        with atomic_write(folder / f"{name}.json") as partial:
            partial.write_text(text, encoding="utf-8")


def schemas() -> dict[str, str]:
    """Return the JSON Schemas of the files that others may read or write, by name."""
    import json

    from affectflow.config.models import Config
    from affectflow.contracts.comparison import ComparisonFile
    from affectflow.contracts.leakage import LeakageFile
    from affectflow.contracts.model_metadata import ModelMetadata
    from affectflow.contracts.score import ScoreFile
    from affectflow.contracts.seeds import SeedsFile
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


def draw_graph(out: Output, /) -> None:
    """Turn a DOT graph on standard input into SVG.

    Example: snakemake --dag dot | affectflow draw-graph dag.svg

    Args:
        out: The SVG file.
    """
    from affectflow.report.graph import draw_graph as draw

    draw(sys.stdin.read(), out)
