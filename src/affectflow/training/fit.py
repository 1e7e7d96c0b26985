"""The loop of training: epochs of steps, validation after each, and a state to go on from at every step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.tables.csv_files import write_csv
from affectflow.training.checkpoint import Checkpoints, State
from affectflow.training.interruption import Interruption
from affectflow.training.multi_task import MultiTaskModel


def write_history(path: Path, lines: Sequence[Mapping[str, float]]) -> None:
    """Columns as the lines have them; empty where a measure does not exist.

    All but ``images_per_s``, which is measured, are the same for the same training.
    """
    columns = list(lines[0])
    write_csv(path, columns, ([_cell(line[column]) for column in columns] for line in lines))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


Line = dict[str, float]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long training goes on, and how often its state is kept."""

    epochs: int
    steps: int
    """In an epoch."""
    batch_size: int
    patience: int
    checkpoint_s: float


@dataclass(frozen=True, slots=True)
class Work:
    """What the loop is given: endless batches from a step on, a validation and what to say of a batch.

    ``validate`` calls what it is given after every batch, and gives a score to maximise and the history's measures; it
    raises :class:`FloatingPointError` where the model's outputs are no numbers.
    """

    batches: Callable[[int], tf.data.Dataset]
    validate: Callable[[Callable[[], None]], tuple[float, Line]]
    sources: Callable[[int], list[str]]
    epoch_ended: Callable[[Line], None]


def fit(
    model: MultiTaskModel, work: Work, schedule: Schedule, checkpoints: Checkpoints, interruption: Interruption
) -> State:
    """Train a compiled model to its end, from where a killed training with the same stamp stood.

    On a CPU the outcome is the same to the bit, however often it was killed. Raises :class:`UserError` where the loss
    is no number any more, and :class:`affectflow.training.interruption.Interrupted` when ``interruption``, which is
    entered, was asked to stop and the state is saved.
    """
    run = _Run(model, schedule, checkpoints, interruption, work.sources)
    run.take_up()
    state = run.state
    while not run.finished:
        left = schedule.steps * (len(state.history) + 1) - state.step
        if left:
            model.fit(work.batches(state.step), steps_per_epoch=left, epochs=1, verbose=0, callbacks=[run.keeper()])
        _end_epoch(run, work, schedule)
    checkpoints.save(state.step, state.arrays(), state.facts())
    checkpoints.only(state.step)
    return state


class _Run:
    """A model with its state, which is kept and taken up together."""

    def __init__(
        self,
        model: MultiTaskModel,
        schedule: Schedule,
        checkpoints: Checkpoints,
        interruption: Interruption,
        sources: Callable[[int], list[str]],
    ) -> None:
        self.model, self.schedule, self.sources = model, schedule, sources
        self.state = State()
        self.rate = math.nan
        self.restored_means: list[NDArray[Any]] | None = None
        """Of the losses of the epoch that was broken off; Keras forgets them when it begins one."""
        self._checkpoints, self._interruption = checkpoints, interruption
        self._saved_at = time.monotonic()

    def keeper(self) -> _Keeper:
        return _Keeper(self)

    @property
    def finished(self) -> bool:
        return self.state.stopped or len(self.state.history) >= self.schedule.epochs

    def take_up(self) -> None:
        found = self._checkpoints.load()
        if found is None:
            return
        arrays, facts = found
        self.state = State.of(facts, arrays)
        if not self.finished:  # else its best weights are all that is wanted
            for name, variable in self._variables().items():
                variable.assign(arrays[name])
            if self.state.step > len(self.state.history) * self.schedule.steps:
                self.restored_means = [np.asarray(v) for v in self.model.metrics_variables]
        print(f"Training goes on after step {self.state.step}.", flush=True)

    def made_progress(self) -> None:
        self._interruption.nothing_to_save = False

    def keep(self) -> None:
        """Save, if it is time or somebody asks for the end."""
        asked = self._interruption.asked
        if asked or time.monotonic() - self._saved_at >= self.schedule.checkpoint_s:
            arrays = {name: np.asarray(variable) for name, variable in self._variables().items()}
            self._checkpoints.save(self.state.step, {**arrays, **self.state.arrays()}, self.state.facts())
            self._saved_at = time.monotonic()
        if asked:
            print(f"Asked to stop at step {self.state.step}: saved; started again, it goes on from there.", flush=True)
            raise self._interruption.reason()

    def _variables(self) -> dict[str, Any]:
        """All of the model (random states too), of its optimizer and of the means of losses, each once."""
        groups = {
            "model": self.model.variables,
            "optimizer": self.model.optimizer.variables,
            "means": self.model.metrics_variables,
        }
        found: dict[str, Any] = {}
        known: set[int] = set()
        for group, variables in groups.items():
            for number, variable in enumerate(variables):
                if id(variable) not in known:
                    known.add(id(variable))
                    found[f"{group}/{number:05d}"] = variable
        return found


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts steps, keeps the state, shows progress, and stops when the loss is no number."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run
        self._clock = math.nan
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        run = self._run
        if run.restored_means is not None:
            for variable, value in zip(run.model.metrics_variables, run.restored_means, strict=True):
                variable.assign(value)
            run.restored_means = None
        done = len(run.state.history)
        steps = run.schedule.steps
        self._bar = progress(steps * run.schedule.batch_size, "image", f"epoch {done + 1}/{run.schedule.epochs}")
        self._bar.update((run.state.step - done * steps) * run.schedule.batch_size)
        self._clock, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        run = self._run
        loss = (logs or {}).get("loss", math.nan)
        if not math.isfinite(loss):
            raise _diverged(run, run.state.step)
        run.state.step += 1
        run.made_progress()
        if not self._steps:
            self._clock = time.monotonic()  # the first step is compiled
        self._steps += 1
        self._bar.update(run.schedule.batch_size)
        self._bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        run.keep()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._bar.close()
        seconds = time.monotonic() - self._clock
        if self._steps > 1 and seconds > 0:
            self._run.rate = (self._steps - 1) * self._run.schedule.batch_size / seconds


def _end_epoch(run: _Run, work: Work, schedule: Schedule) -> None:
    model, state = run.model, run.state
    means = {name: float(value) for name, value in model.get_metrics_result().items()}
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    try:
        score, measures = work.validate(run.keep)
    except FloatingPointError:  # which only the last update can have brought about: all others were followed by a loss
        raise _diverged(run, state.step - 1) from None
    line = {
        "epoch": float(len(state.history) + 1),
        "learning_rate": rate,
        **dict(sorted(means.items(), key=lambda item: item[0] != "loss")),
        **{f"{head}_weight": weight for head, weight in model.task_weights().items()},
        **measures,
        "images_per_s": run.rate,
    }
    state.history.append(line)
    state.seen(score, model.get_weights(), schedule.patience)
    work.epoch_ended(line)
    run.restored_means = None
    run.keep()


def _diverged(run: _Run, step: int) -> UserError:
    optimizer = run.model.optimizer
    optimizer.iterations.assign_sub(1)  # the step is counted already, and its own rate is wanted
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    images = run.sources(step)
    shown = ", ".join(images[:8]) + (f" and {len(images) - 8} more" if len(images) > 8 else "")
    return UserError(
        f"The loss is no number any more at step {step + 1} (epoch {len(run.state.history) + 1}, learning rate "
        f"{rate:.3g}, images {shown}); lower training.learning_rate, or look at these images."
    )
