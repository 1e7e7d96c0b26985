"""Progress bars on a terminal, silence in logs."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress(total: int | None, unit: str, description: str) -> tqdm[Any]:
    """A bar on the terminal; nothing where there is none."""
    terminal = sys.__stderr__
    shown = terminal is not None and terminal.isatty()
    return tqdm(total=total, unit=unit, desc=description, disable=not shown, leave=False, file=terminal)
