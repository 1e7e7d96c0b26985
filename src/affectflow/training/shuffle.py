"""An endless order of records, any part of which is known without the parts before it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class Shuffle:
    """Every epoch has each of ``count`` records once, in an order that depends on ``seed`` and its number."""

    def __init__(self, count: int, *seed: int) -> None:
        self._count = count
        self._seed = seed
        self._epoch = lru_cache(2)(self._draw)  # a batch may lie in two

    def numbers(self, position: int, count: int) -> NDArray[np.int64]:
        """The records at ``count`` places from ``position`` on, counted through all epochs."""
        found: list[NDArray[np.int64]] = []
        while count > 0:
            epoch, place = divmod(position, self._count)
            found.append(self._epoch(epoch)[place : place + count])
            position, count = position + len(found[-1]), count - len(found[-1])
        return np.concatenate(found)

    def _draw(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([*self._seed, epoch]).permutation(self._count)
