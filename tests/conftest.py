"""Running the real workflow, small, in a folder of its own."""

from __future__ import annotations

import atexit
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pycurl  # noqa: F401  # before TensorFlow, whose libraries export another libcurl (no job needs both)
import pytest
import yaml

pytest_plugins = ["tests.fixtures"]
ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
DETECTOR = SHARED / "models" / "face_detection_yunet.onnx"
PHOTOGRAPHS = SHARED / "data" / "london_faces"
_WARM = ROOT / "tests" / "warm"
TINY = ROOT / ".test/config/config.yaml"
DEMO = ROOT / "config" / "config.yaml"
"""The demo's configuration, on the defaults."""
# Where SLURM is installed, every start of snakemake asks its controller, which nobody runs, and waits for seconds.
os.environ["SLURM_CONF"] = os.devnull
hypothesis.settings.register_profile("untimed", deadline=None)  # the machine may be busy
hypothesis.settings.load_profile("untimed")
NO_SKIP = "AFFECTFLOW_NO_SKIP"
"""Set where everything is at hand: a test that would be skipped fails."""

needs_faces = pytest.mark.skipif(
    not (DETECTOR.is_file() and PHOTOGRAPHS.is_dir()), reason=f"no face detector or photographs in {SHARED}"
)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(NO_SKIP) and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{reason} (and {NO_SKIP} is set)"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def _scope(nodeid: str) -> str:
    """Tests of one scope run on one worker: a file's, but for those that share nothing with the rest of it."""
    file = nodeid.partition("::")[0]
    if file.endswith(tuple(f"workflow/test_{name}.py" for name in ("rerun", "snapshot", "london"))):
        return "finished"  # one run, whose ports are all copies' too
    alone = file.endswith("workflow/test_mistakes.py") or nodeid.endswith("::test_default_configuration_learns")
    return nodeid if alone else file


_FIRST = ("tests/workflow", "tests/slurm", "tests/training")
_LAST = "::test_default_configuration_learns"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left alone with it; end with what needs all cores."""

    def place(item: pytest.Item) -> int:
        if item.nodeid.endswith(_LAST):
            return len(_FIRST) + 1
        return next((i for i, name in enumerate(_FIRST) if name in item.nodeid), len(_FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


_JOB = re.compile(r"(?:\d\d:\d\d:\d\d )?([a-z_]+(?: [^ :]+)*): ")
"""A line of a job: ``17:03:12 find_faces 0: ...``, without the time in dry runs."""


@dataclass(frozen=True)
class Result:
    """What a run of snakemake printed, and its exit status."""

    status: int
    output: str

    @property
    def rules_run(self) -> set[str]:
        """Names of the rules that had a job."""
        return {job.partition(" ")[0] for job in self.jobs}

    @property
    def jobs(self) -> set[str]:
        """Jobs that ran, as rules with their wildcards: ``find_faces 0``."""
        lines = (_JOB.match(line) for line in self.output.splitlines())
        return {found[1] for found in lines if found} - {"affectflow"}

    @property
    def nothing_done(self) -> bool:
        return self.status == 0 and "Nothing to be done" in self.output


@dataclass(frozen=True)
class Workflow:
    """The workflow with a configuration, in a working folder."""

    folder: Path
    root: Path = ROOT
    warm: bool = True
    """Whether snakemake and its jobs are forks of :mod:`tests.warm`, or start as users' do."""

    def command(self, *targets: str, options: tuple[str, ...] = (), forked: bool = False) -> list[str]:
        """Words of a run of snakemake; ``forked`` where nobody sends signals to it."""
        return [
            *(sys.executable, *self.program(forked), "--snakefile", str(self.root / "Snakefile")),
            *self.machine(),
            *("--configfile", str(self.root / "config" / "config.yaml"), str(self.folder / "config.yaml")),
            *options,
            *(("--",) if targets else ()),
            *targets,
        ]

    def program(self, forked: bool) -> tuple[str, ...]:
        """Snakemake, as Python is told to run it."""
        if not self.warm:
            return "-m", "snakemake"
        script = str(_WARM / "run_snakemake.py")
        return (
            ("-I", "-S", str(_WARM / "client.py"), f"{warm_servers()}/snakemake", script) if forked else ("-P", script)
        )

    def machine(self) -> tuple[str, ...]:
        """Where it runs."""
        return "--profile", str(self.root / "profiles" / "default"), "--cores", "2"

    def environment(self) -> dict[str, str]:
        source = {} if self.root == ROOT else {"PYTHONPATH": str(self.root / "src")}
        servers = {"AFFECTFLOW_WARM": str(warm_servers())} if self.warm else {}
        return {**os.environ, **source, **servers, "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(self, *targets: str, options: tuple[str, ...] = (), timeout: float = 600) -> Result:
        process = subprocess.run(
            self.command(*targets, options=options, forked=True),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        return Result(process.returncode, process.stdout)

    def succeed(self, *targets: str, **keywords: Any) -> Result:
        result = self.run(*targets, **keywords)
        assert result.status == 0, result.output[-6000:]
        return result

    def kill_when(self, sign: Callable[[], bool], *targets: str, timeout: float = 120) -> None:
        """Start a run and kill it, with all its jobs, by SIGKILL as soon as ``sign`` says so."""
        process = self.start(*targets, until=sign, timeout=timeout)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def popen(self, *targets: str, output: Path) -> subprocess.Popen[bytes]:
        """Start a run in a process group of its own; what it prints goes to a file."""
        with output.open("wb") as stream:
            return subprocess.Popen(
                self.command(*targets),
                cwd=self.folder,
                env=self.environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(
        self, *targets: str, until: Callable[[], bool], timeout: float = 120, output: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a run in a process group of its own, and return it as soon as ``until`` says so."""
        process = self.popen(*targets, output=output or Path(os.devnull))
        end = time.monotonic() + timeout
        try:
            while not until():
                assert process.poll() is None, "the run ended too early"
                assert time.monotonic() < end
                time.sleep(0.02)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return process

    def configure(self, **changes: Any) -> None:
        """Change keys of the configuration, nested mappings key by key."""
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), changes)))

    def path(self, name: str) -> Path:
        return self.folder / "results" / name


@cache
def warm_servers() -> Path:
    """Start the processes that jobs are forked from; returns the folder of their sockets."""
    folder = tempfile.TemporaryDirectory(prefix="warm")
    tables = ("pandas", "pyarrow.parquet", "cv2", "av", "PIL.Image", "openpyxl", "scipy.special", "scipy.io")
    libraries = {
        "tables": (*tables, "snakemake.script", "pydantic"),
        "tensors": ("pycurl", "affectflow.training.train", *tables, "snakemake.script"),
        "snakemake": ("snakemake.cli", "pydantic", "psutil"),
    }
    program = _WARM / "server.py"
    servers = [
        subprocess.Popen([sys.executable, "-P", program, f"{folder.name}/{name}", *names], stdin=subprocess.PIPE)
        for name, names in libraries.items()
    ]

    def end() -> None:
        for server in servers:
            assert server.stdin is not None
            server.stdin.close()
            server.wait()
        folder.cleanup()

    atexit.register(end)
    return Path(folder.name)


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        merged[key] = _merged(old.get(key) or {}, value) if isinstance(value, dict) else value
    return merged


def free_ports() -> tuple[int, int]:
    """Three free TCP ports in a row, and a free UDP port, on loopback."""
    for start in range(20000 + os.getpid() * 37 % 30000, 60000, 7):  # workers have consecutive ids
        sockets = [socket.socket() for _ in range(3)]
        try:
            for i, one in enumerate(sockets):
                one.bind(("127.0.0.1", start + i))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            return start, udp.getsockname()[1]
    raise RuntimeError("no free ports")


def new_workflow(folder: Path, root: Path = ROOT) -> Workflow:
    """The tiny configuration on ports of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    web, names = free_ports()
    config = yaml.safe_load(TINY.read_text())
    config["demo"] |= {"web_port": web, "name_server_port": names}
    config["download"] |= {"nameservers": [f"127.0.0.1:{names}"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return Workflow(folder, root)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where a shell in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return new_workflow(tmp_path / "work")
