"""Write files that appear whole or not at all, and never in place of what is being read."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from affectflow.core.errors import UserError

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM)
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ENOENT, errno.EINVAL)
"""Of a path that the file system does not allow, or in a folder of the kernel's."""
_NAME_KEPT = 200  # characters of a name in that of its temporary file
_protected: dict[object, Path] = {}
_tidied: set[Path] = set()


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends without an error.

    The temporary name is this process's own; those that processes of this host left behind when they were killed are
    removed.

    Raises:
        UserError: No file can be there, the disk is full or does not allow it, or the file is one that a command reads
            (:func:`protect`).
    """
    path = Path(path)
    check_not_read(path)
    partial = path.with_name(f".{path.name[:_NAME_KEPT]}.{_host()}-{os.getpid()}.partial")
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder; give the path of a file.")
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is a device or a pipe; give the path of a file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_behind(path.parent)
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); choose another place.") from None
    try:
        with disk_errors(path):
            yield partial
            _take_name(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _take_name(partial: Path, path: Path) -> None:
    try:
        os.replace(partial, path)
    except OSError as error:
        if error.errno not in _IMPOSSIBLE or not partial.exists():
            raise
        raise UserError(f"{path} cannot be written ({error.strerror}); choose another place.") from None


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the errors of a disk in the block into a :class:`UserError`: full, over a quota, read-only, broken.

    Args:
        path: What is written, for the message.
    """
    try:
        yield
    except OSError as error:
        reason = _disk_error(error)
        if reason is None:
            raise
        raise UserError(
            f"{path} cannot be written ({reason}); free disk space, or choose another place, and run again."
        ) from None


def _disk_error(error: OSError) -> str | None:
    """Return what is wrong with the disk, also where a library passes the system's error on in its own words."""
    for number in _DISK_ERRORS:
        reason = os.strerror(number)
        if error.errno == number or reason in str(error) or f"errno {number}]" in str(error).lower():
            return reason
    return None


@contextmanager
def protect(paths: Iterable[Path]) -> Iterator[None]:
    """Keep files from being replaced by :func:`atomic_write` in the block: what a command reads."""
    _protected.update((identity(path), path) for path in paths)
    try:
        yield
    finally:
        _protected.clear()


def check_not_read(path: Path) -> None:
    """Raise :class:`UserError` where a file that is to be written is a protected one."""
    if _protected and identity(path) in _protected:
        raise UserError(f"{path} is also read; write to another file.")


def identity(path: Path) -> object:
    """Return what is the same for two names of one file: links are followed, hard ones too."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _remove_left_behind(folder: Path) -> None:
    """Remove the temporary files in a folder whose processes, of this host, have ended; once in a process."""
    if folder in _tidied:
        return
    _tidied.add(folder)
    for left in glob.glob(f".*.{_host()}-*.partial", root_dir=folder):
        process = left.rsplit("-", 1)[-1].removesuffix(".partial")
        if process.isdecimal() and not _is_alive(int(process)):
            with suppress(OSError):
                (folder / left).unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no process's number: left alone
        pass
    return True
