"""Train models from TFRecords.

Importing this package sets Keras's backend and silences TensorFlow's greetings, which are its only side effects;
:mod:`affectflow.training.keras_setup` says why. It happens here because importing TensorFlow imports Keras, which then reads its backend once and for all.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets with lines that no user can act on
os.environ["KERAS_BACKEND"] = os.environ.get("AFFECTFLOW_KERAS_BACKEND") or "tensorflow"
