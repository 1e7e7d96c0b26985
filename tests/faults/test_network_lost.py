"""Hosts that cannot be reached and a network that goes away, in a network namespace that the test makes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"),
        reason="needs root, ip and unshare",
    ),
]


def alone(program: str, setup: str) -> str:
    command = f'{setup} && exec "$0" -m tests.faults.programs {program}'
    result = subprocess.run(
        ["unshare", "--net", "sh", "-c", command, sys.executable], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.strip()


def test_no_route_is_an_outcome_of_its_own() -> None:
    setup = "ip link set lo up && ip route add unreachable 127.0.0.77 table local"
    assert alone("no_route", setup) == "no_route"


def test_a_lost_network_writes_no_url_off() -> None:
    assert alone("outage", "ip link set lo up") == "300 ok"
