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


def job(log: Path, code: str, program: str = _JOB) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, str(log), code], capture_output=True, text=True, check=False)


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


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("raise UserError('x.csv cannot be written.')", "affectflow: x.csv cannot be written.\n"),
        ("raise ValueError('x')", "affectflow: ValueError: x (the traceback is in /dev/full)\n"),
        ("print('x')", "affectflow: No space left on device; free disk space, and the same command goes on."),
    ],
)
@pytest.mark.parametrize("console", ["", "1"])
def test_an_error_is_told_where_the_disk_of_the_log_is_full(
    monkeypatch: pytest.MonkeyPatch, code: str, line: str, console: str
) -> None:
    monkeypatch.setenv("AFFECTFLOW_CONSOLE", console)
    done = job(Path("/dev/full"), code, _JOB.replace('print("printed")', "pass"))
    assert done.returncode == 1 and done.stderr.startswith(line)


def test_a_long_error_is_cut_on_the_terminal(tmp_path: Path) -> None:
    done = job(tmp_path / "job.log", "raise ValueError('x' * 5000)")
    assert len(done.stderr) < 700 and "x" * 5000 in (tmp_path / "job.log").read_text()


def test_a_job_without_error_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    done = job(tmp_path / "job.log", "sys.stderr.write('written')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "job.log").read_text() == "printed\nwritten"
