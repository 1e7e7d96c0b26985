"""End this process when the one that it works for has ended, so that nothing works on for a run that was killed."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

import psutil

_GRACE_S = 25.0
"""Longer than a training takes to save (:mod:`affectflow.core.interruption`)."""
_PAUSE_S = 1.0


def end_with(pid: int) -> None:
    """Send SIGTERM to this process when the process ``pid`` has ended, and end it for certain some seconds later.

    Args:
        pid: A process of this host, such as the parent of a pool's workers.
    """
    threading.Thread(target=_end_after, args=(pid,), daemon=True).start()


def _end_after(pid: int) -> None:
    _wait_for_end(pid)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(128 + signal.SIGTERM)


def _wait_for_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # not on this system
        while _is_alive(pid):
            time.sleep(_PAUSE_S)
        return
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    ended.poll()


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
