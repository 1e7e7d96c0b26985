"""A ``.keras`` file whose bytes depend on the model alone."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras

from affectflow.tables import whole

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model for inference. Keras stamps date and hour; they are taken out."""
    with whole(path) as partial:
        saved = partial.with_name(f"{partial.name}.keras")
        try:
            model.save(saved, include_optimizer=False)
            with zipfile.ZipFile(saved) as source, zipfile.ZipFile(partial, "w") as target:
                for name in sorted(source.namelist()):
                    data = source.read(name)
                    if name == "metadata.json":
                        metadata = json.loads(data)
                        metadata.pop("date_saved", None)
                        data = json.dumps(metadata, sort_keys=True).encode()
                    target.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        finally:
            saved.unlink(missing_ok=True)
