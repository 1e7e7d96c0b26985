"""Checkpoints of a training: all its variables and its progress, in files that are either complete or absent.

A checkpoint is an ``.npz`` file of arrays by name and a JSON text. The newest two are kept, so that one damaged file
loses little. Each holds the cache key of its training: configuration, code, data and versions.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write

log = logging.getLogger(__name__)

EpochLog = dict[str, float]
"""One row of the history: losses, learning rate and validation metrics of an epoch."""


@dataclass(slots=True)
class State:
    """Completed steps, the history, and the best weights so far."""

    step: int = 0
    history: list[EpochLog] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = -math.inf
    best_weights: list[NDArray[Any]] | None = None
    stopped: bool = False
    """Whether validation has not improved for the number of epochs allowed (early stopping)."""

    def record_score(self, score: float, weights: list[NDArray[Any]], patience: int) -> None:
        """Update the best weights and early stopping after the epoch last appended to the history.

        Args:
            score: Validation score; NaN if the validation data allow no metric, in which case the last weights are
                the best.
            weights: The model's weights.
            patience: Epochs without improvement after which training stops.
        """
        epoch = len(self.history)
        measured = math.isfinite(score)
        if self.best_weights is None or not measured or score > self.best_score:
            self.best_epoch, self.best_weights = epoch, weights
            self.best_score = score if measured else self.best_score
        elif epoch - self.best_epoch >= patience:
            self.stopped = True

    def to_json(self) -> dict[str, Any]:
        """Return everything except the weights, as JSON values."""
        return {
            "step": self.step,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "stopped": self.stopped,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the best weights by name."""
        return {f"best/{number:05d}": value for number, value in enumerate(self.best_weights or [])}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a state from its JSON values and arrays.

        Args:
            values: Result of :meth:`to_json`.
            arrays: Result of :meth:`arrays`; other arrays among them are ignored.
        """
        best = [np.asarray(arrays[name]) for name in sorted(arrays) if name.startswith("best/")]
        return cls(best_weights=best or None, **values)


Arrays = Mapping[str, NDArray[Any]]
CacheKey = Mapping[str, Any]

_NAME = re.compile(r"checkpoint-(\d+)\.npz")
_KEPT = 2
_JSON_ARRAY = "json"


class Checkpoints:
    """The checkpoints of one training, in a folder of their own."""

    def __init__(self, folder: Path, cache_key: CacheKey) -> None:
        self._folder = folder
        self._cache_key = json.loads(json.dumps(cache_key))

    def save(self, step: int, arrays: Arrays, state: Mapping[str, Any]) -> None:
        """Save a checkpoint and delete all but the newest two.

        Args:
            step: Number of completed steps.
            arrays: Variables by name.
            state: Everything else, as JSON values.
        """
        text = json.dumps({"cache_key": self._cache_key, "state": state, "arrays": sorted(arrays)}).encode()
        with atomic_write(self._folder / f"checkpoint-{step:09d}.npz") as partial, partial.open("wb") as stream:
            np.savez(stream, **{_JSON_ARRAY: np.frombuffer(text, np.uint8)}, **arrays)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        for path in self._newest_first()[_KEPT:]:
            path.unlink()

    def load(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Return arrays and state of the newest usable checkpoint, or None if there is none.

        Damaged files are deleted, because they would count among the newest two. If a checkpoint has another cache key,
        all are deleted. Both are logged.
        """
        for path in self._newest_first():
            try:
                arrays, content = _read(path)
            except Exception as error:  # zipfile, zlib, NumPy and json each raise their own errors for damaged bytes
                log.warning("Checkpoint %s is damaged (%s); deleting it.", path, type(error).__name__)
                path.unlink()
                continue
            if content.get("cache_key") != self._cache_key:
                differences = "; ".join(_differences(content.get("cache_key", {}), self._cache_key))
                log.info("Checkpoint %s is of a different training (%s); starting from scratch.", path, differences)
                self.clear()
                return None
            return arrays, content["state"]
        return None

    def clear(self) -> None:
        """Delete all checkpoints."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def keep_only(self, step: int) -> None:
        """Delete all checkpoints except that of ``step``."""
        for path in self._newest_first():
            if path.name != f"checkpoint-{step:09d}.npz":
                path.unlink()

    def _newest_first(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        found = [(int(match[1]), path) for path in self._folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        return [path for _, path in sorted(found, reverse=True)]


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays and JSON content of a file; damaged bytes raise errors of several libraries."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}  # zipfile verifies their checksums
    content: dict[str, Any] = json.loads(arrays.pop(_JSON_ARRAY).tobytes())
    if sorted(arrays) != content["arrays"]:
        raise ValueError("arrays are missing")
    return arrays, content


def _differences(old: CacheKey, new: CacheKey) -> Sequence[str]:
    lines: list[str] = []
    for key in sorted({*old, *new}):
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            lines += _differences(was, now)
        elif isinstance(was, (int, float, str)) and isinstance(now, (int, float, str)) and len(f"{was}{now}") < 60:
            lines.append(f"{key} was {was}, is {now}")
        else:
            lines.append(f"different {key}")
    return lines
