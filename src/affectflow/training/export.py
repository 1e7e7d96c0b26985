"""Export of models to SavedModel and ONNX, checked against the model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.training.keras_setup import keras

TOLERANCE = 1e-4
"""Largest difference allowed between outputs of an export and of the model."""
OPSET = 18
_SIGNATURE = [tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")]
_SIDES = (72, 101)
_IMAGES = 2

Predict = Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.float32]]]


def export(model_path: Path, metadata: Path, saved_model: Path, onnx_path: Path) -> None:
    """Export a ``.keras`` model as SavedModel and ONNX, and compare their outputs on random images of two sizes.

    The input is ``pixels``, uint8 RGB [batch, height, width, 3], the aligned crop that ``affectflow crop`` makes; any
    batch, and any size, for the network scales it itself. Outputs are named by their heads
    (:mod:`affectflow.training.heads`).

    Args:
        model_path: The ``.keras`` file.
        metadata: The model's ``model.json``, which is stored in ONNX's metadata under ``affectflow``.
        saved_model: Folder of the SavedModel.
        onnx_path: ONNX file.

    Raises:
        UserError: An export's outputs differ from the model's by more than 1e-4.
    """
    model = keras.saving.load_model(model_path, compile=False)

    def serve(pixels: tf.Tensor) -> Mapping[str, tf.Tensor]:
        # tf2onnx names an output after its operation.
        return {head: tf.identity(value, head) for head, value in model(_floats(pixels), training=False).items()}

    def predict(pixels: NDArray[np.uint8]) -> Mapping[str, NDArray[np.float32]]:
        return {head: np.asarray(value) for head, value in model(_floats(pixels), training=False).items()}

    partial = saved_model.with_name(f".{saved_model.name}.partial")
    for folder in (saved_model, partial):
        shutil.rmtree(folder, ignore_errors=True)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=_SIGNATURE)
    archive.write_out(partial, verbose=False)
    _check("SavedModel", model_path, predict, _saved_model(partial))
    partial.rename(saved_model)
    converted, _ = tf2onnx.convert.from_function(
        tf.function(serve, input_signature=_SIGNATURE),
        input_signature=_SIGNATURE,
        opset=OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
    )
    onnx.helper.set_model_props(converted, {"affectflow": metadata.read_text(encoding="utf-8")})
    with atomic_write(onnx_path) as unchecked:
        onnx.save(converted, unchecked)
        _check("ONNX", model_path, predict, _onnx(unchecked))


def _erfc(ctx: Any, node: Any, name: str, _: Any) -> None:
    """Write the complementary error function, which ONNX lacks and the exact GELU of ConvNeXt needs, as 1 - erf."""
    error = ctx.make_node("Erf", list(node.input))
    one = ctx.make_const(f"{name}_one", np.array(1, np.float32))
    shapes, types = [ctx.get_shape(node.output[0])], [ctx.get_dtype(node.output[0])]
    outputs = list(node.output)
    ctx.remove_node(name)
    ctx.make_node("Sub", [one.output[0], error.output[0]], name=name, outputs=outputs, shapes=shapes, dtypes=types)


def _floats(pixels: Any) -> tf.Tensor:
    return tf.cast(pixels, tf.float32)


def _saved_model(folder: Path) -> Predict:
    serve: Any = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda pixels: {head: np.asarray(value) for head, value in serve(tf.constant(pixels)).items()}


def _onnx(path: Path) -> Predict:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda pixels: dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))


def _check(export_format: str, model: Path, predict: Predict, predict_exported: Predict) -> None:
    rng = np.random.default_rng(0)
    for side in _SIDES:
        pixels = rng.integers(0, 256, (_IMAGES, side, side, 3), dtype=np.uint8)
        expected, exported = predict(pixels), predict_exported(pixels)
        for head, value in expected.items():
            difference = float(np.abs(value - exported[head]).max())
            if not difference <= TOLERANCE:
                raise UserError(
                    f"The {export_format} export of {model} differs by {difference:.1g} for {head} ({TOLERANCE:g} is "
                    "allowed); use the .keras file."
                )
