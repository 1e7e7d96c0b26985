"""Progress bars on a terminal, silence in logs."""

from __future__ import annotations

import sys

from tqdm import tqdm


def progress(total: int | None, unit: str, description: str) -> tqdm[None]:
    """A bar on standard error; nothing where that is no terminal."""
    return tqdm(total=total, unit=unit, desc=description, disable=not sys.stderr.isatty(), leave=False)
