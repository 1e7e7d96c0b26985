"""Keep the writers of a folder apart: one work at a time, whose processes may be several."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from affectflow.core.errors import UserError

_PATIENCE_S = 2.0  # in which a process that is ending, or has just begun, leaves the lock as it will be
_PAUSE_S = 0.05


@contextmanager
def one_writer(folder: Path, writer: str, work: str = "") -> Iterator[None]:
    """Hold a folder's lock, a file beside it, in the block; the system releases it when the process ends.

    Args:
        folder: The folder, which is created if missing.
        writer: What writes there, for the message to the others.
        work: Names a work that several processes share; those of another work are kept out. Empty for one process.

    Raises:
        UserError: Another one is writing there, and the message names its process and host; or the file system has no
            locks, such as some network mounts.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = folder.with_name(f".{folder.name}.lock").open("a+")
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); choose another place.") from None
    with stream:
        _take(stream, folder, writer, work)
        yield


def _take(stream: IO[str], folder: Path, writer: str, work: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        if _try(stream, fcntl.LOCK_EX):
            stream.seek(0)
            stream.truncate()
            json.dump({"process": os.getpid(), "host": socket.gethostname(), "work": work}, stream)
            stream.flush()
            if work:
                fcntl.flock(stream, fcntl.LOCK_SH)
            return
        holder = _holder(stream)
        if work and holder.get("work") == work and _try(stream, fcntl.LOCK_SH):
            return
        if time.monotonic() > deadline:
            raise UserError(
                f"{folder} is being written by another {writer} (process {holder.get('process', '?')} on "
                f"{holder.get('host', '?')}); wait for it, or end it."
            )
        time.sleep(_PAUSE_S)


def _try(stream: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise UserError(
            f"{stream.name} cannot be locked ({error.strerror}); its file system has no locks: choose another place."
        ) from None
    return True


def _holder(stream: IO[str]) -> dict[str, object]:
    stream.seek(0)
    try:
        found = json.loads(stream.read())
    except ValueError:  # being written
        return {}
    return found if isinstance(found, dict) else {}
