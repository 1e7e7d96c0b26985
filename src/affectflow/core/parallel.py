"""Work shared out over processes or threads."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from affectflow.core.orphan import end_with

T = TypeVar("T")
R = TypeVar("R")


def over_threads(do: Callable[[T], R], work: Iterable[T], threads: int) -> Iterator[R]:
    """Yield the result of each piece of work, in order; no more work is fetched than keeps the threads busy.

    Args:
        do: Called with each piece, in a thread.
        work: The pieces.
        threads: Number of threads.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for piece in work:
                waiting.append(pool.submit(do, piece))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def over_processes(do: Callable[[T], R], work: Sequence[T], processes: int) -> Iterator[R]:
    """Yield the result of each piece of work, in order.

    Args:
        do: Called with each piece.
        work: The pieces.
        processes: Number of processes; with one, this process does the work.
    """
    if processes == 1:
        yield from map(do, work)
        return
    with ProcessPoolExecutor(min(processes, max(1, len(work))), initializer=_begin, initargs=(os.getpid(),)) as pool:
        yield from pool.map(do, work)


def _begin(parent: int) -> None:
    """Begin a process of :func:`over_processes`."""
    # What the parent has left to be collected may wait for threads that a fork does not have, such as FFmpeg's.
    gc.freeze()
    end_with(parent)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of one size; the last may have fewer.

    Args:
        items: The items.
        size: Number of items in a list.
    """
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
