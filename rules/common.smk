# What all stages share: the checked configuration, the plan derived from it, and functions of the wildcards.
#
# Needs: config. Makes: nothing.
import importlib.util
import subprocess
import sys
from pathlib import Path

from affectflow import datasets
from affectflow.cluster.profile import requests
from affectflow.cluster.slurm import partitions, unknown_partition
from affectflow.config import complete
from affectflow.console import workflow as console
from affectflow.core.cache import fingerprint
from affectflow.core.errors import UserError, one_sentence
from affectflow.core.stage import code_of
from affectflow.datasets import synthetic
from affectflow.plan import Plan, runs
from affectflow.plan.data import BENCHMARKS, FOLDERS, marker_of, traces_state
from affectflow.plan.inputs import Inputs, checked, code_with_dataset, protocol_of
from affectflow.study.clock import check_dates
from affectflow.study.command_line import (
    check_command_line,
    check_configuration_files,
    retyped,
)
from affectflow.study.ownership import check_ownership
from affectflow.study.running import record_jobs

RUN_STAGE = "../workflow/scripts/run_stage.py"

with one_sentence():
    check_command_line(sys.argv)
    check_configuration_files(workflow.configfiles)
    config = complete(config, retyped(dict(workflow.config_settings.config)))
    check_ownership(config)
    PLAN = Plan(config)
    INPUTS = Inputs(PLAN, config)
    SNAPSHOT = PLAN.data.snapshot()
    SCORES = [
        f"results/eval/{scored}_{run}.json" for scored, run in PLAN.scores.targets()
    ]
    SEED_SCORES = [
        f"results/eval/{benchmark}_{first}-seeds.json"
        for benchmark, first in PLAN.scores.of_seeds()
    ]

for sentence in PLAN.warnings():
    logger.warning(sentence)
console.attach(workflow, [*SCORES, *SEED_SCORES])

# Environments, where snakemake is to make them: of rules that handle tensors, and of all others.
TENSORFLOW = {
    "cpu": "../envs/tensorflow.yaml",
    "gpu": "../envs/tensorflow-gpu.yaml",
}[config["cluster"]["tensorflow"]]
BASE = "../envs/base.yaml"
# Jobs that need the internet run where the workflow was started, unless nodes of a cluster reach it.
NETWORK_IS_LOCAL = config["cluster"]["network_jobs"] == "local"

if PLAN.data.left_out():
    logger.info(
        f"Not configured, so left out: {', '.join(PLAN.data.left_out())} (data.<name>.root)."
    )


wildcard_constraints:
    benchmark="|".join(BENCHMARKS),
    protocol=r"(?:-[a-z][a-z0-9]*)?",
    dataset="|".join(FOLDERS),
    run=runs.PATTERN,
    other=runs.PATTERN,
    first=runs.FIRST_PATTERN,
    model=runs.MODEL_PATTERN,
    part=r"\d+",
    shard=r"\d{5}",
    backbone=r"[a-z0-9_]+",
    records="|".join(datasets.record_sets()),


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


def check_inputs():
    """End before anything starts, where a job reads a file that is dated in the future."""
    jobs = list(workflow.dag.needrun_jobs())
    with one_sentence():
        check_dates(
            inputs=(file for job in jobs for file in job.input),
            made=(file for job in jobs for file in job.output),
            folder=Path("results"),
        )


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
    """The data set behind a folder of records, such as disfa-fold1."""
    return wildcards.records.partition("-")[0]


def name_of_dataset(wildcards):
    return wildcards.dataset


def name_of_benchmark(wildcards):
    return wildcards.benchmark


DEMO_WEB = []


def start_demo_web():
    """Serve the drawn images on loopback for as long as this process lives."""
    if DEMO_TABLE not in config["data"]["emotionet"]["tables"]:
        return
    if importlib.util.find_spec("cryptography") is None:
        raise WorkflowError(
            "The demo serves drawn images over TLS and needs the package cryptography: pip install 'affectflow[demo]'"
        )
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
