"""Check, before anything is submitted, what would go wrong on a cluster."""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from affectflow.cluster import slurm
from affectflow.cluster.disk_space import shortage, unknown_quota
from affectflow.cluster.node import NodeReport, parse_report
from affectflow.cluster.profile import JobRequest
from affectflow.cluster.slurm import Partition

TRAINING = "train_model"
_PLACEHOLDER = "your_"
# The oldest driver for each major version of CUDA (NVIDIA, "CUDA Compatibility", table of minor version compatibility).
_OLDEST_DRIVER = {"11": (450, 80, 2), "12": (525, 60, 13), "13": (580, 0, 0)}
_PROBE_MINUTES = 5
_SHORTEST_JOB_AGE_S = 240  # the executor queries ended jobs every three minutes at the latest
_NODE_BUSY = ("busy", "Immediate execution impossible", "timed out", "currently not available")


@dataclass(frozen=True, slots=True)
class ResourceRequirements:
    """What a configuration requires of a cluster.

    Attributes:
        gpus: GPUs by model.
        paths: Files and folders that nodes must see.
        images: How many images will be downloaded.
    """

    gpus: Mapping[str, int]
    paths: Sequence[Path]
    images: int


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: ``wrong``, fine (False), or not to be determined (None)."""

    wrong: bool | None
    text: str

    def __str__(self) -> str:
        return f"{ {True: 'wrong', False: 'ok', None: 'unknown'}[self.wrong] }: {self.text}"


def examine(requests: Sequence[JobRequest], requirements: ResourceRequirements, wait_s: int) -> Iterator[Finding]:
    """Check a profile against the cluster.

    Args:
        requests: The profile's requests.
        requirements: What the configuration requires.
        wait_s: How long a probe waits for a node, in seconds; with 0 no probe is sent.

    Yields:
        The findings, first those that need no job.

    Raises:
        affectflow.core.errors.UserError: If SLURM does not answer.
    """
    partitions = slurm.partitions()
    usable = []
    reported: set[str] = set()
    for request in requests:
        mistakes = list(_mistakes(request, partitions, requirements))
        yield from (Finding(True, mistake) for mistake in mistakes if mistake not in reported)
        reported.update(mistakes)
        if not mistakes:
            usable.append(request)
            yield Finding(False, f"{request.rule}: {' '.join(request.options(_gpus(request, requirements)))}")
    yield from check_disk_space(requirements)
    yield from _check_job_age()
    if not wait_s:
        yield Finding(None, "what nodes see; run again without --no-probe.")
        return
    for request in {_destination(request, requirements): request for request in usable}.values():
        yield from _probe(request, requirements, wait_s)


def _mistakes(
    request: JobRequest, partitions: Mapping[str, Partition], requirements: ResourceRequirements
) -> Iterator[str]:
    """Yield sentences; a mistake hides those that follow from it."""
    for name, value in (("account", request.account), ("partition", request.partition)):
        if value.startswith(_PLACEHOLDER):
            yield f"slurm_{name} is still {value!r}; put yours into the profile."
            return
    for name, value in request.evaluated:
        yield f"Snakemake evaluates {name} {value} as Python; write {name}: \"'{value}'\" in the profile."
        return
    if (unknown := slurm.unknown_partition([request], partitions)) is not None:
        yield unknown
        return
    known = slurm.accounts(getpass.getuser())
    if request.account and known and request.account not in known:
        yield f"You may not charge the account {request.account!r}; yours are {', '.join(known)}."
        return
    usable = [partitions[name] for name in request.partitions() if name in partitions]
    excesses = [list(_excesses(request, partition, requirements)) for partition in usable]
    if excesses and all(excesses):  # SLURM chooses among several partitions, so one that suffices is enough
        yield from excesses[0]
        return
    if (refusal := slurm.refusal(request.options(_gpus(request, requirements)))) is not None:
        yield f"SLURM would refuse a job of {request.rule}: {refusal}."


def _excesses(request: JobRequest, partition: Partition, requirements: ResourceRequirements) -> Iterator[str]:
    """Yield a sentence for each request beyond a partition's limits."""
    rule, name = request.rule, partition.name
    if not partition.up:
        yield f"Partition {name} ({rule}) is down; name another, or wait."
    minutes, when = _largest(request.time_min, request.max_time_min)
    if partition.time_limit_min is not None and minutes > partition.time_limit_min:
        yield f"{rule} requests {minutes} minutes{when}, and partition {name} allows {partition.time_limit_min}."
    memory, when = _largest(request.mem_mb, request.max_mem_mb)
    if memory > partition.mem_mb:
        yield f"{rule} requests {memory} MB{when}, and nodes of {name} have {partition.mem_mb} at most."
    gpus = _gpus(request, requirements)
    if gpus > partition.gpus:
        of_nodes = f"its nodes have {partition.gpus} each at most" if partition.gpus else "its nodes have none"
        yield f"{rule} requests {gpus} GPU{'s' if gpus > 1 else ''} in partition {name}, and {of_nodes}."
    largest = max(requirements.gpus, key=lambda model: requirements.gpus[model], default=None)
    if rule == TRAINING and request.gres and largest and requirements.gpus[largest] != request.gpus_in_gres():
        yield (
            f"models.{largest}.gpus is {requirements.gpus[largest]}, and the profile requests {request.gres}; set "
            f"gres: {request.gres_with(requirements.gpus[largest])} for {rule}."
        )


def _largest(first: int | None, last: int | None) -> tuple[int, str]:
    """Return the larger of two attempts' requests, and a phrase if the last attempt's is larger."""
    return max(first or 0, last or 0), " at its last attempt" if (last or 0) > (first or 0) else ""


def _gpus(request: JobRequest, requirements: ResourceRequirements) -> int:
    """Return the most GPUs of a rule's jobs: a model's own number, unless the profile overrides it."""
    if request.gres:
        return request.gpus_in_gres()
    if request.gpus is not None or request.rule != TRAINING:
        return request.gpus or 0
    return max(requirements.gpus.values(), default=0)


def _destination(request: JobRequest, requirements: ResourceRequirements) -> tuple[str, str, str, int]:
    """Return what decides on which nodes a request runs; one probe for each is enough."""
    return request.account, request.partition, request.gres, _gpus(request, requirements)


def check_disk_space(requirements: ResourceRequirements) -> Iterator[Finding]:
    """Yield whether the images have room, and what of quotas cannot be told."""
    folder = Path("results")
    lacking = shortage(folder, requirements.images)
    yield Finding(
        lacking is not None, lacking or f"disk space for {requirements.images:,} images in {folder.resolve()}"
    )
    if kind := unknown_quota(folder):
        yield Finding(None, f"your quota of {kind} on {folder.resolve()}; see it with the file system's own tool.")


def _check_job_age() -> Iterator[Finding]:
    age = slurm.min_job_age_s()
    if age is not None and 0 < age < _SHORTEST_JOB_AGE_S:
        yield Finding(
            True,
            f"SLURM forgets ended jobs after {age} s (MinJobAge), and the workflow would wait for them for ever; set "
            "slurm-status-command: sacct in the profile.",
        )


def _probe(request: JobRequest, requirements: ResourceRequirements, wait_s: int) -> Iterator[Finding]:
    """Run :mod:`affectflow.cluster.node` on a node and report what it sees."""
    gpus = _gpus(request, requirements)
    folder = Path("results")
    folder.mkdir(exist_ok=True)
    token = folder / f".doctor-{secrets.token_hex(8)}"
    token.touch()
    try:
        # TensorFlow alone takes two gigabytes, and more if it finds a GPU.
        modest = replace(request, mem_mb=min(request.mem_mb or 4000, 8000), time_min=_PROBE_MINUTES, cpus_per_task=1)
        words = ["srun", f"--immediate={wait_s}", "--ntasks=1", *modest.options(gpus)]
        words += [sys.executable, "-m", "affectflow.cluster.node", *(["--gpus"] if gpus else [])]
        words += [str(path.absolute()) for path in (token, *requirements.paths)]
        result = slurm.run_command(*words, timeout_s=wait_s + 60 * _PROBE_MINUTES)
    finally:
        token.unlink()
    place = f"partition {request.partition}" if request.partition else "the default partition"
    report = parse_report(result.stdout)
    if report is None:
        yield _no_report(place, result.stderr, wait_s)
        return
    if str(token.absolute()) in report.missing:
        yield Finding(True, f"{report.host} does not see {folder.resolve()}; work in a folder that nodes share.")
        return
    for path in report.missing:
        yield Finding(True, f"{report.host} ({place}) does not see {path}; put it where nodes see it.")
    if gpus:
        yield _check_gpus(report, gpus)
    if not report.missing:
        yield Finding(False, f"{report.host} ({place}) sees {sys.prefix} and all data.")


def _no_report(place: str, errors: str, wait_s: int) -> Finding:
    reason = slurm.last_line(errors)
    if any(words in errors for words in _NODE_BUSY):
        return Finding(None, f"no node of {place} was free within {wait_s} s ({reason}); try again, or raise --wait.")
    return Finding(True, f"Nodes of {place} cannot run {sys.executable} ({reason}); install where they see it.")


def _check_gpus(report: NodeReport, required: int) -> Finding:
    host, cuda, driver = report.host, report.cuda, report.driver
    if not cuda:
        text = "TensorFlow is the build without CUDA; install the other (make environment GPU=1)."
        return Finding(True, f"{host}: {text}")
    oldest = _OLDEST_DRIVER.get(cuda.partition(".")[0])
    if driver and oldest and tuple(map(int, driver.split("."))) < oldest:
        text = f"the driver {driver} is too old for CUDA {cuda}, which requires {'.'.join(map(str, oldest))} or later."
        return Finding(True, f"{host}: {text}")
    if report.gpus < required:
        reason = f"with driver {driver}" if driver else "and there is no driver (nvidia-smi)"
        return Finding(True, f"{host}: TensorFlow sees {report.gpus} of {required} GPUs, {reason}.")
    return Finding(False, f"{host}: TensorFlow sees {report.gpus} GPUs with driver {driver} and CUDA {cuda}")
