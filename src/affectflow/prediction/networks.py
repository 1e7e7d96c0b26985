"""The networks of trained models: in Keras's file, which needs TensorFlow, and in ONNX, which needs ONNX Runtime alone.

Each gives the same outputs for an image whatever other images it is predicted with.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError

Outputs = Mapping[str, NDArray[np.float32]]

_MAX_UNPACKED = 4 << 30  # bytes
_MAX_RATIO = 100  # weights hardly compress


class Network(Protocol):
    """From crops to the heads' outputs."""

    @property
    def widths(self) -> Mapping[str, int] | None:
        """Number of outputs of each head; None for a network whose outputs have no names."""

    def run(self, pixels: NDArray[np.uint8], batch_size: int) -> Outputs:
        """Return the outputs by head, [n, width].

        Args:
            pixels: uint8 [n, side, side, 3], n up to ``batch_size``.
            batch_size: Images that the network takes at a time.
        """


def load_network(path: Path, metadata: ModelMetadata, described_by: Path) -> Network:
    """Load a network.

    Args:
        path: A file ``.keras`` or ``.onnx``.
        metadata: What is known of the model.
        described_by: The file that says so, for messages.

    Raises:
        UserError: The file is damaged, is not what ``metadata`` describes, or ONNX Runtime is not installed.
    """
    return _Onnx(path, metadata, described_by) if path.suffix == ".onnx" else _Keras(path, metadata, described_by)


def _another(path: Path, described_by: Path) -> UserError:
    return UserError(f"{described_by} describes another model than {path}; copy both files of one model's folder.")


class _Keras:
    def __init__(self, path: Path, metadata: ModelMetadata, described_by: Path) -> None:
        if metadata.model_sha256 not in ("", file_sha256(path)):
            raise _another(path, described_by)
        from affectflow.training.keras_setup import keras

        try:
            _check_size(path)
            self._model = keras.saving.load_model(path, compile=False)
        except UserError:
            raise
        except Exception as error:  # Keras raises any kind on damaged and on hostile files
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UserError(f"{path} is damaged, or not a Keras 3 model ({reason}); train it again.") from None

    @property
    def widths(self) -> Mapping[str, int] | None:
        try:
            outputs = getattr(self._model, "output", {})
        except ValueError:  # of a model that was never built
            return None
        return {head: output.shape[-1] for head, output in outputs.items()} if isinstance(outputs, dict) else None

    def run(self, pixels: NDArray[np.uint8], batch_size: int) -> Outputs:
        # Batches are padded to full size, so that results do not depend on how many images are predicted together.
        padded = np.concatenate([pixels, np.repeat(pixels[-1:], batch_size - len(pixels), axis=0)])
        found = self._model.predict_on_batch(padded)
        return {head: np.asarray(value)[: len(pixels)] for head, value in found.items()}


class _Onnx:
    def __init__(self, path: Path, metadata: ModelMetadata, described_by: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise UserError(f"{path} needs ONNX Runtime; install it with pip install onnxruntime.") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what it says of damaged files is in its exception, too
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            known: Any = json.loads(self._session.get_modelmeta().custom_metadata_map.get("affectflow", "{}"))
        except Exception as error:  # ONNX Runtime's own kinds, on damaged and on hostile files
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UserError(f"{path} is damaged, or not an ONNX model ({reason}); export it again.") from None
        if not isinstance(known, dict) or known.get("model_sha256") != metadata.model_sha256:
            raise _another(path, described_by)
        self._names = [output.name for output in self._session.get_outputs()]

    @property
    def widths(self) -> Mapping[str, int] | None:
        return {output.name: output.shape[-1] for output in self._session.get_outputs()}

    def run(self, pixels: NDArray[np.uint8], batch_size: int) -> Outputs:
        # One by one: sums are the same whatever the batch.
        rows = [self._session.run(self._names, {"pixels": pixels[i : i + 1]}) for i in range(len(pixels))]
        return {name: np.concatenate([row[k] for row in rows]) for k, name in enumerate(self._names)}


def _check_size(model: Path) -> None:
    """Raise :class:`UserError` for an archive that unpacks to more than any model has."""
    if not zipfile.is_zipfile(model):
        return  # Keras says what is wrong with it
    with zipfile.ZipFile(model) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _MAX_UNPACKED or unpacked > _MAX_RATIO * model.stat().st_size:
        raise UserError(f"{model} unpacks to {unpacked:,} bytes, more than a model has; do not trust it.")
