"""Sampling of training batches: an endless sequence in which every batch can be computed on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.datasets.dataset_info import VALENCE_AROUSAL


class Shuffle:
    """Endless epochs of ``count`` records, each in a random order that depends on ``seed`` and the epoch's number."""

    def __init__(self, count: int, *seed: int) -> None:
        self._count = count
        self._seed = seed
        self._epoch = lru_cache(2)(self._permutation)  # a batch can span two epochs

    def indices(self, position: int, count: int) -> NDArray[np.int64]:
        """Return the indices of the records from a position on.

        Args:
            position: Number of records before the first one, counted through all epochs.
            count: Number of records.
        """
        found: list[NDArray[np.int64]] = []
        while count > 0:
            epoch, offset = divmod(position, self._count)
            found.append(self._epoch(epoch)[offset : offset + count])
            position, count = position + len(found[-1]), count - len(found[-1])
        return np.concatenate(found)

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([*self._seed, epoch]).permutation(self._count)


_MIN_RECORDS = {VALENCE_AROUSAL: 2}
"""Fewest labelled records that a task needs in every batch (1 by default): the CCC of one image is undefined."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Stream:
    """Records that are sampled together."""

    records: Indices
    rate: float
    """Mean number of these records in a batch."""
    tasks: frozenset[str]
    """Tasks for which all of them have labels."""


class Mixture:
    """A sampling plan for several data sets, in which every batch has labels for every task."""

    def __init__(
        self,
        datasets: Sequence[str],
        labelled: Mapping[str, NDArray[np.bool_]],
        batch_size: int,
        shares: Mapping[str, float] | None,
        seed: int,
    ) -> None:
        """Plan the batches; records without a label for any task are left out.

        Args:
            datasets: Data set of each record.
            labelled: For each task, a mask of the records that have its labels.
            batch_size: Number of records in a batch.
            shares: Relative shares of the data sets in a batch; None samples in proportion to their records.
            seed: Seed of the random order.

        Raises:
            UserError: A batch is too small for records of every data set and task.
        """
        self._batch_size = batch_size
        used = np.flatnonzero(np.any(list(labelled.values()), axis=0))
        self.count = len(used)
        streams = [
            _Stream(records, share * batch_size, _common(records, labelled))
            for records, share in _by_dataset(np.asarray(datasets), used, shares)
        ]
        for task in labelled:
            streams = _guaranteed(streams, task, labelled, _min_records(task, batch_size))
        streams.sort(key=lambda stream: -stream.rate)
        if sum(math.ceil(stream.rate) for stream in streams[1:]) >= batch_size and len(streams) > 1:
            raise UserError(
                f"A batch of {batch_size} is too small for {len(streams)} combinations of data set and labels; raise "
                "training.batch_size."
            )
        self._streams = streams
        least = [batch_size - sum(math.ceil(stream.rate) for stream in streams[1:])]
        least += [math.floor(stream.rate) for stream in streams[1:]]
        for task in labelled:
            if sum(n for n, stream in zip(least, streams, strict=True) if task in stream.tasks) < _min_records(
                task, batch_size
            ):
                raise _too_small(task)
        self._orders = [Shuffle(len(stream.records), seed, *([i] if i else [])) for i, stream in enumerate(streams)]

    @property
    def steps(self) -> int:
        """Number of full batches that the records fill, which is an epoch."""
        return max(1, self.count // self._batch_size)

    def repeats(self) -> dict[str, float]:
        """Return how often an epoch contains a record, for the least and the most sampled records."""
        repeats = [
            rate * self.steps / len(stream.records) for stream, rate in zip(self._streams, self._rates(), strict=True)
        ]
        return {"least": round(min(repeats), 3), "most": round(max(repeats), 3)}

    def indices(self, batch: int) -> Indices:
        """Return the indices of the records of batch number ``batch``."""
        before = [math.floor(stream.rate * batch) for stream in self._streams[1:]]
        after = [math.floor(stream.rate * (batch + 1)) for stream in self._streams[1:]]
        starts = [self._batch_size * batch - sum(before), *before]
        ends = [self._batch_size * (batch + 1) - sum(after), *after]
        return np.concatenate(
            [
                stream.records[order.indices(start, end - start)]
                for stream, order, start, end in zip(self._streams, self._orders, starts, ends, strict=True)
                if end > start
            ]
        )

    def _rates(self) -> list[float]:
        others = [stream.rate for stream in self._streams[1:]]
        return [self._batch_size - sum(others), *others]


def _by_dataset(
    datasets: NDArray[np.str_], used: Indices, shares: Mapping[str, float] | None
) -> list[tuple[Indices, float]]:
    if shares is None:
        return [(used, 1.0)]
    found = [(used[datasets[used] == name], share) for name, share in shares.items()]
    found = [(records, share) for records, share in found if len(records)]
    total = sum(share for _, share in found)
    return [(records, share / total) for records, share in found]


def _common(records: Indices, labelled: Mapping[str, NDArray[np.bool_]]) -> frozenset[str]:
    return frozenset(task for task, has in labelled.items() if has[records].all())


def _guaranteed(
    streams: list[_Stream], task: str, labelled: Mapping[str, NDArray[np.bool_]], needed: int
) -> list[_Stream]:
    """Split and reweight streams so that every batch has at least ``needed`` records with labels for a task."""
    if sum(math.floor(stream.rate) for stream in streams if task in stream.tasks) >= needed:
        return streams
    richest = max(streams, key=lambda stream: stream.rate * labelled[task][stream.records].mean())
    has = labelled[task][richest.records]
    if not has.all():
        with_label, without = richest.records[has], richest.records[~has]
        rate = max(richest.rate * has.mean(), needed)
        split = [
            _Stream(with_label, rate, _common(with_label, labelled)),
            _Stream(without, richest.rate - rate, _common(without, labelled)),
        ]
    else:
        split = [_Stream(richest.records, needed, richest.tasks)]
    rest = [stream for stream in streams if stream is not richest]
    # The largest of the other streams makes up for what these streams gained.
    excess = sum(stream.rate for stream in split) - richest.rate
    if excess > 0 and rest:
        largest = max(rest, key=lambda stream: stream.rate)
        rest[rest.index(largest)] = _Stream(largest.records, largest.rate - excess, largest.tasks)
    if any(stream.rate <= 0 for stream in (*split, *rest)):
        raise _too_small(task)
    return [*split, *rest]


def _min_records(task: str, batch_size: int) -> int:
    return min(_MIN_RECORDS.get(task, 1), batch_size)


def _too_small(task: str) -> UserError:
    return UserError(f"A batch is too small to hold images labelled for {task} every time; raise training.batch_size.")
