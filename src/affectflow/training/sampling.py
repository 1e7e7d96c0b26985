"""An endless order of records, any part of which is known without the parts before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.training.heads import VALENCE_AROUSAL


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


_NEEDED = {VALENCE_AROUSAL: 2}
"""Records in a batch without which a task has no loss worth the name: a CCC of one image does not exist."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Part:
    """Records with their share of a batch, and the tasks that all of them have labels for."""

    records: Numbers
    rate: float
    tasks: frozenset[str]


class Mixture:
    """The records of every batch."""

    def __init__(
        self,
        datasets: Sequence[str],
        labelled: Mapping[str, NDArray[np.bool_]],
        batch_size: int,
        shares: Mapping[str, float] | None,
        seed: int,
    ) -> None:
        """``datasets`` names each record's data set, ``labelled`` tells by task which records have its labels.

        Records with no label for any task are left out. ``shares`` of a batch by data set add up to 1 or to anything
        else; None takes each as often as it has records. Raises :class:`UserError` where a batch is too small to hold
        a record of every data set and task.
        """
        self._batch_size = batch_size
        used = np.flatnonzero(np.any(list(labelled.values()), axis=0))
        self.count = len(used)
        parts = [
            _Part(records, share * batch_size, _common(records, labelled))
            for records, share in _by_dataset(np.asarray(datasets), used, shares)
        ]
        for task in labelled:
            parts = _guaranteed(parts, task, labelled, _needed(task, batch_size))
        parts.sort(key=lambda part: -part.rate)
        if sum(math.ceil(part.rate) for part in parts[1:]) >= batch_size and len(parts) > 1:
            raise UserError(
                f"A batch of {batch_size} is too small for images of {len(parts)} kinds; raise training.batch_size."
            )
        self._parts = parts
        least = [batch_size - sum(math.ceil(part.rate) for part in parts[1:])]
        least += [math.floor(part.rate) for part in parts[1:]]
        for task in labelled:
            if sum(n for n, part in zip(least, parts, strict=True) if task in part.tasks) < _needed(task, batch_size):
                raise _too_small(task)
        self._orders = [Shuffle(len(part.records), *([seed] if not i else [seed, i])) for i, part in enumerate(parts)]

    @property
    def steps(self) -> int:
        """Batches in an epoch: as many as the records fill."""
        return max(1, self.count // self._batch_size)

    def shown(self) -> dict[str, float]:
        """How often an epoch shows a record at least and at most, of all streams."""
        often = [rate * self.steps / len(part.records) for part, rate in zip(self._parts, self._rates(), strict=True)]
        return {"least": round(min(often), 3), "most": round(max(often), 3)}

    def numbers(self, batch: int) -> Numbers:
        """The records of a batch."""
        before = [math.floor(part.rate * batch) for part in self._parts[1:]]
        after = [math.floor(part.rate * (batch + 1)) for part in self._parts[1:]]
        starts = [self._batch_size * batch - sum(before), *before]
        ends = [self._batch_size * (batch + 1) - sum(after), *after]
        return np.concatenate(
            [
                part.records[order.numbers(start, end - start)]
                for part, order, start, end in zip(self._parts, self._orders, starts, ends, strict=True)
                if end > start
            ]
        )

    def _rates(self) -> list[float]:
        others = [part.rate for part in self._parts[1:]]
        return [self._batch_size - sum(others), *others]


def _by_dataset(
    datasets: NDArray[np.str_], used: Numbers, shares: Mapping[str, float] | None
) -> list[tuple[Numbers, float]]:
    if shares is None:
        return [(used, 1.0)]
    found = [(used[datasets[used] == name], share) for name, share in shares.items()]
    found = [(records, share) for records, share in found if len(records)]
    total = sum(share for _, share in found)
    return [(records, share / total) for records, share in found]


def _common(records: Numbers, labelled: Mapping[str, NDArray[np.bool_]]) -> frozenset[str]:
    return frozenset(task for task, has in labelled.items() if has[records].all())


def _guaranteed(parts: list[_Part], task: str, labelled: Mapping[str, NDArray[np.bool_]], needed: int) -> list[_Part]:
    """The same records, divided and weighted so that every batch holds ``needed`` of a task."""
    if sum(math.floor(part.rate) for part in parts if task in part.tasks) >= needed:
        return parts
    rich = max(parts, key=lambda part: part.rate * labelled[task][part.records].mean())
    has = labelled[task][rich.records]
    if not has.all():
        with_label, without = rich.records[has], rich.records[~has]
        rate = max(rich.rate * has.mean(), needed)
        divided = [
            _Part(with_label, rate, _common(with_label, labelled)),
            _Part(without, rich.rate - rate, _common(without, labelled)),
        ]
    else:
        divided = [_Part(rich.records, needed, rich.tasks)]
    rest = [part for part in parts if part is not rich]
    # What one part takes more of, the largest of the others has less of.
    excess = sum(part.rate for part in divided) - rich.rate
    if excess > 0 and rest:
        largest = max(rest, key=lambda part: part.rate)
        rest[rest.index(largest)] = _Part(largest.records, largest.rate - excess, largest.tasks)
    if any(part.rate <= 0 for part in (*divided, *rest)):
        raise _too_small(task)
    return [*divided, *rest]


def _needed(task: str, batch_size: int) -> int:
    return min(_NEEDED.get(task, 1), batch_size)


def _too_small(task: str) -> UserError:
    return UserError(f"A batch is too small to hold images labelled for {task} every time; raise training.batch_size.")
