"""Records copied to the machine's own disk, where a shared file system is slow."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from affectflow.errors import UserError


@contextmanager
def staged(files: Sequence[Path], wanted: bool) -> Iterator[list[Path]]:
    """The files, or copies of them below ``$TMPDIR`` that are gone when the block ends.

    Raises :class:`UserError` where there is no room for them.
    """
    if not wanted:
        yield list(files)
        return
    with tempfile.TemporaryDirectory(prefix="affectflow-records-") as name:
        needed = sum(path.stat().st_size for path in files)
        if needed > shutil.disk_usage(name).free:
            raise UserError(
                f"{name} has no room for {needed:,} bytes of records; set TMPDIR to a larger disk or training.stage to "
                "false."
            )
        copies = []
        for number, path in enumerate(files):
            copies.append(Path(name, f"{number:05d}-{path.name}"))
            shutil.copyfile(path, copies[-1])
        yield copies
