"""affectflow's download beside img2dataset, ``curl --parallel`` and a pool of ``requests`` threads.

``make bench-download`` prints, for each tool, medians over rounds that are interleaved: images a second (by the
server's own clock, from the first request to the last, so that start-up counts for nobody), CPU seconds per 1,000
images and peak memory of the process tree, both of the whole process from start to end. Ours does all its checks,
theirs do none. Everything is fetched from loopback and written to memory where that is possible.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import loopback_web
from benchmarks.loopback_web import Web
from benchmarks.memory import Memory

HERE = Path(__file__).parent
_OTHERS = HERE.parent / ".venv-bench" / "bin"
Command = Callable[[Path, Path], list[str]]


def ours(concurrency: int = 64, processes: int = 1, **settings: object) -> Command:
    pairs = {
        "concurrency": concurrency,
        "per_host": concurrency * processes,
        "rate_per_host": 0,
        "allow_private_hosts": '["127.0.0.0/8"]',
        "decode": "false",
        **settings,
    }
    words = [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]
    program = [sys.executable, "-m", "affectflow.cli", "download"]
    return lambda urls, folder: [*program, str(urls), str(folder), "--processes", str(processes), *words]


def img2dataset(processes: int, threads: int, *options: str) -> Command:
    return lambda urls, folder: [
        str(_OTHERS / "img2dataset"),
        *("--url_list", str(urls), "--input_format", "txt", "--output_folder", str(folder)),
        *("--output_format", "files", "--resize_mode", "no", "--retries", "0", "--timeout", "20"),
        *("--processes_count", str(processes), "--thread_count", str(threads), *options),
    ]


def curl(concurrency: int) -> Command:
    def command(urls: Path, folder: Path) -> list[str]:
        folder.mkdir(parents=True)
        list_ = urls.with_suffix(".curl")
        list_.write_text(
            "".join(f'url="{url}"\noutput="{folder}/{i}.jpg"\n' for i, url in enumerate(urls.read_text().split()))
        )
        return ["curl", "--silent", "--parallel", "--parallel-max", str(concurrency), "--config", str(list_)]

    return command


def requests_pool(threads: int) -> Command:
    return lambda urls, folder: [
        str(_OTHERS / "python"),
        str(HERE / "requests_pool.py"),
        str(urls),
        str(folder),
        str(threads),
    ]


@dataclass
class Measured:
    """One run: by the server's clock, and of the whole process."""

    rate: float
    wall_s: float
    cpu_s: float
    rss_mb: float
    answered: int


def run(command: Command, urls: list[str], web: Web, scratch: Path) -> Measured:
    list_, folder = scratch / "urls.txt", scratch / "out"
    shutil.rmtree(folder, ignore_errors=True)
    list_.write_text("\n".join(urls) + "\n")
    words = command(list_, folder)
    web.forget()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    environment = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, start_new_session=True, env=environment)
        memory = Memory(process.pid)
        status = process.wait(600)
        wall = time.monotonic() - began
        if status not in (0, 22):
            said.seek(0)
            raise SystemExit(f"{words[0]} ended with status {status}:\n{said.read()[-2000:].decode(errors='replace')}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answered, seconds = web.seconds()
    memory.end()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(answered / max(seconds, 1e-9), wall, cpu, memory.together, answered)


def compare(
    title: str, tools: dict[str, Command], urls: list[str], web: Web, scratch: Path, rounds: int
) -> dict[str, Measured]:
    """Run the tools in turn, ``rounds`` times after a warm-up; prints and returns each one's medians."""
    runs: dict[str, list[Measured]] = {name: [] for name in tools}
    for number in range(rounds + 1):
        for name, command in tools.items():
            measured = run(command, urls if number else urls[:500], web, scratch)
            if number:
                runs[name].append(measured)
    print(f"\n{title}: {len(urls):,} URLs, medians of {rounds} rounds")
    print(f"{'':34}{'images/s':>10}{'whole, s':>10}{'CPU s/1,000':>13}{'peak MB':>9}{'answered':>10}")
    medians = {}
    for name, measured in runs.items():
        median = Measured(*(statistics.median(getattr(m, f) for m in measured) for f in Measured.__dataclass_fields__))
        medians[name] = median
        cpu = 1000 * median.cpu_s / len(urls)
        print(
            f"{name:34}{median.rate:10,.0f}{median.wall_s:10.1f}{cpu:13.2f}{median.rss_mb:9.0f}{median.answered:10,.0f}",
            flush=True,
        )
    return medians


def ratio(what: str, value: float, wanted: str) -> None:
    print(f"  {what}: {value:.2f} (wanted: {wanted})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--urls", type=int, default=20_000)
    parser.add_argument("--only", default="", help="raw, decoded, slow, closing, silent, dead")
    options = parser.parse_args()
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name,
        loopback_web.running(Path(name, "web")) as web,
    ):
        scratch = Path(name, "scratch")
        scratch.mkdir()
        parts = {"raw": raw, "decoded": decoded, "slow": slow, "closing": closing, "silent": silent, "dead": dead}
        for part, measure in parts.items():
            if part in (options.only.split(",") if options.only else parts):
                measure(web, scratch, options.urls, options.rounds)


def raw(web: Web, scratch: Path, count: int, rounds: int) -> None:
    tools = {
        "affectflow, 1 process": ours(),
        "affectflow, 2 processes": ours(32, 2),
        "img2dataset, 2 x 32, as they are": img2dataset(2, 32, "--disable_all_reencoding", "True"),
        "curl --parallel, 64": curl(64),
        "requests, 64 threads": requests_pool(64),
    }
    one, two, theirs, curls, _ = compare("Decoding off", tools, web.urls(count), web, scratch, rounds).values()
    ratio("images/s, best of ours / img2dataset", max(one.rate, two.rate) / theirs.rate, ">= 3.5")
    ratio("images/s, one process / img2dataset", one.rate / theirs.rate, ">= 3.5")
    ratio("CPU, one process / img2dataset", one.cpu_s / theirs.cpu_s, "<= 0.20")
    ratio("peak memory, one process / img2dataset", one.rss_mb / theirs.rss_mb, "<= 0.25")
    ratio("images/s, one process / curl", one.rate / curls.rate, ">= 0.6")
    ratio("images/s, two processes / curl", two.rate / curls.rate, ">= 0.85")


def decoded(web: Web, scratch: Path, count: int, rounds: int) -> None:
    tools = {
        "affectflow, 1 process": ours(decode="true"),
        "affectflow, 2 processes": ours(32, 2, decode="true"),
        "img2dataset, 2 x 32, re-encoded": img2dataset(2, 32),
    }
    one, two, theirs = compare("Fully decoded", tools, web.urls(count // 2), web, scratch, rounds).values()
    ratio("images/s, best of ours / img2dataset", max(one.rate, two.rate) / theirs.rate, ">= 2.5")


def slow(web: Web, scratch: Path, count: int, rounds: int) -> None:
    if not web.can_be_slow:
        print("\nAnswers after 100 ms: left out, for want of Debian's libnginx-mod-http-echo")
        return
    at_once = compare("At once", {"affectflow, 256": ours(256)}, web.urls(count // 2), web, scratch, rounds)
    urls = web.urls(count // 2, loopback_web.SLOW)
    late = compare("100 ms later", {"affectflow, 256": ours(256)}, urls, web, scratch, rounds)
    possible = min(2560.0, at_once["affectflow, 256"].rate)
    ratio("images/s / the smaller of 2,560 and that at once", late["affectflow, 256"].rate / possible, ">= 0.8")


def closing(web: Web, scratch: Path, count: int, rounds: int) -> None:
    tools = {"affectflow, 1 process": ours(), "curl --parallel, 64": curl(64)}
    urls = web.urls(count // 2, loopback_web.CLOSING)
    one, curls = compare("A connection for each image", tools, urls, web, scratch, rounds).values()
    ratio("images/s, ours / curl", one.rate / curls.rate, ">= 0.5")


def silent(web: Web, scratch: Path, count: int, rounds: int) -> None:
    dead, living = 600, web.urls(1400)
    step = len(living) // dead
    urls = list(living)
    for i, url in enumerate(web.silent_urls(dead)):
        urls.insert(i * (step + 1), url)
    with loopback_web.silent(dead):
        tools = {"affectflow": ours(64, timeout_s=5, retries=0)}
        (one,) = compare("30 % silent, 5 s timeout", tools, urls, web, scratch, rounds).values()
    ratio("seconds in all", one.wall_s, "< 8")
    ratio("peak MB", one.rss_mb, "< 150")


def dead(web: Web, scratch: Path, count: int, rounds: int) -> None:
    """2 % of the rows, at ten hosts that never answer; the timeout is scaled down with the length of the list."""
    living = web.urls(count)
    urls = list(living)
    for i in range(count // 50):
        urls.insert(i * 50, web.silent_urls(10)[i % 10] + f"?{i}")
    with loopback_web.silent(10):
        tools = {"affectflow": ours(64, timeout_s=0.2, retries=1)}
        (without,) = compare("All hosts alive", tools, living, web, scratch, rounds).values()
        (with_dead,) = compare("2 % at dead hosts", tools, urls, web, scratch, rounds).values()
    ratio("seconds, with / without", with_dead.wall_s / without.wall_s, "<= 1.3")


if __name__ == "__main__":
    main()
