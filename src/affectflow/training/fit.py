"""The training loop: epochs of steps with validation after each, which can resume at any step; and the history."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.core.interruption import Interruption
from affectflow.core.progress import TO_TERMINAL, progress
from affectflow.tables.csv_files import write_csv
from affectflow.training.checkpoint import Checkpoints, EpochLog, State
from affectflow.training.keras_setup import keras
from affectflow.training.multi_task import MultiTaskModel

log = logging.getLogger(TO_TERMINAL)

_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1
)
_SOURCES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Schedule:
    """Length of a training, and the interval of checkpoints."""

    epochs: int
    steps: int
    """Steps per epoch."""
    batch_size: int
    patience: int
    checkpoint_s: float
    title: str = ""
    """Of the progress, before the epoch."""

    @property
    def total_steps(self) -> int:
        """Number of training steps of all epochs."""
        return self.steps * self.epochs


@dataclass(frozen=True, slots=True)
class TrainerInputs:
    """Data and functions that the training loop uses."""

    batches: Callable[[int], tf.data.Dataset]
    """Returns endless batches from a step on."""
    validate: Callable[[Callable[[], None]], tuple[float, EpochLog]]
    """Returns a score to maximize and metrics for the history, and calls its argument after every batch. Raises
    :class:`FloatingPointError` if model outputs are not finite."""
    image_sources: Callable[[int], list[str]]
    """Returns the file names of a step's images."""
    on_epoch_end: Callable[[EpochLog], None]


def fit(
    model: MultiTaskModel,
    inputs: TrainerInputs,
    schedule: Schedule,
    checkpoints: Checkpoints,
    interruption: Interruption,
) -> State:
    """Train a compiled model to the end, resuming from the newest checkpoint.

    On a CPU the result is the same to the bit, however often the training was killed and resumed.

    Args:
        model: The model, which ends with its last weights.
        inputs: Batches, validation and hooks.
        schedule: Number of epochs and steps, early stopping, interval of checkpoints.
        checkpoints: Where the state is saved.
        interruption: Requests to stop; must be entered.

    Returns:
        The final state with the history and the best weights.

    Raises:
        UserError: The loss or the model's outputs became NaN or infinite.
        Interrupted: A stop was requested, and the state is saved.
    """
    run = _Run(model, inputs, schedule, checkpoints, interruption)
    run.restore()
    state = run.state
    while not run.finished:
        remaining = schedule.steps * (len(state.history) + 1) - state.step
        if remaining:
            model.fit(
                inputs.batches(state.step),
                steps_per_epoch=remaining,
                epochs=1,
                shuffle=False,  # the batches come shuffled
                verbose=0,
                callbacks=[_CheckpointCallback(run)],
            )
        _end_epoch(run)
    checkpoints.save(state.step, state.arrays(), state.to_json())
    checkpoints.keep_only(state.step)
    return state


class _Run:
    """A model and its state, which are saved and restored together."""

    def __init__(
        self,
        model: MultiTaskModel,
        inputs: TrainerInputs,
        schedule: Schedule,
        checkpoints: Checkpoints,
        interruption: Interruption,
    ) -> None:
        self.model, self.inputs, self.schedule = model, inputs, schedule
        self.state = State()
        self.images_per_s = math.nan
        self.restored_means: list[NDArray[Any]] | None = None
        """Mean losses of the interrupted epoch, which Keras resets when ``fit`` begins."""
        self._checkpoints, self._interruption = checkpoints, interruption
        self._saved_at = time.monotonic()

    @property
    def finished(self) -> bool:
        return self.state.stopped or len(self.state.history) >= self.schedule.epochs

    def restore(self) -> None:
        """Restore the newest checkpoint, if there is one."""
        found = self._checkpoints.load()
        if found is None:
            return
        arrays, values = found
        self.state = State.from_json(values, arrays)
        if not self.finished:  # a finished training needs only its best weights
            for name, variable in self._variables().items():
                variable.assign(arrays[name])
            if self.state.step > len(self.state.history) * self.schedule.steps:
                self.restored_means = [np.asarray(v) for v in self.model.metrics_variables]
        log.info("Resuming training after step %d.", self.state.step)

    def count_step(self) -> None:
        self.state.step += 1
        self._interruption.nothing_to_save = False

    def save_if_due(self) -> None:
        """Save a checkpoint if the interval is over or a stop is requested; for a stop, raise its exception."""
        requested = self._interruption.requested
        if requested or time.monotonic() - self._saved_at >= self.schedule.checkpoint_s:
            arrays = {name: np.asarray(variable) for name, variable in self._variables().items()}
            self._checkpoints.save(self.state.step, {**arrays, **self.state.arrays()}, self.state.to_json())
            self._saved_at = time.monotonic()
        if requested:
            log.info("saved at step %s; the same command goes on", f"{self.state.step:,}")
            raise self._interruption.exception()

    def _variables(self) -> dict[str, Any]:
        """Return each variable of the model (with random states), the optimizer and the mean losses once, by name."""
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


class _CheckpointCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts steps, saves checkpoints, shows progress, and stops if the loss is not finite."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run
        self._started = math.nan
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        run = self._run
        if run.restored_means is not None:
            for variable, value in zip(run.model.metrics_variables, run.restored_means, strict=True):
                variable.assign(value)
            run.restored_means = None
        done = len(run.state.history)
        steps = run.schedule.steps
        self._bar = progress(
            steps * run.schedule.batch_size, "image", f"{run.schedule.title}epoch {done + 1}/{run.schedule.epochs}"
        )
        self._bar.update((run.state.step - done * steps) * run.schedule.batch_size)
        self._started, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        run = self._run
        loss = (logs or {}).get("loss", math.nan)
        if not math.isfinite(loss):
            raise _diverged(run, run.state.step)
        run.count_step()
        if not self._steps:
            self._started = time.monotonic()  # the first step includes compilation
        self._steps += 1
        self._bar.update(run.schedule.batch_size)
        self._bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        run.save_if_due()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._bar.close()
        seconds = time.monotonic() - self._started
        if self._steps > 1 and seconds > 0:
            self._run.images_per_s = (self._steps - 1) * self._run.schedule.batch_size / seconds


def _end_epoch(run: _Run) -> None:
    """Validate, append a row to the history and update the best weights."""
    model, state = run.model, run.state
    means = {name: float(value) for name, value in model.get_metrics_result().items()}
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    try:
        score, metrics = run.inputs.validate(run.save_if_due)
    except FloatingPointError:  # caused by the epoch's last update, because every other update was followed by a loss
        raise _diverged(run, state.step - 1) from None
    epoch_log = {
        "epoch": float(len(state.history) + 1),
        "learning_rate": rate,
        **dict(sorted(means.items(), key=lambda item: item[0] != "loss")),
        **{f"{head}_weight": weight for head, weight in model.task_weights().items()},
        **metrics,
        "images_per_s": run.images_per_s,
    }
    state.history.append(epoch_log)
    state.record_score(score, model.get_weights(), run.schedule.patience)
    run.inputs.on_epoch_end(epoch_log)
    run.restored_means = None
    run.save_if_due()


def _diverged(run: _Run, step: int) -> UserError:
    optimizer = run.model.optimizer
    optimizer.iterations.assign_sub(1)  # the optimizer has counted the step, and the step's own rate is reported
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    images = run.inputs.image_sources(step)
    more = f" and {len(images) - _SOURCES_SHOWN} more" if len(images) > _SOURCES_SHOWN else ""
    return UserError(
        f"The loss became NaN or infinite at step {step + 1} (epoch {len(run.state.history) + 1}, learning rate "
        f"{rate:.3g}, images {', '.join(images[:_SOURCES_SHOWN])}{more}); lower training.learning_rate, or check these "
        "images."
    )


def write_history(path: Path, history: Sequence[EpochLog]) -> None:
    """Write the history as CSV with a row per epoch; cells are empty where a metric is undefined.

    All columns but ``images_per_s`` are the same for the same training.

    Args:
        path: The file.
        history: Metrics of each epoch, at least one, all with the same names.
    """
    columns = list(history[0])
    write_csv(path, columns, ([_cell(epoch_log[column]) for column in columns] for epoch_log in history))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


class TensorBoardWriter:
    """Writes the history to a folder in TensorBoard's format; writes nothing if the folder is None."""

    def __init__(self, folder: Path | None) -> None:
        self._writer = tf.summary.create_file_writer(str(folder)) if folder is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, epoch_log: EpochLog) -> None:
        """Write the metrics of an epoch."""
        if self._writer is None:
            return
        with self._writer.as_default(step=int(epoch_log["epoch"])):
            for name, value in epoch_log.items():
                if name != "epoch" and math.isfinite(value):
                    # tf.summary.scalar would write the same, but needs the TensorBoard package.
                    tf.summary.write(name, tf.constant(value, tf.float32), metadata=_SCALAR)
        self._writer.flush()
