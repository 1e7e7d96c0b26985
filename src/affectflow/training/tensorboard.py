"""The history for TensorBoard, for those who watch it there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import tensorflow as tf

_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class=1
)


class Board:
    """Writes each epoch's line to a folder; nothing where it is None."""

    def __init__(self, folder: Path | None) -> None:
        self._writer = tf.summary.create_file_writer(str(folder)) if folder is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, line: Mapping[str, float]) -> None:
        if self._writer is None:
            return
        with self._writer.as_default(step=int(line["epoch"])):
            for name, value in line.items():
                if name != "epoch" and math.isfinite(value):
                    # As tf.summary.scalar, which wants TensorBoard itself installed.
                    tf.summary.write(name, tf.constant(value, tf.float32), metadata=_SCALAR)
        self._writer.flush()
