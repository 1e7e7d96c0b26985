"""Find inputs that are dated in the future, before anything starts.

Snakemake ends a job whose output is older than an input of it, after the work is done, and deletes the output.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from affectflow.core.errors import UserError

_TOLERANCE_S = 2.0
"""File systems round, and clocks of file servers differ by parts of a second."""
_NAMED = 3


def check_dates(inputs: Iterable[str], made: Iterable[str], folder: Path) -> None:
    """Check that no input of a run is dated in the future.

    Args:
        inputs: Files that jobs of the run read.
        made: Files that jobs of the run make, whose present dates do not matter.
        folder: Where results are written; the clock of its file system counts, too.

    Raises:
        UserError: Inputs are dated in the future.
    """
    now = max(time.time(), _clock_of(folder)) + _TOLERANCE_S
    late: dict[str, float] = {}
    for name in sorted(set(inputs).difference(made)):
        with suppress(OSError):  # of what is not there, Snakemake says so
            if (date := os.stat(name).st_mtime) > now:
                late[name] = date
    if late:
        first, date = next(iter(late.items()))
        named = " ".join(f"'{name}'" for name in list(late)[:_NAMED])
        more = f" (and {len(late) - _NAMED:,} more)" if len(late) > _NAMED else ""
        raise UserError(
            f"{first} is dated in the future ({time.strftime('%Y-%m-%d %H:%M', time.localtime(date))}), so that all "
            f"that is made from it would count as outdated; correct this machine's clock, or: touch {named}{more}"
        )


def _clock_of(folder: Path) -> float:
    """Return the time by which a file system dates files."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as stream:
        return os.fstat(stream.fileno()).st_mtime
