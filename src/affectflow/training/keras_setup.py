"""Import Keras with the settings that this package relies on.

Keras takes its backend, float type, epsilon and image layout from ``KERAS_BACKEND`` and ``~/.keras/keras.json``, which
users set for their other programs. Such settings must change neither jobs nor commands, so modules of this package
import ``keras`` and ``ops`` from here; the package itself has set the backend by then. ``AFFECTFLOW_KERAS_BACKEND``
selects another backend (network, losses and optimizer run on JAX too; training jobs need TensorFlow).

TensorFlow greets with lines of its C++ libraries, before any setting of theirs is read. They tell a user nothing, and
are held back; import this module first. ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment shows them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _greetings_held_back() -> Iterator[None]:
    """Send what C libraries write to standard error elsewhere; where an import fails, it is shown after all."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with _greetings_held_back():
    import keras
    from keras import ops

keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")
keras.config.set_max_epochs(None)  # else KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH shorten trainings
keras.config.set_max_steps_per_epoch(None)

__all__ = ["keras", "ops"]
