"""A list of a million URLs: how soon the first is asked for, and how soon a finished download finds nothing left.

``python -m benchmarks.long_list`` makes a finished download of images of one byte in memory, if there is some.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from affectflow.download.journal import Journal
from affectflow.download.outcomes import OK, Outcome
from affectflow.download.partition import PartitionSpec
from affectflow.media import file_names as names

_DECIDE = """
import resource, sys, time
from pathlib import Path
from affectflow.download.partition import PartitionSpec, RetryPolicy, fetch_partition
from affectflow.download.settings import Settings
folder = Path(sys.argv[1])
spec = PartitionSpec(folder / "urls.txt", 0, 1, folder / "images", folder / "journal")
start = time.monotonic()
fetch_partition(spec, Settings(), RetryPolicy(), lambda counts: sys.exit("something was left"))
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=1_000_000)
    count = parser.parse_args().urls
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name, socket.socket() as web:
        folder = Path(name)
        web.bind(("127.0.0.1", 0))
        web.listen()
        urls = (f"http://127.0.0.1:{web.getsockname()[1]}/{i}.jpg\n" for i in range(count))
        (folder / "urls.txt").write_text("".join(urls))
        print(f"first request of {count:,} URLs after {first_request(folder, web):.2f} s (wanted: < 3)", flush=True)
        finish(folder)
        seconds, megabytes = map(float, output(sys.executable, "-c", _DECIDE, str(folder)).split())
        print(
            f"nothing left: decided in {seconds:.1f} s (wanted: < 20) at {megabytes:.0f} MB (wanted: < 250)", flush=True
        )
        began = time.monotonic()
        output(*command(folder))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        print(f"and the ledger written: {time.monotonic() - began:.1f} s in all, {peak:.0f} MB (wanted: < 250)")


def command(folder: Path) -> list[str]:
    open_ = ("--set", 'allow_private_hosts=["127.0.0.0/8"]')
    return [sys.executable, "-m", "affectflow.cli", "download", str(folder / "urls.txt"), str(folder), *open_]


def output(*words: str) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def first_request(folder: Path, web: socket.socket) -> float:
    began = time.monotonic()
    process = subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        web.settimeout(60)
        web.accept()[0].close()
        return time.monotonic() - began
    finally:
        process.kill()
        process.wait()


def finish(folder: Path) -> None:
    """As if every image had come."""
    spec = PartitionSpec(folder / "urls.txt", 0, 1, folder / "images", folder / "journal")
    with Journal(spec.journal, 0, 1) as journal:
        for row in spec.rows():
            path = spec.images / names.relative_path(row.file_name)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.truncate(path, 1)
            journal.append(row, "", Outcome(OK, bytes=1, sha256="0" * 64, final_url=row.url, last_try=time.time()))


if __name__ == "__main__":
    main()
