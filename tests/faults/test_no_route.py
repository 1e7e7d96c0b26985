"""A host that cannot be reached, in a network namespace that the test makes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"),
        reason="needs root, ip and unshare",
    ),
]

_PROGRAM = """
import asyncio
from concurrent.futures import ThreadPoolExecutor
from affectflow.download.client import Client
from affectflow.download.settings import Settings

settings = Settings(4, 4, 2.0, 0, (), ("127.0.0.77",), 10**6, 10**6, "", 1)

async def main():
    with ThreadPoolExecutor(1) as decoders:
        async with Client(settings, decoders) as client:
            fetched = await client.fetch("http://127.0.0.77:8080/a.jpg")
            print(fetched.outcome.outcome)

asyncio.run(main())
"""


def test_no_route_is_an_outcome_of_its_own() -> None:
    setup = "ip link set lo up && ip route add unreachable 127.0.0.77 table local"
    result = subprocess.run(
        ["unshare", "--net", "sh", "-c", f'{setup} && exec "$0" -c "$1"', sys.executable, _PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout.strip() == "no_route", result.stderr[-2000:]
