"""The same step on other devices and on another backend of Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.training.processes import RECIPE, SMALL, run_program

pytest.importorskip("tensorflow")

_STEP = """
import pycurl  # before TensorFlow, see tests/conftest.py
import json, sys
import numpy as np
devices = int(sys.argv[1])
if devices:
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
import keras
from affectflow.training.multi_task import MultiTaskModel, OneDevice
if devices:
    from affectflow.training.model import DeterministicModel as MultiTaskModel
from affectflow.training.losses import concordance_in_bins, cross_entropy, ordinal
from affectflow.training.network import HeadSpec, NetworkSpec, build_network
from affectflow.training.optimizers import make_optimizer
from tests.training.processes import add_small

add_small()
heads = (HeadSpec("action_units", 4, "cross_entropy"), HeadSpec("intensities", 3, "ordinal"),
         HeadSpec("valence_arousal", 0, "ccc_bins"))
form = NetworkSpec("Small", 32, "pooled", "avg", False, 0.0, 5e-4, "all", 1.0)

def make(replica_context):
    network = build_network(form, None, heads)
    rng = np.random.default_rng(0)
    for variable in network.variables:
        name = variable.path.rsplit("/", 1)[-1]
        if name == "kernel":
            scale = (2 / np.prod(variable.shape[:-1])) ** 0.5
            variable.assign(rng.normal(0, scale, variable.shape).astype("float32"))
    losses = {"action_units": cross_entropy([1, 2, 3, 4]), "intensities": ordinal,
              "valence_arousal": concordance_in_bins}
    model = MultiTaskModel(network, losses, None, replica_context)
    model.compile(optimizer=make_optimizer("sgd", 1e-3, 0.0, 0.0, 10), jit_compile=False)
    return model

if devices > 1:
    from affectflow.training.devices import Devices, share_statistics
    used = Devices(tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)]))
    with used.scope():
        model = make(used.replica_context)
        share_statistics(model.network)
else:
    model = make(OneDevice())
rng = np.random.default_rng(1)
x = rng.integers(0, 256, (8, 32, 32, 3)).astype("float32")
y = {"action_units": rng.integers(-1, 2, (8, 4)).astype("float32"),
     "intensities": rng.integers(0, 6, (8, 3)).astype("float32"),
     "valence_arousal": rng.uniform(-1, 1, (8, 2)).astype("float32")}
y["intensities"][:3] = np.nan
y["valence_arousal"][5:, 0] = np.nan
found = []
for _ in range(2):
    if devices:
        data = tf.data.Dataset.from_tensors((x, y))
        history = model.fit(data, epochs=1, verbose=0).history
        found.append({name: values[0] for name, values in history.items()})
    else:
        model.reset_metrics()
        found.append({name: float(value) for name, value in model.train_on_batch(x, y, return_dict=True).items()})
print(json.dumps({"backend": keras.backend.backend(), "replicas": model.devices if devices < 2 else devices,
                  "losses": found}))
"""


def step(devices: int) -> list[dict[str, float]]:
    result = run_program(_STEP, str(devices))
    assert result.returncode == 0, result.stderr[-3000:]
    return losses(result.stdout, "tensorflow")


def losses(said: str, backend: str) -> list[dict[str, float]]:
    facts = json.loads(said.splitlines()[-1])
    assert facts["backend"] == backend
    found: list[dict[str, float]] = facts["losses"]
    return found


@pytest.fixture(scope="module")
def alone() -> list[dict[str, float]]:
    found = step(1)
    assert set(found[0]) == {"loss", "action_units_loss", "intensities_loss", "valence_arousal_loss"}
    assert found[0]["loss"] != found[1]["loss"]
    return found


def test_two_devices_have_the_loss_of_one(alone: list[dict[str, float]]) -> None:
    """Over the whole batch, with its statistics of batch normalization too; the second step shows the gradients."""
    together = step(2)
    assert together[0] == pytest.approx(alone[0], rel=1e-5, abs=1e-5)
    changes = [{name: found[1][name] - found[0][name] for name in found[0]} for found in (together, alone)]
    assert changes[0] == pytest.approx(changes[1], rel=0.02)


_SHIPPED = """
for backbone in ('resnet50', 'vgg16'):
    form = NetworkSpec(backbone, 32, 'pooled', 'avg', False, 0.1, 0.0, 'all', 1.0)
    build_network(form, None, (HeadSpec('action_units', 4, 'cross_entropy'),))
"""


@pytest.fixture(scope="module")
def on_jax() -> subprocess.CompletedProcess[str]:
    pytest.importorskip("jax")
    words = [sys.executable, "-c", _STEP + _SHIPPED, "0"]
    quickly = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "AFFECTFLOW_KERAS_BACKEND": "jax", "XLA_FLAGS": quickly}
    return subprocess.run(words, capture_output=True, text=True, timeout=600, env=environment, cwd=ROOT)


def test_jax_has_the_loss_of_tensorflow(
    alone: list[dict[str, float]], on_jax: subprocess.CompletedProcess[str]
) -> None:
    assert on_jax.stdout, on_jax.stderr[-3000:]
    (first, _), (expected, _) = losses(on_jax.stdout, "jax"), alone
    assert first == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_shipped_networks_are_built_on_jax(on_jax: subprocess.CompletedProcess[str]) -> None:
    assert on_jax.returncode == 0, on_jax.stderr[-2000:]


_UPDATES = """
import sys
import numpy as np
import tensorflow as tf
devices, name = int(sys.argv[1]), sys.argv[2]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
import keras
from affectflow.training.optimizers import make_optimizer
x = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
y = x @ np.arange(10, dtype="float32").reshape(5, 2)
found = []
for ours in (True, False):
    names = [f"CPU:{i}" for i in range(devices)]
    strategy = tf.distribute.MirroredStrategy(names) if devices > 1 else tf.distribute.get_strategy()
    with strategy.scope():
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, kernel_initializer="zeros")])
        optimizer = make_optimizer(name, 0.1, 0.01, 0.2, 20)
        if not ours:
            optimizer = getattr(keras.optimizers, {"adam": "Adam", "adamw": "AdamW"}[name])(
                optimizer._learning_rate, weight_decay=0.01)
        model.compile(optimizer=optimizer, loss="mse")
    model.fit(np.tile(x, (10, 1)), np.tile(y, (10, 1)), batch_size=8, shuffle=False, verbose=0)
    found.append(np.concatenate([np.ravel(w) for w in model.get_weights()]))
    moments = [np.ravel(np.asarray(v)) for v in optimizer._momentums + optimizer._velocities]
    found.append(np.concatenate(moments))
assert np.abs(found[0]).min() > 1e-3
for one, other in zip(found[:2], found[2:]):
    assert np.allclose(one, other, rtol=1e-4, atol=1e-6), (one, other)
"""


@pytest.mark.parametrize("devices, name", [(1, "adam"), (1, "adamw"), (2, "adamw")])
def test_adam_in_one_operation_is_adam(devices: int, name: str) -> None:
    """Ten updates beside Keras's own, with weight decay and a rate that rises and falls."""
    result = run_program(_UPDATES, str(devices), name)
    assert result.returncode == 0, result.stderr[-3000:]


_SAVE_AND_PREDICT = """
import json, sys
from pathlib import Path
import numpy as np
from tests.training.processes import add_small
from tests.model_json import model_json
from affectflow.prediction.model import TrainedModel
from affectflow.training.devices import Devices, prepare
from affectflow.training.model import build_model
from affectflow.training.network import inference_model
from affectflow.contracts.recipe import Recipe
from affectflow.training.saving import save_model
prepare(1, 1, "float32")
add_small()
recipe = Recipe.of(json.loads(sys.argv[2]), None)
model = build_model(recipe, {"action_units": (4, 12)}, np.zeros((8, 60), np.int8), 10, Devices(None))
x = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
model.fit(x, {"action_units": np.eye(8, 2, dtype=np.float32)}, batch_size=4, epochs=2, shuffle=False, verbose=0)
folder = Path(sys.argv[1])
save_model(inference_model(model.network), folder / "model.keras")
model_json(folder / "model.json", units=(4, 12))
print(TrainedModel(folder / "model.keras", folder / "model.json", 8).predict(x).probabilities[:, [3, 11]].tolist())
"""


def test_settings_of_keras_for_other_programs_change_nothing(tmp_path: Path) -> None:
    """Neither in the environment nor in keras.json do they change training or prediction."""
    settings = {"backend": "torch", "image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3}
    recipe = json.dumps(RECIPE | SMALL)
    results = []
    for name, backend in (("plain", None), ("set", "jax")):
        home = tmp_path / name
        (home / ".keras").mkdir(parents=True)
        environment = {**os.environ, "HOME": str(home)}
        if backend is not None:
            (home / ".keras" / "keras.json").write_text(json.dumps(settings))
            environment |= {"KERAS_BACKEND": backend, "KERAS_MAX_STEPS_PER_EPOCH": "1"}
        program = [sys.executable, "-c", _SAVE_AND_PREDICT, str(home), recipe]
        result = subprocess.run(program, capture_output=True, text=True, timeout=300, env=environment, cwd=ROOT)
        assert result.returncode == 0, result.stderr[-3000:]
        results.append((result.stdout, (home / "model.keras").read_bytes()))
    assert results[0] == results[1]
