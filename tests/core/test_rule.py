"""What a failed job leaves: one line on the terminal, and all of it in its log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_JOB = """
import sys
from affectflow.core.errors import UserError
from affectflow.core.rule import job_log
with job_log(sys.argv[1]):
    print("printed")
    exec(sys.argv[2])
"""


def job(log: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _JOB, str(log), code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "line", "traced"),
    [
        ("raise UserError('a.csv, line 2: no AU; add one.')", "affectflow: a.csv, line 2: no AU; add one.", False),
        ("raise ValueError('one\\ntwo')", "affectflow: ValueError: one two (the traceback is in {log})", True),
        ("{}['key']", "affectflow: KeyError: 'key' (the traceback is in {log})", True),
        ("raise MemoryError", "affectflow: MemoryError (the traceback is in {log})", True),
    ],
)
def test_an_error_is_one_line_on_the_terminal(tmp_path: Path, code: str, line: str, traced: bool) -> None:
    log = tmp_path / "logs" / "job.log"
    done = job(log, code)
    assert done.returncode == 1 and done.stdout == "" and done.stderr == line.format(log=log) + "\n"
    assert log.read_text().startswith("printed\n") and ("Traceback" in log.read_text()) is traced


def test_a_long_error_is_cut_on_the_terminal(tmp_path: Path) -> None:
    done = job(tmp_path / "job.log", "raise ValueError('x' * 5000)")
    assert len(done.stderr) < 700 and "x" * 5000 in (tmp_path / "job.log").read_text()


def test_a_job_without_error_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    done = job(tmp_path / "job.log", "sys.stderr.write('written')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "job.log").read_text() == "printed\nwritten"
