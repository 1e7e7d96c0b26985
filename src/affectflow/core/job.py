"""What every workflow script does around its one call: log to its file, and fail with one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectflow.core.errors import UserError


@contextmanager
def job(log: Path | str) -> Iterator[None]:
    """Send everything printed, by C libraries too, to ``log``.

    The terminal keeps progress bars (on ``sys.__stderr__``) and, for a :class:`UserError`, its sentence; the process
    then ends with status 1.
    """
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    sys.__stderr__ = terminal  # type: ignore[misc]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8", buffering=1) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout = sys.stderr = stream
        try:
            yield
        except UserError as error:
            for target in (stream, terminal):
                print(f"affectflow: {error}", file=target)
            stream.flush()
            os._exit(1)
