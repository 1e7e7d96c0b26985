"""A ``.keras`` file whose bytes depend on the model alone."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError

_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model for inference, without the optimizer's state.

    Keras writes the date, and memory addresses as the names of shared objects; the one is left out, the others are
    numbered.
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
    """Shared objects named by their order of appearance."""
    count = itertools.count(1)
    numbers: dict[bytes, int] = defaultdict(lambda: next(count))
    return re.sub(rb'("shared_object_id": )(\d+)', lambda m: m.group(1) + b"%d" % numbers[m.group(2)], config)


TOLERANCE = 1e-4
"""By how much an export's outputs may differ from the model's."""
OPSET = 18
_SIGNATURE = [tf.TensorSpec([None, None, None, 3], tf.float32, name="pixels")]
_SIDES = (72, 101)
_IMAGES = 2

Answer = Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]


def export(model_path: Path, card: Path, saved_model: Path, onnx_path: Path) -> None:
    """Write a model as a SavedModel (folder) and as ONNX, both from pixels to outputs, as the ``.keras`` file is.

    The input is ``pixels``, float32 RGB from 0 to 255 [batch, height, width, 3] of any size; outputs are named by their
    heads (:mod:`affectflow.training.heads`). ONNX's metadata hold ``model.json`` (the names of the AUs, thresholds)
    under ``affectflow``. Both are shown noise of two sizes; raises :class:`UserError` when one of them differs from the
    model by more than 1e-4.
    """
    model = keras.saving.load_model(model_path, compile=False)

    def serve(pixels: tf.Tensor) -> Mapping[str, tf.Tensor]:
        # ONNX names an output by its operation.
        return {head: tf.identity(value, head) for head, value in model(pixels, training=False).items()}

    def of_model(pixels: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        return {head: np.asarray(value) for head, value in model(pixels, training=False).items()}

    partial = saved_model.with_name(f".{saved_model.name}.partial")
    for folder in (saved_model, partial):
        shutil.rmtree(folder, ignore_errors=True)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=_SIGNATURE)
    archive.write_out(partial, verbose=False)
    _check("SavedModel", model_path, of_model, _saved_model(partial))
    partial.rename(saved_model)
    converted, _ = tf2onnx.convert.from_function(
        tf.function(serve, input_signature=_SIGNATURE), input_signature=_SIGNATURE, opset=OPSET
    )
    onnx.helper.set_model_props(converted, {"affectflow": card.read_text(encoding="utf-8")})
    with atomic_write(onnx_path) as unchecked:
        onnx.save(converted, unchecked)
        _check("ONNX", model_path, of_model, _onnx(unchecked))


def _saved_model(folder: Path) -> Answer:
    serve: Any = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda pixels: {head: np.asarray(value) for head, value in serve(tf.constant(pixels)).items()}


def _onnx(path: Path) -> Answer:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda pixels: dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))


def _check(form: str, model: Path, expected: Answer, exported: Answer) -> None:
    rng = np.random.default_rng(0)
    for side in _SIDES:
        pixels = rng.uniform(0, 255, (_IMAGES, side, side, 3)).astype(np.float32)
        wanted, found = expected(pixels), exported(pixels)
        for head, value in wanted.items():
            apart = float(np.abs(value - found[head]).max())
            if not apart <= TOLERANCE:
                raise UserError(
                    f"The {form} export of {model} answers {apart:.1g} off for {head} ({TOLERANCE:g} is allowed); "
                    "use the .keras file."
                )
