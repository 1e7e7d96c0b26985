"""Our TFRecords as TensorFlow itself reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.training.conftest import SIZE, patch_samples  # noqa: E402


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


def test_a_mirrored_picture_swaps_left_and_right_labels() -> None:
    from affectflow.training.reader import _mirrored_columns

    columns = _mirrored_columns()
    assert (columns[51 - 1], columns[52 - 1]) == (52 - 1, 51 - 1)
    assert (columns[55 - 1], columns[56 - 1]) == (56 - 1, 55 - 1)
    assert sum(i != column for i, column in enumerate(columns)) == 4
