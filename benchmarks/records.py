"""affectflow's records beside TensorFlow's own way, img2dataset and a bare loop; its reader beside a bare decoder.

``make bench-records`` converts the same 3,000 images (JPEG, 3 % PNG, 3 % GIF) with the same 60 labels by each tool in
turn, rounds interleaved after a warm-up, and prints medians of whole processes, start-up included, with ratios. Ours
checks SHA-256, decodes every image to its end, writes an index and leaves no half shard behind. img2dataset fetches
from nginx on loopback, since it takes nothing else. Everything lies in memory where that is possible.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from benchmarks import images, loopback_web
from benchmarks.memory import Memory

HERE = Path(__file__).parent
_OTHERS = HERE.parent / ".venv-bench" / "bin"
_SHARDS = 8
_AFTER = re.compile(r"after start-up: ([\d.]+)")
Command = Callable[[Path], list[str]]


@dataclass
class Measured:
    """Of a whole process: images a second, the same after its start-up, CPU, peak memory.

    A start-up is what the same command takes for nothing, unless the command itself says how fast it was afterwards.
    """

    rate: float
    after: float
    cpu_s: float
    largest_mb: float
    together_mb: float


def run(command: Command, out: Path, start_up_s: float = 0.0) -> Measured:
    shutil.rmtree(out, ignore_errors=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "NO_ALBUMENTATIONS_UPDATE": "1"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command(out), stdout=said, stderr=said, start_new_session=True, env=environment)
        memory = Memory(process.pid)
        status, wall = process.wait(600), time.monotonic() - began
        memory.end()
        said.seek(0)
        text = said.read().decode(errors="replace")
    if status:
        raise SystemExit(f"{command(out)[:2]} ended with status {status}:\n{text[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = _AFTER.search(text)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    after_s = max(wall - start_up_s, 1e-9)
    return Measured(
        images.COUNT / wall,
        float(found[1]) if found else images.COUNT / after_s,
        cpu,
        memory.largest,
        memory.together,
    )


def ours(folder: Path, processes: int, samples: str = "samples.parquet") -> Command:
    settings = {"records": {"shards": _SHARDS, "image_size": images.SIDE}}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(settings))
    return lambda out: [
        *(sys.executable, "-m", "affectflow.cli", "write-records", str(folder / samples)),
        *("--images", str(folder / "images"), "--out", str(out), "--state", str(out / "state")),
        *("--processes", str(processes), "--configfile", str(config)),
    ]


def img2dataset(urls: Path) -> Command:
    return lambda out: [
        str(_OTHERS / "img2dataset"),
        *(
            "--url_list",
            str(urls),
            "--input_format",
            "csv",
            "--url_col",
            "url",
            "--save_additional_columns",
            '["units"]',
        ),
        *("--output_folder", str(out), "--output_format", "tfrecord", "--resize_mode", "no"),
        *("--disable_all_reencoding", "True", "--retries", "0", "--processes_count", "2", "--thread_count", "32"),
        *("--number_sample_per_shard", str(images.COUNT // _SHARDS)),
    ]


def bare(plain: Path) -> Command:
    return lambda out: [sys.executable, str(HERE / "bare_loop.py"), str(plain), str(out), str(_SHARDS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="writing,reading")
    options = parser.parse_args()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        images.lay_out(folder)
        if "writing" in options.only:
            writing(folder, options.rounds)
        if "reading" in options.only:
            reading(folder, options.rounds)


def writing(folder: Path, rounds: int) -> None:
    plain, out, urls = folder / "plain", folder / "out", folder / "urls.csv"
    with loopback_web.running(folder / "web", plain) as web:
        lines = (
            f'{web.url(name)},"{images.labels_of(number)}"\n'
            for number, name in enumerate(sorted(path.name for path in plain.iterdir()))
        )
        urls.write_text("url,units\n" + "".join(lines))
        tools: dict[str, Command] = {
            "affectflow, 2 processes": ours(folder, 2),
            "affectflow, 1 process": ours(folder, 1),
            "TensorFlow's flow, 2 threads": lambda out: [
                *(sys.executable, str(HERE / "tensorflow_flow.py"), str(plain), str(out), "2", str(_SHARDS))
            ],
            "img2dataset, TFRecord, 2 x 32": img2dataset(urls),
            "bare loop, 2 processes": bare(plain),
        }
        nothing = {
            "affectflow, 2 processes": ours(folder, 2, "none.parquet"),
            "affectflow, 1 process": ours(folder, 1, "none.parquet"),
            "bare loop, 2 processes": bare(folder / "none"),
        }
        runs: dict[str, list[Measured]] = {tool: [] for tool in tools}
        for number in range(rounds + 1):
            for tool, command in tools.items():
                start_up = images.COUNT / run(nothing[tool], out).rate if tool in nothing else 0.0
                measured = run(command, out, start_up)
                if number:
                    runs[tool].append(measured)
    print(f"\nRecords: {images.COUNT:,} images of {images.SIDE} pixels, medians of {rounds} rounds")
    print(f"{'':34}{'images/s':>11}{'after start':>12}{'CPU s':>8}{'largest MB':>12}{'all MB':>8}")
    medians = {}
    for tool, measured in runs.items():
        m = medians[tool] = Measured(
            *(statistics.median(getattr(m, f.name) for m in measured) for f in fields(Measured))
        )
        print(f"{tool:34}{m.rate:11,.0f}{m.after:12,.0f}{m.cpu_s:8.2f}{m.largest_mb:12.0f}{m.together_mb:8.0f}")
    two, _, flow, others, least = medians.values()
    ratio("whole processes, ours / TensorFlow's flow", two.rate / flow.rate, ">= 3")
    ratio("after start-up, ours / TensorFlow's flow", two.after / flow.after, ">= 1.2")
    ratio("after start-up, ours / bare loop", two.after / least.after, ">= 0.8")
    ratio("whole processes, ours / bare loop", two.rate / least.rate, "reported")
    ratio("ours / img2dataset", two.rate / others.rate, "reported")
    ratio("MB of our largest process", two.largest_mb, "< 150")


def reading(folder: Path, rounds: int) -> None:
    """In a process of its own, as training is."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.reader", str(folder), str(rounds)],
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def ratio(what: str, value: float, wanted: str) -> None:
    print(f"  {what}: {value:.2f} (wanted: {wanted})", flush=True)


if __name__ == "__main__":
    main()
