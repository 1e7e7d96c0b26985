"""Train models from TFRecords.

Importing this package sets Keras's backend and TensorFlow's kernels, which are its only side effects;
:mod:`affectflow.training.keras_setup` says why. It happens here because importing TensorFlow, which some modules do
before Keras, reads both once and for all.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = os.environ.get("AFFECTFLOW_KERAS_BACKEND") or "tensorflow"
# TensorFlow takes oneDNN's kernels by itself on some of Intel's processors alone; on others they double the speed.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
