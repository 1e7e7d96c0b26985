# What all stages share: the checked configuration, the plan of what it asks for, and functions that put questions to it.
#
# Needs: config. Makes: nothing.
import subprocess
import sys

from affectflow import datasets
from affectflow.cluster.profile import requests
from affectflow.cluster.slurm import partitions, unknown_partition
from affectflow.core.cache import fingerprint
from affectflow.core.errors import UserError, one_sentence
from affectflow.core.rule import rule_params
from affectflow.core.stage import code_of
from affectflow.datasets import synthetic
from affectflow.evaluation.protocols import protocol
from affectflow.plan import Plan, runs
from affectflow.plan.data import BENCHMARKS, FOLDERS, marker_of, traces_state

RUN_STAGE = "../workflow/scripts/run_stage.py"

with one_sentence():
    PLAN = Plan(config)
    SNAPSHOT = PLAN.data.snapshot()
    SCORES = [
        f"results/eval/{scored}_{run}.json" for scored, run in PLAN.scores.targets()
    ]
    SEED_SCORES = [
        f"results/eval/{benchmark}_{first}-seeds.json"
        for benchmark, first in PLAN.scores.of_seeds()
    ]

# Environments, where snakemake is to make them: of rules that handle tensors, and of all others.
TENSORFLOW = {
    "cpu": "../envs/tensorflow.yaml",
    "gpu": "../envs/tensorflow-gpu.yaml",
}[config["cluster"]["tensorflow"]]
BASE = "../envs/base.yaml"
# Jobs that need the internet run where the workflow was started, unless nodes of a cluster reach it.
NETWORK_IS_LOCAL = config["cluster"]["network_jobs"] == "local"

for line in PLAN.data.left_out():
    logger.info(line)


wildcard_constraints:
    benchmark="|".join(BENCHMARKS),
    protocol=r"(?:-[a-z][a-z0-9]*)?",
    dataset="|".join(FOLDERS),
    run=runs.PATTERN,
    other=runs.PATTERN,
    first=runs.FIRST_PATTERN,
    part=r"\d+",
    shard=r"\d{5}",
    backbone=r"[a-z0-9_]+",
    records="|".join(datasets.record_sets()),


def params(stage, **others):
    """Params for running a stage (its address, code digest and settings), and those that only its rule knows."""
    return rule_params(stage, config, **others)


def from_plan(question):
    """An input or params function that ends with one sentence where the plan raises a UserError."""

    def answer(wildcards):
        with one_sentence():
            return question(wildcards)

    return answer


def code_with_dataset(stage, name_of):
    """A params function: the digest of a stage's code with that of the module that reads a data set."""
    return lambda wildcards: code_of(stage, datasets.module_of(name_of(wildcards)))


def input_files(name_of):
    """An input function: files that the workflow makes before a data set can be read."""
    return from_plan(lambda wildcards: PLAN.data.input_files(name_of(wildcards)))


def dataset_params(stage, name_of, split):
    """Params for reading a data set (its folder, split and content) beside those of the stage."""
    return params(
        stage,
        dataset=name_of,
        root=from_plan(lambda wildcards: PLAN.data.root(name_of(wildcards))),
        split=split,
        content=from_plan(lambda wildcards: PLAN.data.state(name_of(wildcards))),
        code=code_with_dataset(stage, name_of),
    )


def frames_of(benchmark):
    """The records of a benchmark's frames; of EmotioNet those of its test split."""
    if benchmark == "emotionet":
        return records_of("emotionet", "test")
    return [f"results/frames/{benchmark}.tfrecord"]


def records_of(sets, split):
    return expand(
        "results/{dataset}/tfrecords/{split}-{shard}-{of}.tfrecord",
        dataset=sets,
        split=split,
        shard=SHARDS,
        of=OF,
    )


def training_records(split):
    """An input function: the records of a split of all data sets that a run is trained on."""
    return from_plan(lambda w: records_of(PLAN.models.record_sets(w.run), split))


def protocol_of(wildcards):
    return protocol(wildcards.benchmark, wildcards.protocol.lstrip("-"))


def scored_runs(wildcards):
    """The runs whose predictions make a score: one, or one of each fold."""
    return PLAN.scores.parts(protocol_of(wildcards), wildcards.run)


def of_scored_runs(pattern):
    """An input function: a file of each run that makes a score."""
    return from_plan(
        lambda w: expand(pattern, benchmark=w.benchmark, run=scored_runs(w))
    )


def of_compared_runs(pattern):
    """An input function: a file of each run that makes one of two compared scores."""
    return from_plan(
        lambda w: expand(
            pattern,
            benchmark=w.benchmark,
            run=PLAN.scores.parts_of_both(protocol_of(w), w.run, w.other),
        )
    )


def check_partitions():
    """End before anything is submitted to SLURM, where a profile names an unknown partition."""
    if workflow.executor_plugin.name != "slurm":
        return
    settings = workflow.resource_settings
    default, *by_rule = (
        {name: resource.raw for name, resource in resources.items()}
        for resources in (
            settings.default_resources,
            *settings.overwrite_resources.values(),
        )
    )
    asked = requests(
        default, dict(zip(settings.overwrite_resources, by_rule, strict=True))
    )
    try:
        unknown = unknown_partition(asked, partitions())
    except UserError as error:
        unknown = str(error)
    if unknown is not None:
        raise WorkflowError(unknown)


def partitions_at_once():
    """How many partitions are downloaded at the same time and share what a host is asked for.

    On nodes all may be: a job there parses the workflow again, and does not know how many others there are.
    """
    settings = workflow.resource_settings
    slots = settings.cores or settings.local_cores if NETWORK_IS_LOCAL else None
    return min(
        config["download"]["partitions"], slots or config["download"]["partitions"]
    )


def name_in_records(wildcards):
    return wildcards.records.partition("-")[0]


def compared_sets(wildcards):
    """The benchmark and the sets that a run was trained on, each with its folder and split."""
    with one_sentence():
        return PLAN.scores.leakage_inputs(wildcards.benchmark, wildcards.run)


def frames_to_predict(wildcards):
    PLAN.scores.check_prediction(wildcards.benchmark, wildcards.run)
    return frames_of(wildcards.benchmark)


def figures_of(kind, pairs):
    """The files of a kind of figure for pairs of a benchmark and a run."""
    file, _, _ = FIGURE_KINDS[kind]
    return [f"results/figures/{file}".format(benchmark=b, run=r) for b, r in pairs]


DEMO_WEB = []


def start_demo_web():
    """Serve the drawn images on loopback for as long as this process lives."""
    if DEMO_TABLE not in config["data"]["emotionet"]["tables"]:
        return
    server = subprocess.Popen(
        [
            sys.executable,
            *("-m", "affectflow.demo.web"),
            *("--routes", "results/demo/emotionet/routes.json"),
            *("--files", "results/demo/emotionet/web"),
            *("--web-port", str(DEMO["web_port"])),
            *("--name-server-port", str(DEMO["name_server_port"])),
        ],
        stdin=subprocess.PIPE,  # the server stops when it is closed
        stdout=subprocess.PIPE,
        text=True,
    )
    DEMO_WEB.append(server)
    answer = server.stdout.readline().strip()
    if answer != "ready":
        raise WorkflowError(answer)
