"""Our TFRecords as TensorFlow itself reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from affectflow.media.images import decode_rgb
from tests.training.conftest import SIZE, patch_samples


def test_every_feature_comes_back(records: Callable[..., list[Path]]) -> None:
    (path,) = records("plain", 20, 7)
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/format": tf.io.FixedLenFeature([], tf.string),
        "image/height": tf.io.FixedLenFeature([], tf.int64),
        "image/width": tf.io.FixedLenFeature([], tf.int64),
        "image/filename": tf.io.FixedLenFeature([], tf.string),
        "label/units": tf.io.FixedLenFeature([60], tf.int64),
        "label/intensities": tf.io.FixedLenFeature([60], tf.float32),
        "label/valence": tf.io.FixedLenFeature([], tf.float32),
        "label/arousal": tf.io.FixedLenFeature([], tf.float32),
    }
    samples = patch_samples(20, 7)
    read = list(tf.data.TFRecordDataset(str(path)))
    assert len(read) == len(samples)
    for record, sample in zip(read, samples, strict=True):
        example = tf.io.parse_single_example(record, features)
        assert np.array_equal(example["label/units"].numpy(), sample.units)
        assert example["label/valence"].numpy() == np.float32(sample.valence)
        assert np.isnan(example["label/arousal"].numpy())
        assert np.isnan(example["label/intensities"].numpy()).all()
        assert example["image/filename"].numpy().decode() == sample.source
        assert example["image/format"].numpy() == b"jpeg"
        pixels = tf.io.decode_jpeg(example["image/encoded"]).numpy()
        assert pixels.shape == (SIZE, SIZE, 3)
        assert np.abs(pixels.astype(int) - sample.image.rgb()).mean() < 12


_TFRECORD = """
import json, sys
from tfrecord.reader import tfrecord_loader
kinds = {"image/encoded": "byte", "image/filename": "byte", "label/units": "int", "label/valence": "float"}
for example in tfrecord_loader(sys.argv[1], None, kinds):
    values = {name: bytes(value).hex() if kinds[name] == "byte" else value.tolist() for name, value in example.items()}
    print(json.dumps(values))
"""


def test_the_package_tfrecord_reads_them(records: Callable[..., list[Path]]) -> None:
    """It is not TensorFlow's, is the way into PyTorch, and cannot be in one process with TensorFlow."""
    (path,) = records("plain", 20, 7)
    result = subprocess.run([sys.executable, "-c", _TFRECORD, path], capture_output=True, text=True, check=True)
    read = [json.loads(line) for line in result.stdout.splitlines()]
    samples = patch_samples(20, 7)
    assert len(read) == len(samples)
    for example, sample in zip(read, samples, strict=True):
        assert example["label/units"] == sample.units.tolist()
        assert np.float32(example["label/valence"]) == np.float32(sample.valence)
        assert bytes.fromhex(example["image/filename"]).decode() == sample.source
        assert decode_rgb(bytes.fromhex(example["image/encoded"])).pixels.shape == (SIZE, SIZE, 3)


def test_a_batch_is_parsed_as_in_tf_slim(records: Callable[..., list[Path]]) -> None:
    """By names and kinds alone, as TF-Slim's TFExampleDecoder and tensorflow_datasets do, in one go."""
    (path,) = records("plain", 20, 7)
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/format": tf.io.FixedLenFeature([], tf.string, "jpeg"),
        "label/units": tf.io.VarLenFeature(tf.int64),
    }
    (batch,) = tf.data.TFRecordDataset(str(path)).batch(20).map(lambda records: tf.io.parse_example(records, features))
    assert tf.sparse.to_dense(batch["label/units"]).shape == (20, 60)
    assert {tf.io.decode_image(encoded).shape for encoded in batch["image/encoded"]} == {(SIZE, SIZE, 3)}
