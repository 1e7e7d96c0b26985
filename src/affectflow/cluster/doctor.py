"""What would go wrong on a cluster, in plain words, before anything is submitted."""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from affectflow.cluster import slurm
from affectflow.cluster.disk_space import shortage, untold_quota
from affectflow.cluster.node import said
from affectflow.cluster.profile import Request
from affectflow.cluster.slurm import Partition

TRAINING = "train_model"
_PLACEHOLDER = "your_"
# The oldest driver for each major version of CUDA (NVIDIA, "CUDA Compatibility", table of minor version compatibility).
_OLDEST_DRIVER = {"11": (450, 80, 2), "12": (525, 60, 13), "13": (580, 0, 0)}
_PROBE_MINUTES = 5
_LEAST_JOB_AGE_S = 240
_NOT_FREE = ("busy", "Immediate execution impossible", "timed out", "currently not available")


@dataclass(frozen=True, slots=True)
class Needs:
    """GPUs by model, files and folders that nodes must see, and how many images will be downloaded."""

    gpus: Mapping[str, int]
    paths: Sequence[Path]
    images: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is ``wrong``, that is well, or (None) that could not be told."""

    wrong: bool | None
    text: str

    def __str__(self) -> str:
        return f"{ {True: 'wrong', False: 'ok', None: 'unknown'}[self.wrong] }: {self.text}"


def examine(requests: Sequence[Request], needs: Needs, wait_s: int) -> Iterator[Finding]:
    """All findings, those first that need no job. ``wait_s`` is how long a probe waits for a node; 0 sends none.

    Raises :class:`affectflow.core.errors.UserError` where SLURM is not to be had.
    """
    partitions = slurm.partitions()
    usable = []
    told: set[str] = set()
    for request in requests:
        mistakes = list(_mistakes(request, partitions, needs))
        yield from (Finding(True, mistake) for mistake in mistakes if mistake not in told)
        told.update(mistakes)
        if not mistakes:
            usable.append(request)
            yield Finding(False, f"{request.rule}: {' '.join(request.options(_gpus(request, needs)))}")
    yield from _room(needs)
    yield from _memory_of_jobs()
    if not wait_s:
        yield Finding(None, "what nodes see; run again without --no-probe.")
        return
    for request in {_where(request, needs): request for request in usable}.values():
        yield from _probe(request, needs, wait_s)


def _mistakes(request: Request, partitions: Mapping[str, Partition], needs: Needs) -> Iterator[str]:
    """Sentences; the first of a kind hides those that follow from it."""
    rule = request.rule
    for name, value in (("account", request.account), ("partition", request.partition)):
        if value.startswith(_PLACEHOLDER):
            yield f"slurm_{name} is still {value!r}; put yours into the profile."
            return
    if (unknown := slurm.unknown_partition([request], partitions)) is not None:
        yield unknown
        return
    known = slurm.accounts(getpass.getuser())
    if request.account and known and request.account not in known:
        yield f"You may not charge the account {request.account!r}; yours are {', '.join(known)}."
        return
    usable = [partitions[name] for name in request.partitions() if name in partitions]
    complaints = [list(_too_much(request, partition, needs)) for partition in usable]
    if complaints and all(complaints):  # of several, one that does is enough
        yield from complaints[0]
        return
    if (refusal := slurm.refusal(request.options(_gpus(request, needs)))) is not None:
        yield f"SLURM would not take a job of {rule}: {refusal}."


def _too_much(request: Request, partition: Partition, needs: Needs) -> Iterator[str]:
    rule, name = request.rule, partition.name
    if not partition.up:
        yield f"Partition {name} ({rule}) is down; name another, or wait."
    minutes, when = _most(request.minutes, request.most_minutes)
    if partition.minutes is not None and minutes > partition.minutes:
        yield f"{rule} asks for {minutes} minutes{when}, and partition {name} allows {partition.minutes}."
    memory, when = _most(request.memory_mb, request.most_memory_mb)
    if memory > partition.memory_mb:
        yield f"{rule} asks for {memory} MB{when}, and nodes of {name} have {partition.memory_mb} at most."
    wanted = _gpus(request, needs)
    if wanted > partition.gpus:
        of_nodes = f"its nodes have {partition.gpus} each at most" if partition.gpus else "its nodes have none"
        yield f"{rule} asks for {wanted} GPU{'s' if wanted > 1 else ''} in partition {name}, and {of_nodes}."
    most = max(needs.gpus, key=lambda model: needs.gpus[model], default=None)
    if rule == TRAINING and request.gres and most and needs.gpus[most] != request.gpus_by_gres():
        yield (
            f"models.{most}.gpus is {needs.gpus[most]}, and the profile asks for {request.gres}; set gres: "
            f"{request.gres_of(needs.gpus[most])} for {rule}."
        )


def _most(first: int | None, last: int | None) -> tuple[int, str]:
    """The larger number, and when it is asked for."""
    return max(first or 0, last or 0), " at its last attempt" if (last or 0) > (first or 0) else ""


def _gpus(request: Request, needs: Needs) -> int:
    """At most, of any model; the rule itself asks for as many as a model has, unless the profile overrides it."""
    if request.gres:
        return request.gpus_by_gres()
    if request.gpus is not None or request.rule != TRAINING:
        return request.gpus or 0
    return max(needs.gpus.values(), default=0)


def _where(request: Request, needs: Needs) -> tuple[str, str, str, int]:
    return request.account, request.partition, request.gres, _gpus(request, needs)


def _room(needs: Needs) -> Iterator[Finding]:
    folder = Path("results")
    lacking = shortage(folder, needs.images)
    yield Finding(lacking is not None, lacking or f"room for {needs.images:,} images in {folder.resolve()}")
    if kind := untold_quota(folder):
        yield Finding(None, f"your quota of {kind} on {folder.resolve()}; its own tool tells it.")


def _memory_of_jobs() -> Iterator[Finding]:
    """The executor looks for ended jobs every three minutes at the latest."""
    age = slurm.least_job_age()
    if age is not None and 0 < age < _LEAST_JOB_AGE_S:
        yield Finding(
            True,
            f"SLURM forgets ended jobs after {age} s (MinJobAge), and the workflow would wait for them for ever; set "
            "slurm-status-command: sacct in the profile.",
        )


def _probe(request: Request, needs: Needs, wait_s: int) -> Iterator[Finding]:
    """Look from a node."""
    gpus = _gpus(request, needs)
    folder = Path("results")
    folder.mkdir(exist_ok=True)
    token = folder / f".doctor-{secrets.token_hex(8)}"
    token.touch()
    try:
        # TensorFlow alone takes two gigabytes, and more where it meets a GPU.
        modest = replace(request, memory_mb=min(request.memory_mb or 4000, 8000), minutes=_PROBE_MINUTES, threads=1)
        answer = slurm.ask(
            *("srun", f"--immediate={wait_s}", "--ntasks=1", *modest.options(gpus)),
            *(sys.executable, "-m", "affectflow.cluster.node", *(["--gpus"] if gpus else [])),
            *(str(path.absolute()) for path in (token, *needs.paths)),
            timeout=wait_s + 60 * _PROBE_MINUTES,
        )
    finally:
        token.unlink()
    place = f"partition {request.partition}" if request.partition else "the default partition"
    sight = said(answer.stdout)
    if sight is None:
        yield _no_sight(place, answer.stderr, wait_s)
        return
    if str(token.absolute()) in sight.unseen:
        yield Finding(True, f"{sight.host} does not see {folder.resolve()}; work in a folder that nodes share.")
        return
    for path in sight.unseen:
        yield Finding(True, f"{sight.host} ({place}) does not see {path}; put it where nodes see it.")
    if gpus:
        yield _of_gpus(sight.host, sight.gpus, sight.cuda, sight.driver, gpus)
    if not sight.unseen:
        yield Finding(False, f"{sight.host} ({place}) sees {sys.prefix} and all data.")


def _no_sight(place: str, errors: str, wait_s: int) -> Finding:
    reason = slurm.last_line(errors)
    if any(words in errors for words in _NOT_FREE):
        return Finding(None, f"no node of {place} was free within {wait_s} s ({reason}); try again, or raise --wait.")
    return Finding(True, f"Nodes of {place} cannot run {sys.executable} ({reason}); install where they see it.")


def _of_gpus(host: str, seen: int, cuda: str, driver: str, wanted: int) -> Finding:
    if not cuda:
        text = "TensorFlow is the build without CUDA; install the other (make environment GPU=1)."
        return Finding(True, f"{host}: {text}")
    oldest = _OLDEST_DRIVER.get(cuda.partition(".")[0])
    if driver and oldest and tuple(map(int, driver.split("."))) < oldest:
        text = f"the driver {driver} is too old for CUDA {cuda}, which wants {'.'.join(map(str, oldest))} or later."
        return Finding(True, f"{host}: {text}")
    if seen < wanted:
        reason = f"with driver {driver}" if driver else "and there is no driver (nvidia-smi)"
        return Finding(True, f"{host}: TensorFlow sees {seen} of {wanted} GPUs, {reason}.")
    return Finding(False, f"{host}: TensorFlow sees {seen} GPUs with driver {driver} and CUDA {cuda}")
