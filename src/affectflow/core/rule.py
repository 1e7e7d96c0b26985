"""Run the stage of a rule as a job of the workflow: arguments by name, a log file, and one sentence on failure."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from affectflow.core.errors import UserError
from affectflow.core.interruption import Interrupted, OutOfTime
from affectflow.core.progress import TO_TERMINAL
from affectflow.core.stage import Stage, address, code_of, find, parameters, settings_of

_ADDRESS = "stage"
_CODE = "code"
CONSOLE = "AFFECTFLOW_CONSOLE"
"""Set in the environment of jobs whose errors the console shows (:mod:`affectflow.console`)."""
FOUND = "found: "
"""Begins the lines of a log that say what a stage found."""
_ERROR = "affectflow: "
"""Begins the line of a log that says why the job failed."""
_STOPPED = "stopped; the same command goes on"
_OUT_OF_TIME = "saved at its time limit; the next try goes on"
_UNEXPECTED = "(the traceback is in "
_READ_FROM_END = 1 << 16
_STATUS_OF_CTRL_C = 130
_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAX_REASON = 500
"""Characters of an error on the terminal."""


def error_in(log: Path) -> str | None:
    """Return the error that ended the job of a log, as the terminal has it; None where there is none."""
    return next((line.removeprefix(_ERROR) for line in reversed(last_lines(log)) if line.startswith(_ERROR)), None)


def ended_by_user_error(log: Path) -> bool:
    """Return whether a mistake of the user's ended the job of a log, for which another try would be in vain."""
    error = error_in(log)
    return error is not None and _UNEXPECTED not in error


def interruption_in(log: Path) -> str | None:
    """Return how the job of a log was interrupted, by a signal or a time limit; None where it was not."""
    return next((line for line in reversed(last_lines(log)) if line in (_STOPPED, _OUT_OF_TIME)), None)


def last_lines(log: Path) -> list[str]:
    """Return the end of a log; nothing where there is none."""
    if not log.is_file():
        return []
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _READ_FROM_END))
        return stream.read().decode(errors="replace").splitlines()


def rule_params(function: Stage, config: Any, **others: Any) -> dict[str, Any]:
    """Return the ``params`` of the rule that runs a stage.

    They are the stage's address, the digest of its code, the settings that it takes from the configuration, and others.

    Args:
        function: The stage.
        config: The configuration as the workflow has it.
        others: Further params, which take precedence.
    """
    return {_ADDRESS: address(function), _CODE: code_of(function), **settings_of(function, config), **others}


def run_rule(snakemake: Any) -> None:
    """Run the stage that a rule's params name, with the rule's files, params, wildcards, threads and resources."""
    function = find(snakemake.params[_ADDRESS])
    summary = function(**_arguments(function, snakemake))
    for line in (summary or "").splitlines():
        print(f"{FOUND}{line}")


def _arguments(function: Stage, snakemake: Any) -> dict[str, Any]:
    sources = [dict(one.items()) for one in (snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)]
    sources += [{"threads": snakemake.threads}, dict(snakemake.resources.items())]
    sources += [settings_of(function, snakemake.config, untracked=True)]
    found = {}
    for name, parameter in parameters(function).items():
        source = next((one for one in sources if name in one), None)
        if source is not None:
            found[name] = parameter.convert(source[name])
    return found


@contextmanager
def job_log(log: Path | str) -> Iterator[None]:
    """Send everything printed and logged, by C libraries too, to ``log``.

    The terminal keeps progress bars (on ``sys.__stderr__``) and, unless the console looks for it in the log, gets one
    line for an error, with which the process ends with status 1: the sentence of a :class:`UserError`, or the last line
    of a traceback and where the rest of it is.
    """
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    sys.__stderr__ = terminal  # type: ignore[misc]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8", buffering=1) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout = sys.stderr = stream
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=stream)
        logging.getLogger(TO_TERMINAL).addHandler(logging.StreamHandler(terminal))
        try:
            yield
        except UserError as error:
            _tell(f"{_ERROR}{error}", stream, terminal)
            os._exit(1)
        except (Interrupted, KeyboardInterrupt) as error:
            print(_OUT_OF_TIME if isinstance(error, OutOfTime) else _STOPPED)
            raise SystemExit(error.code if isinstance(error, Interrupted) else _STATUS_OF_CTRL_C) from None
        except Exception as error:
            with suppress(OSError):
                traceback.print_exc(file=stream)  # now, because the log is closed when the interpreter would print it
            reason = " ".join("".join(traceback.format_exception_only(error)).split())
            if isinstance(error, OSError) and error.errno in _FULL:
                reason = f"{error.strerror}; free disk space, and the same command goes on."
            _tell(f"{_ERROR}{reason[:_MAX_REASON]} {_UNEXPECTED}{log})", stream, terminal)
            raise SystemExit(1) from None


def _tell(line: str, log: TextIO, terminal: TextIO) -> None:
    """Write a line to the log, and to the terminal where no console reads the log or the log's disk is full."""
    try:
        print(line, file=log, flush=True)
        is_read = bool(os.environ.get(CONSOLE))
    except OSError:
        is_read = False
    if not is_read:
        print(line, file=terminal)
