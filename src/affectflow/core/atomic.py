"""Write files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectflow.core.errors import UserError


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends without an error.

    Every file has one writer at a time, so the temporary name is fixed, and what a kill left is overwritten. Raises
    :class:`UserError` where no file can be.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the path of a file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); choose another place.") from None
    partial.unlink(missing_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path} cannot be written: its folder does not allow it; choose another place.")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
