"""Train models from TFRecords.

Importing this package sets Keras's backend, which is its only side effect; :mod:`affectflow.training.keras_setup` says
why. It happens here because importing TensorFlow imports Keras, which then reads its backend once and for all.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = os.environ.get("AFFECTFLOW_KERAS_BACKEND") or "tensorflow"
