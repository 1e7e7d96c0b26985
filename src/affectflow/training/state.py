"""Where a training stands: what is kept beside the model's variables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


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
