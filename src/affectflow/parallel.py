"""Work shared out over processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def over_processes(do: Callable[[T], R], work: Sequence[T], processes: int) -> Iterator[R]:
    """What ``do`` makes of each piece of work, in order; one process is this one."""
    if processes == 1:
        yield from map(do, work)
        return
    with ProcessPoolExecutor(min(processes, max(1, len(work)))) as pool:
        yield from pool.map(do, work)
