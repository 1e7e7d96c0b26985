# What all stages share: the checked configuration, what it asks for, and the code digest.
#
# Needs: config. Makes: nothing; PLAN, SCORES, SEED_SCORES, TENSORFLOW, NETWORK_IS_LOCAL and the functions that the other files use.
import os
import subprocess
import sys
from pathlib import Path

from affectflow import datasets
from affectflow.plan import runs
from affectflow.datasets import synthetic
from affectflow.cluster.profile import requests
from affectflow.cluster.slurm import partitions, unknown_partition
from affectflow.core.code import code_digest
from affectflow.core.errors import UserError, one_sentence
from affectflow.core.cache import fingerprint
from affectflow.plan import Plan
from affectflow.plan.data import BENCHMARKS, FOLDERS, marker_of, traces_state
from affectflow.evaluation.protocols import protocol

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"

with one_sentence():
    PLAN = Plan(config)
    SNAPSHOT = PLAN.data.snapshot()
    SCORES = [
        f"results/eval/{scored}_{run}.json" for scored, run in PLAN.scores.named()
    ]
    SEED_SCORES = [
        f"results/eval/{benchmark}_{first}-seeds.json"
        for benchmark, first in PLAN.scores.of_seeds()
    ]

# The environment of rules that handle tensors, where snakemake is to make environments.
TENSORFLOW = {
    "cpu": "../envs/tensorflow.yaml",
    "gpu": "../envs/tensorflow-gpu.yaml",
}[config["cluster"]["tensorflow"]]
# What needs the internet runs where the workflow was started, unless nodes of a cluster reach it.
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
    records=r"affwild2?|own|disfaplus|disfa-fold[123]",


def side_by_side(partitions):
    """How many partitions are downloaded at the same time; they share what a host is asked for.

    On nodes all may be: a job there asks again, and does not know how many others there are.
    """
    settings = workflow.resource_settings
    slots = settings.cores or settings.local_cores if NETWORK_IS_LOCAL else None
    return min(partitions, slots or partitions)


def code(script, *modules):
    """Digest of what a script executes; a parameter of every rule, so that changed code re-runs what used it."""
    return code_digest(SCRIPTS / f"{script}.py", *modules)


def dataset_code(script, dataset):
    return code(script, datasets.module_of(dataset))


def ask(question):
    """An input or params function that puts a question to the plan, and ends with one sentence on a UserError.

    Snakemake would show a traceback of whatever is raised here. Nothing runs or is locked yet: questions are put
    while the DAG is built.
    """

    def answer(wildcards):
        try:
            return question(wildcards)
        except UserError as error:
            print(f"affectflow: {error}", file=sys.stderr, flush=True)
            os._exit(1)

    return answer


def frames_of(benchmark):
    """The records of a benchmark's frames, of EmotioNet those of its test split."""
    if benchmark == "emotionet":
        return expand(
            "results/emotionet/tfrecords/test-{shard}-{of}.tfrecord",
            shard=SHARDS,
            of=OF,
        )
    return [f"results/frames/{benchmark}.tfrecord"]


def frames_to_predict(wildcards):
    PLAN.scores.check_prediction(wildcards.benchmark, wildcards.run)
    return frames_of(wildcards.benchmark)


def protocol_of(wildcards):
    return protocol(wildcards.benchmark, wildcards.protocol.lstrip("-"))


def of_parts(pattern):
    """Files of the runs that make a score: one, or one of each fold."""
    return ask(
        lambda wildcards: expand(
            pattern,
            benchmark=wildcards.benchmark,
            run=PLAN.scores.parts(protocol_of(wildcards), wildcards.run),
        )
    )


def dataset_name(wildcards):
    return wildcards.records.partition("-")[0]


def record_files(split):
    return ask(
        lambda wildcards: expand(
            "results/{dataset}/tfrecords/{split}-{shard}-{of}.tfrecord",
            dataset=PLAN.models.record_sets(wildcards.run),
            split=split,
            shard=SHARDS,
            of=OF,
        )
    )


def of_both(pattern):
    """Files of the runs that make one score, and of those that make another's."""
    return ask(
        lambda wildcards: expand(
            pattern,
            benchmark=wildcards.benchmark,
            run=PLAN.scores.parts_of_both(
                protocol_of(wildcards), wildcards.run, wildcards.other
            ),
        )
    )


def check_partitions():
    """End before anything is submitted to SLURM, where a profile names a partition that there is not."""
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
        stdin=subprocess.PIPE,  # its end is the server's sign to stop
        stdout=subprocess.PIPE,
        text=True,
    )
    DEMO_WEB.append(server)
    answer = server.stdout.readline().strip()
    if answer != "ready":
        raise WorkflowError(answer)
