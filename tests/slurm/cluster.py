"""A SLURM of three nodes on this machine, two of them with a pretended GPU, for as long as a test session lasts.

Needs root and Debian's packages (``.ci/run`` installs them). Everything listens on loopback, lies in a scratch folder
(but for the files that SLURM's clients look for in ``/etc/slurm``), and is a child of this process, which ends it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

ACCOUNT = "faces"
_ETC = Path("/etc/slurm")
_OURS = "# Written by affectflow's tests\n"
_PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db", "sacctmgr", "mariadb")
_FILES = ("slurm.conf", "gres.conf", "cgroup.conf", "slurmdbd.conf")
_ELSEWHERE = "SLURM_CONF"
_PATIENCE_S = 60


def missing() -> str:
    """What this machine lacks; empty if nothing."""
    if os.geteuid():
        return "a SLURM of its own needs root"
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    if absent:
        return (
            f"{absent[0]} is not installed; apt-get install slurmctld slurmd slurm-client slurmdbd "
            "slurm-wlm-basic-plugins munge mariadb-server-core mariadb-client-core"
        )
    for name in _FILES:
        if (_ETC / name).exists() and not (_ETC / name).read_text().startswith(_OURS):
            return f"{_ETC / name} is a real cluster's"
    return ""


class Cluster:
    """Nodes ``cpu1`` (partition ``cpu``, the default), ``gpu1`` and ``gpu2`` (partition ``gpu``)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"lab{os.getpid()}"
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._socket = folder / "data" / "mariadb.sock"
        self._lock: IO[str] | None = None
        self._elsewhere = os.environ.pop(_ELSEWHERE, None)

    def start(self) -> None:
        """Returns when all nodes are idle; raises :class:`RuntimeError` with the end of a log where they are not."""
        for name in ("state", "spool", "run", "log", "data"):
            (self._folder / name).mkdir()
        self._take_possession()
        self._configure()
        self._database()
        self._authentication()
        self._launch("slurmdbd", "slurmdbd", "-D", MYSQL_UNIX_PORT=str(self._socket))
        _until(lambda: _succeeds("sacctmgr", "-n", "show", "cluster"), "slurmdbd answers")
        for words in (
            ["cluster", self._name],
            ["account", ACCOUNT, f"cluster={self._name}"],
            ["user", "root", f"account={ACCOUNT}", f"cluster={self._name}"],
        ):
            subprocess.run(["sacctmgr", "-i", "add", *words], check=True, capture_output=True)
        self._launch("slurmctld", "slurmctld", "-D", "-i")
        for node in ("cpu1", "gpu1", "gpu2"):
            self._launch(f"slurmd-{node}", "slurmd", "-D", "-N", node)
        _until(lambda: self.states() == {"cpu1": "idle", "gpu1": "idle", "gpu2": "idle"}, "all nodes are idle")

    def stop(self) -> None:
        """End all processes, those that began last first."""
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            subprocess.run(["scancel", "--user", "root"], capture_output=True, timeout=30)
        for _, process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._end_orphans()
        if self._lock is not None:
            for name in _FILES:
                (_ETC / name).unlink(missing_ok=True)
            self._lock.close()
        if self._elsewhere is not None:
            os.environ[_ELSEWHERE] = self._elsewhere

    def _end_orphans(self) -> None:
        """What jobs left behind: without cgroups, SLURM knows no process whose parent has ended."""
        mark = f"SLURM_CLUSTER_NAME={self._name}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes() + b"\0":
                    os.kill(int(process.name), signal.SIGKILL)

    @staticmethod
    def states() -> dict[str, str]:
        """State by node."""
        said = _said("sinfo", "--noheader", "--Node", "--format=%N %T")
        return dict(line.split() for line in said.splitlines())

    @staticmethod
    def queued() -> list[dict[str, str]]:
        """Jobs that wait or run: id, rule with its wildcards, state, node and SLURM's restart count."""
        keys = ("id", "rule", "state", "node", "restarts")
        said = _said("squeue", "--noheader", "--Format=JobID:|,Comment:|,State:|,NodeList:|,RestartCnt:")
        lines = (line.split("|") for line in said.splitlines() if line.strip())
        return [dict(zip(keys, (value.strip() for value in line), strict=True)) for line in lines]

    @staticmethod
    def accounted(*columns: str) -> list[dict[str, str]]:
        """Columns of ``sacct`` for all jobs, without their steps, each run of a requeued job by itself."""
        said = _said("sacct", "-a", "-X", "-D", "-n", "-P", "-S", "now-1day", f"--format={','.join(columns)}")
        return [dict(zip(columns, line.split("|"), strict=True)) for line in said.splitlines()]

    @staticmethod
    def set_node(node: str, state: str) -> None:
        """As an administrator does it."""
        words = ["nodename=" + node, f"state={state}"] + (["reason=test"] if state == "down" else [])
        subprocess.run(["scontrol", "update", *words], check=True, capture_output=True)

    def clear(self) -> None:
        """End all jobs, and wait until all nodes are there."""
        subprocess.run(["scancel", "--user", "root"], check=True, capture_output=True)
        self.wait_until_idle()

    @staticmethod
    def end(job: str) -> None:
        """Let a running job's time be over, as if its limit were shorter; SLURM notices within half a minute."""
        subprocess.run(["scontrol", "update", f"jobid={job}", "endtime=now"], check=True, capture_output=True)

    def extend(self) -> None:
        """Give all jobs an hour, as an administrator can."""
        for job in self.queued():
            subprocess.run(
                ["scontrol", "update", f"jobid={job['id']}", "timelimit=60"], check=True, capture_output=True
            )

    def wait_until_idle(self) -> None:
        """Until no job is left and all nodes are there."""
        _until(lambda: set(self.states().values()) == {"idle"} and not self.queued(), "all nodes are idle")

    def logs(self) -> str:
        """The ends of all logs, to be read after a failure."""
        files = sorted((self._folder / "log").iterdir())
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-2000:]}" for file in files)

    def _take_possession(self) -> None:
        """There is one place for SLURM's configuration, so there can be one cluster."""
        _ETC.mkdir(exist_ok=True)
        lock = (_ETC / ".affectflow-tests").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError("Another session's cluster is running.") from None
        self._lock = lock

    def _authentication(self) -> None:
        """Munge with a key and a socket of its own, so that the machine's is left alone."""
        run = self._folder / "run"
        key = run / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = (f"--{name}-file={run}/munge.{name}" for name in ("key", "seed", "pid"))
        # Sockets in a folder that is root's alone are no danger, and clients are root's too.
        self._launch(
            *("munged", "munged", "--foreground", "--force", f"--socket={run}/munge.socket", *files),
            f"--log-file={self._folder}/log/munged.log",
        )
        _until(lambda: _succeeds("munge", "-n", f"--socket={run}/munge.socket"), "munged answers")

    def _configure(self) -> None:
        host, folder = socket.gethostname().partition(".")[0], self._folder
        ports = _free_ports(5)
        shape = "CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=64000"
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {shape} {gres} State=UNKNOWN"
            for name, port, gres in zip(("cpu1", "gpu1", "gpu2"), ports, ("", "Gres=gpu:1", "Gres=gpu:1"), strict=False)
        )
        (_ETC / "slurm.conf").write_text(
            f"""{_OURS}ClusterName={self._name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[3]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
MinJobAge=300
KillWait=30
AuthInfo=socket={folder}/run/munge.socket,cred_expire=5
SlurmdParameters=config_overrides
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu[1-2] MaxTime=INFINITE State=UP
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[4]}
AccountingStoragePass={folder}/run/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations
AccountingStoreFlags=job_comment
"""
        )
        (_ETC / "gres.conf").write_text(f"{_OURS}AutoDetect=off\nNodeName=gpu[1-2] Name=gpu Count=1 File=/dev/null\n")
        (_ETC / "cgroup.conf").write_text(f"{_OURS}CgroupPlugin=cgroup/v1\n")
        database = _ETC / "slurmdbd.conf"
        database.write_text(
            f"""{_OURS}AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={ports[4]}
SlurmUser=root
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageLoc=slurm_acct
StorageUser=slurm
StoragePass=slurm
"""
        )
        database.chmod(0o600)

    def _database(self) -> None:
        data = self._folder / "data"
        subprocess.run(
            [
                *("mariadb-install-db", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"),
                *(f"--datadir={data}", "--no-defaults"),
            ],
            check=True,
            capture_output=True,
        )
        self._launch(
            *("mariadbd", "mariadbd", "--no-defaults", "--skip-networking", "--user=root", f"--datadir={data}"),
            *(f"--socket={self._socket}", "--innodb-buffer-pool-size=64M"),
        )
        client = ("mariadb", "--no-defaults", f"--socket={self._socket}", "--user=root")
        _until(lambda: _succeeds(*client, "-e", "select 1"), "mariadbd answers")
        statements = (
            "create database slurm_acct; create user slurm@localhost identified by 'slurm'; "
            "grant all on slurm_acct.* to slurm@localhost;"
        )
        subprocess.run([*client, "-e", statements], check=True, capture_output=True)

    def _launch(self, name: str, *words: str, **environment: str) -> None:
        with (self._folder / "log" / f"{name}.out").open("wb") as log:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                cwd="/",
                start_new_session=True,  # Ctrl-C in the test must not end them before their turn
            )
        self._processes.append((name, process))


def _until(question: object, what: str) -> None:
    assert callable(question)
    end = time.monotonic() + _PATIENCE_S
    while not question():
        if time.monotonic() > end:
            raise RuntimeError(f"It was waited in vain until {what}.")
        time.sleep(0.2)


def _succeeds(*words: str) -> bool:
    return subprocess.run(words, capture_output=True).returncode == 0


def _said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _free_ports(count: int) -> Sequence[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster while the block lasts."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{cluster.logs()}") from None
    finally:
        cluster.stop()
