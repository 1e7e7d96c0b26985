"""Programs for a network namespace of their own: ``python -m tests.faults.programs NAME``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from affectflow.demo.web_plan import DOMAIN
from affectflow.download.engine import Engine
from affectflow.download.lists import Row
from affectflow.download.outcomes import Outcome
from affectflow.download.settings import Settings
from affectflow.download.store import Store
from affectflow.media import file_names as names
from tests.loopback import Web

IMAGE = b"GIF89a" + bytes(200)  # not decoded here


def outcomes(settings: Settings, urls: list[str]) -> Counter[str]:
    found: Counter[str] = Counter()

    def finish(_: Row, outcome: Outcome) -> None:
        found[outcome.outcome] += 1

    rows = [Row(url, "", names.file_name(url), names.key(names.url_digest(url))) for url in urls]
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder), 10**6, decode=False) as store:
        asyncio.run(Engine(settings, store, finish).run(iter(rows)))
    return found


def no_route() -> None:
    """The address 127.0.0.77 was made unreachable."""
    settings = Settings(timeout_s=2, retries=0, allow_private_hosts=("127.0.0.77",))
    print(*outcomes(settings, ["http://127.0.0.77:8080/a.jpg"]))


def outage() -> None:
    """The loopback device goes down for three seconds in mid-run."""
    site = Web(IMAGE)
    paths = [f"/slow/{i}" for i in range(300)]

    async def slow(request: object) -> object:
        await asyncio.sleep(0.02)
        return await site._ok(request)  # type: ignore[arg-type]

    site.answers.update(dict.fromkeys(paths, slow))  # type: ignore[arg-type]

    def lose() -> None:
        while site.hits.total() < 50:
            time.sleep(0.01)
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        time.sleep(3)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    thread = threading.Thread(target=lose)
    thread.start()
    settings = site.settings(concurrency=4, timeout_s=1, decode=False)
    urls = [site.url(path, f"host{i % 20}.{DOMAIN}") for i, path in enumerate(paths)]
    print(*(f"{count} {outcome}" for outcome, count in outcomes(settings, urls).items()))
    thread.join()
    site.stop()


if __name__ == "__main__":
    {"no_route": no_route, "outage": outage}[sys.argv[1]]()
