"""A download that is killed again and again ends as one that was left alone; so does one whose disk was full."""

from __future__ import annotations

import asyncio
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from PIL import Image

from affectflow.demo.web_plan import DOMAIN
from tests.loopback import Web

KILLS = 100
IMAGES = 1200
IN_FLIGHT = 8


@pytest.fixture
def site() -> Iterator[Web]:
    buffer = io.BytesIO()
    Image.effect_noise((80, 80), 60).convert("RGB").save(buffer, "JPEG")
    assert 2400 < len(buffer.getvalue()) < 20_000  # so that half of it is half of it
    server = Web(buffer.getvalue())
    yield server
    server.stop()


def urls(site: Web) -> list[str]:
    """Images, and every failure that a loopback web can make, spread among them."""
    lost = [site.url(f"/status/{code}/{i}") for code in (404, 403, 410, 500, 301) for i in range(4)]
    lost += [
        site.url(f"/{path}/{i}")
        for i in range(4)
        for path in ("none/silent", "none/reset", "part/silent", "part/close", "body/html", "body/half", "body/empty")
    ]
    lost += [site.url(f"/loop/{i}") for i in range(3)] + [site.url("/body/big"), "not a url", "ftp://x/"]
    lost += [f"http://host{i}.gone.{DOMAIN}/" for i in range(3)] + [f"http://closed.{DOMAIN}:{site.closed_port}/"]
    lost += [f"https://web.{DOMAIN}:{site.tls_port}/ok/tls", "http://127.0.0.1/blocked"]
    listed = [site.url(f"/ok/{i}") for i in range(IMAGES)]
    for number, url in enumerate(lost):
        listed.insert(number * 17, url)
    return listed


def command(site: Web, list_: Path, folder: Path) -> list[str]:
    settings = {
        "concurrency": IN_FLIGHT,
        "per_host": IN_FLIGHT,
        "rate_per_host": 0,
        "timeout_s": 0.4,
        "retries": 0,
        "max_bytes": 20_000,
        "nameservers": f'["127.0.0.1:{site.name_port}"]',
        "allow_private_hosts": f'["*.{DOMAIN}"]',
    }
    pairs = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return [sys.executable, "-m", "affectflow.cli", "download", str(list_), str(folder), *pairs]


def ledger(folder: Path) -> list[dict[str, Any]]:
    """Without what tells how often and when something was tried."""
    table = pq.read_table(folder / "ledger.parquet")
    return table.drop_columns(["attempts", "first_try", "last_try", "detail"]).to_pylist()  # type: ignore[no-any-return]


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "images").rglob("*") if path.is_file()}


@pytest.mark.long
def test_a_hundred_kills_change_nothing(site: Web, tmp_path: Path) -> None:
    listed = urls(site)
    list_ = tmp_path / "urls.txt"
    list_.write_text("\n".join(listed) + "\n")
    alone, stormy = tmp_path / "alone", tmp_path / "stormy"
    subprocess.run(command(site, list_, alone), check=True, capture_output=True, timeout=120)
    assert Counter(row["outcome"] for row in ledger(alone))["ok"] == IMAGES

    slow_down(site)
    site.hits.clear()
    moments = random.Random(0)
    kills = 0
    while kills < KILLS:
        with subprocess.Popen(command(site, list_, stormy), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            begun = site.hits.total()
            wanted = begun + moments.randint(0, IMAGES // KILLS)
            deadline = time.monotonic() + 20
            while site.hits.total() < wanted and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(moments.random() / 50)
            if run.poll() is None:
                run.send_signal(signal.SIGKILL)
                kills += 1
            else:
                assert run.stderr is not None
                assert run.returncode == 0, run.stderr.read()
                break
        for name, body in images(stormy).items() if (stormy / "images").exists() else ():
            assert name.startswith(".") or body == site.image
    assert kills == KILLS
    subprocess.run(command(site, list_, stormy), check=True, capture_output=True, timeout=120)
    assert ledger(stormy) == ledger(alone)
    kept = {name: body for name, body in images(stormy).items() if not name.startswith(".")}
    assert kept == images(alone)
    again = sum(hits - 1 for path, hits in site.hits.items() if path.startswith("/ok/") and hits > 1)
    assert again <= KILLS * IN_FLIGHT
    before = site.hits.total()
    subprocess.run(command(site, list_, stormy), check=True, capture_output=True, timeout=120)
    assert site.hits.total() == before


def slow_down(site: Web) -> None:
    """Images that take a while, so that a kill finds some under way."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return await site._ok(request)

    site.answers.update(dict.fromkeys((f"/ok/{i}" for i in range(IMAGES)), answer))


@pytest.mark.privileged
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root and mount")
def test_a_full_disk_is_a_sentence_and_a_clean_resume(site: Web, tmp_path: Path) -> None:
    list_ = tmp_path / "urls.txt"
    list_.write_text("".join(site.url(f"/ok/{i}") + "\n" for i in range(400)))
    disk = tmp_path / "disk"
    disk.mkdir()
    # A mount namespace of its own, so that nothing stays mounted whatever happens.
    script = (
        'mount -t tmpfs -o size=600k none "$1" && shift && "$@"; echo "status $?"; '
        'mount -o remount,size=60m "$DISK" && "$@" && cp -r "$DISK/out" "$COPY"'
    )
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(disk), *command(site, list_, disk / "out")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "DISK": str(disk), "COPY": str(tmp_path / "copy")},
    )
    assert "status 1" in run.stdout, run.stderr
    assert "No space left on device" in run.stderr and "free disk space" in run.stderr
    assert "Traceback" not in run.stderr
    assert Counter(row["outcome"] for row in ledger(tmp_path / "copy")) == {"ok": 400}
    assert set(images(tmp_path / "copy").values()) == {site.image}
    assert sum(hits > 1 for hits in site.hits.values()) <= 2 * IN_FLIGHT
