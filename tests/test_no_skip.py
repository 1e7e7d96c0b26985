"""Where everything has to be at hand, a skipped test is a failed one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NO_SKIP, ROOT

_TESTS = """
import pytest

@pytest.fixture
def cluster():
    pytest.skip("no cluster")

def test_of_a_cluster(cluster): pass
def test_of_a_package(): pytest.importorskip("no_such_package")
@pytest.mark.skipif(True, reason="no detector")
def test_of_a_detector(): pass
@pytest.mark.xfail
def test_of_a_known_bug(): assert False
def test_of_nothing(): pass
"""


@pytest.mark.parametrize(
    ("value", "workers", "ends"),
    [("", [], "1 passed, 4 skipped, 1 xfailed"), ("1", ["-n1"], "1 failed, 1 passed, 1 xfailed, 3 errors")],
)
def test_what_is_skipped_fails_where_nothing_may_be(tmp_path: Path, value: str, workers: list[str], ends: str) -> None:
    (tmp_path / "test_some.py").write_text(_TESTS)
    (tmp_path / "test_module.py").write_text("import pytest; pytest.importorskip('no_such_package')\n")
    words = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", str(tmp_path)]
    words += ["-p", "no:cacheprovider", "--continue-on-collection-errors", *workers, str(tmp_path)]
    result = subprocess.run(words, cwd=ROOT, env={**os.environ, NO_SKIP: value}, capture_output=True, text=True)
    assert ends in result.stdout, result.stdout
    assert bool(result.returncode) is bool(value)
    assert [reason in result.stdout for reason in ("no cluster", "no detector")] == [bool(value)] * 2
