"""Workers end with the process that they work for."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

_PARENT = """
import os, time
from affectflow.core.parallel import over_processes
def work(number):
    os.write(1, b"%d\\n" % os.getpid())  # at once, whatever else is written
    time.sleep(60)
list(over_processes(work, [1, 2], 2))
"""


@pytest.mark.parametrize("kernel_tells", [True, False])
def test_workers_of_a_pool_do_not_outlive_a_killed_parent(kernel_tells: bool) -> None:
    program = _PARENT if kernel_tells else f"import os; del os.pidfd_open\n{_PARENT}"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
    end = time.monotonic() + 10
    while any(map(_works, workers)):
        assert time.monotonic() < end
        time.sleep(0.05)


def _works(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        return stream.read().rpartition(")")[2].split()[0] != "Z"
