"""Import Keras with the settings that this package relies on.

Keras takes its backend, float type, epsilon and image layout from ``KERAS_BACKEND`` and ``~/.keras/keras.json``, which
users set for their other programs. Such settings must change neither jobs nor commands, so modules of this package
import ``keras`` and ``ops`` from here; the package itself has set the backend by then. ``AFFECTFLOW_KERAS_BACKEND``
selects another backend (network, losses and optimizer run on JAX too; training jobs need TensorFlow).
"""

from __future__ import annotations

import keras
from keras import ops

keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")
keras.config.set_max_epochs(None)  # else KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH shorten trainings
keras.config.set_max_steps_per_epoch(None)

__all__ = ["keras", "ops"]
