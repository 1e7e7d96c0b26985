"""A ``.keras`` file whose bytes depend on the model alone."""

from __future__ import annotations

import itertools
import json
import re
import zipfile
from collections import defaultdict
from pathlib import Path

import keras

from affectflow.tables import whole

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model for inference, without the optimiser's state.

    Keras writes the date, and memory addresses as the names of shared objects; the one is left out, the others are
    numbered.
    """
    inference = keras.Model(model.input, model.output, name=model.name)
    with whole(path) as partial:
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
    """Shared objects named by their order of appearance."""
    count = itertools.count(1)
    numbers: dict[bytes, int] = defaultdict(lambda: next(count))
    return re.sub(rb'("shared_object_id": )(\d+)', lambda m: m.group(1) + b"%d" % numbers[m.group(2)], config)
