"""A ``.keras`` file whose bytes depend on the model alone."""

from __future__ import annotations

import itertools
import json
import re
import zipfile
from collections import defaultdict
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.training.keras_setup import keras

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model for inference, without the optimizer's state, in a file whose bytes depend only on the model.

    Keras stores the date, and names shared objects by memory addresses; the date is removed and the objects are
    numbered.

    Args:
        model: The model to save.
        path: The ``.keras`` file.
    """
    inference = keras.Model(model.input, model.output, name=model.name)
    with atomic_write(path) as partial:
        saved = partial.with_name(f"{partial.name}.keras")
        try:
            inference.save(saved)
            with zipfile.ZipFile(saved) as source, zipfile.ZipFile(partial, "w") as target:
                for name in sorted(source.namelist()):
                    data = source.read(name)
                    if name == "metadata.json":
                        metadata = json.loads(data)
                        metadata.pop("date_saved", None)
                        data = json.dumps(metadata, sort_keys=True).encode()
                    elif name == "config.json":
                        data = _numbered(data)
                    target.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        finally:
            saved.unlink(missing_ok=True)


def _numbered(config: bytes) -> bytes:
    """Number shared objects by their order of appearance."""
    count = itertools.count(1)
    numbers: dict[bytes, int] = defaultdict(lambda: next(count))
    return re.sub(rb'("shared_object_id": )(\d+)', lambda m: m.group(1) + b"%d" % numbers[m.group(2)], config)
