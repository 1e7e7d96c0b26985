"""What a killed training goes on from: all its variables and where it stood, in files that are whole or not there.

A checkpoint is an ``.npz`` file: arrays by name, and a JSON text of everything else. The newest two are kept, so that a
damaged one is not the end. Each bears the *stamp* of what it belongs to: configuration, code, data and versions.
"""

from __future__ import annotations

import json
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


@dataclass(slots=True)
class State:
    """Steps and epochs done, the history, and the best weights so far."""

    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = -math.inf
    best_weights: list[NDArray[Any]] | None = None
    stopped: bool = False
    """Whether validation has not improved for long enough."""

    def seen(self, score: float, weights: list[NDArray[Any]], patience: int) -> None:
        """Take note of the validation of the epoch just put into the history.

        Where validation allows no measure at all (NaN), the last weights are the best.
        """
        epoch = len(self.history)
        measured = math.isfinite(score)
        if self.best_weights is None or not measured or score > self.best_score:
            self.best_epoch, self.best_weights = epoch, weights
            self.best_score = score if measured else self.best_score
        elif epoch - self.best_epoch >= patience:
            self.stopped = True

    def facts(self) -> dict[str, Any]:
        """All but the weights, as JSON can hold it."""
        return {
            "step": self.step,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "stopped": self.stopped,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The best weights by name."""
        return {f"best/{number:05d}": value for number, value in enumerate(self.best_weights or [])}

    @classmethod
    def of(cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What :meth:`facts` and :meth:`arrays` gave."""
        best = [np.asarray(arrays[name]) for name in sorted(arrays) if name.startswith("best/")]
        return cls(best_weights=best or None, **facts)


Arrays = Mapping[str, NDArray[Any]]
Stamp = Mapping[str, Any]

_NAME = re.compile(r"checkpoint-(\d+)\.npz")
_KEPT = 2
_TEXT = "facts"


class Checkpoints:
    """Those of one run, in a folder of its own."""

    def __init__(self, folder: Path, stamp: Stamp) -> None:
        self._folder = folder
        self._stamp = json.loads(json.dumps(stamp))

    def save(self, step: int, arrays: Arrays, facts: Mapping[str, Any]) -> None:
        """Keep the state after ``step``; older checkpoints but one go."""
        text = json.dumps({"stamp": self._stamp, "facts": facts, "arrays": sorted(arrays)}).encode()
        with atomic_write(self._folder / f"checkpoint-{step:09d}.npz") as partial, partial.open("wb") as stream:
            np.savez(stream, **{_TEXT: np.frombuffer(text, np.uint8)}, **arrays)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        for path in self._newest_first()[_KEPT:]:
            path.unlink()

    def load(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """The newest state that is whole and has this stamp, or None; prints why others are not used.

        Damaged files are removed: they would stand in the way of those that are saved next.
        """
        for path in self._newest_first():
            try:
                arrays, text = _read(path)
            except Exception as error:  # zipfile, zlib, NumPy and json each have their own for bytes that are wrong
                print(f"{path} is damaged ({type(error).__name__}) and is removed.", flush=True)
                path.unlink()
                continue
            if text["stamp"] != self._stamp:
                what = "; ".join(_differences(text["stamp"], self._stamp))
                print(f"{path} belongs to another training ({what}); this one starts afresh.", flush=True)
                self.clear()
                return None
            return arrays, text["facts"]
        return None

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def only(self, step: int) -> None:
        """Forget all but one."""
        for path in self._newest_first():
            if path.name != f"checkpoint-{step:09d}.npz":
                path.unlink()

    def _newest_first(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        found = [(int(match[1]), path) for path in self._folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        return [path for _, path in sorted(found, reverse=True)]


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays, and the text beside them; raises whatever damaged bytes make a reader raise."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}  # their checksums are checked
    text: dict[str, Any] = json.loads(arrays.pop(_TEXT).tobytes())
    if sorted(arrays) != text["arrays"]:
        raise ValueError("its table of contents is another")
    return arrays, text


def _differences(old: Stamp, new: Stamp) -> Sequence[str]:
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
            lines.append(f"another {key}")
    return lines
