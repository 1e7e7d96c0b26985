"""Progress for people who wait: a bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

TO_TERMINAL = "affectflow.console"
"""Name of the logger whose records go to the terminal, too, from a job whose log is a file."""
_LINE_EVERY_S = 60.0

log = logging.getLogger(TO_TERMINAL)


def progress(total: int | None, unit: str, description: str) -> tqdm[Any]:
    """Return a progress bar for a terminal; without one, it logs a line a minute, the first after a minute.

    Args:
        total: Number of units until the end, None where it is unknown.
        unit: What is counted, such as ``frame``.
        description: What is done, at the beginning of the bar and of each line.
    """
    terminal = sys.__stderr__
    if terminal is not None and terminal.isatty():
        return tqdm(total=total, unit=unit, desc=description, leave=False, file=terminal)
    return _Lines(total=total, unit=unit, desc=description, leave=False, mininterval=_LINE_EVERY_S, miniters=1)


class _Lines(tqdm):  # type: ignore[type-arg]
    """Logs lines instead of drawing a bar."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        facts: Mapping[str, Any] = self.format_dict
        if facts["elapsed"] < _LINE_EVERY_S:
            return
        rate = facts["rate"] or facts["n"] / facts["elapsed"]
        of = f" of {facts['total']:,}" if facts["total"] else ""
        left = f", {_left((facts['total'] - facts['n']) / rate)} left" if facts["total"] and rate else ""
        more = f" ({facts['postfix']})" if facts["postfix"] else ""
        unit = f"{facts['unit'].removesuffix('s')}s"
        log.info("%s: %s%s %s, %.3g a second%s%s", facts["prefix"], f"{facts['n']:,}", of, unit, rate, left, more)

    def close(self) -> None:
        self.disable = True  # and leave no last line


def _left(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h" if minutes >= 60 else f"{minutes}:{rest:02} min"
