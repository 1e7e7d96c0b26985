"""TFRecords -> batches, through tf.data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow import facs
from affectflow.training.model import ACTION_UNITS, VALENCE_AROUSAL

_SHUFFLE = 4096  # records held while shuffling
_MIRRORED = ((51, 52), (55, 56))  # left and right trade places in a mirrored picture

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "label/units": tf.io.FixedLenFeature([facs.COUNT], tf.int64),
    "label/valence": tf.io.FixedLenFeature([], tf.float32),
    "label/arousal": tf.io.FixedLenFeature([], tf.float32),
}


@dataclass(frozen=True, slots=True)
class Augmentation:
    """See ``training.augmentation`` in ``config/README.md``."""

    flip: bool
    crop: float
    brightness: float
    contrast: float


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """All labels of some files: units int8 [n, 60], affect float32 [n, 2]."""

    units: NDArray[np.int8]
    affect: NDArray[np.float32]


def read_labels(files: Sequence[Path]) -> Labels:
    """The labels alone, in the order of :func:`pictures_in_order`."""
    units, affect = [], []
    for batch in tf.data.TFRecordDataset([str(path) for path in files]).batch(1024):
        features = tf.io.parse_example(batch, {k: v for k, v in _FEATURES.items() if k.startswith("label/")})
        units.append(features["label/units"].numpy().astype(np.int8))
        affect.append(np.stack([features["label/valence"].numpy(), features["label/arousal"].numpy()], axis=1))
    if not units:
        return Labels(np.empty((0, facs.COUNT), np.int8), np.empty((0, 2), np.float32))
    return Labels(np.concatenate(units), np.concatenate(affect))


def pictures_in_order(files: Sequence[Path], count: int, batch_size: int) -> tf.data.Dataset:
    """Batches of pixels, uint8 [batch, size, size, 3], each of the ``count`` records once and in order."""
    records = tf.data.TFRecordDataset([str(path) for path in files])
    pixels = records.map(lambda record: _decode(record)[0], num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    # Keras warns of data that "ran out" where it cannot know how much there is.
    counted = pixels.apply(tf.data.experimental.assert_cardinality(count))
    return counted.batch(batch_size).prefetch(2)


def training_batches(
    files: Sequence[Path],
    batch_size: int,
    input_size: int,
    units: Sequence[int],
    heads: Sequence[str],
    augmentation: Augmentation,
    seed: int,
) -> tf.data.Dataset:
    """Endless batches of (pixels float32 [batch, input_size, input_size, 3] in 0 to 255, labels by head).

    The same seed gives the same batches.
    """
    paths = [str(path) for path in files]
    order = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths), seed=seed, reshuffle_each_iteration=True)
    records = order.interleave(
        tf.data.TFRecordDataset, cycle_length=len(paths), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    records = records.shuffle(_SHUFFLE, seed=seed + 1, reshuffle_each_iteration=True).repeat()
    samples = records.map(_decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(batch_size)
    chosen = tf.constant([unit - 1 for unit in units], tf.int32)

    def finish(number: tf.Tensor, batch: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, Mapping[str, Any]]:
        pixels, unit_labels, affect = batch
        key = tf.stack([tf.constant(seed, tf.int64), number])
        pixels, unit_labels = _augment(pixels, unit_labels, key, input_size, augmentation)
        labels = {ACTION_UNITS: tf.gather(unit_labels, chosen, axis=1), VALENCE_AROUSAL: affect}
        return pixels, {head: labels[head] for head in heads}

    numbered = samples.enumerate()
    return numbered.map(finish, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def _decode(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    features = tf.io.parse_single_example(record, _FEATURES)
    pixels = tf.io.decode_jpeg(features["image/encoded"], channels=3, dct_method="INTEGER_ACCURATE")
    affect = tf.stack([features["label/valence"], features["label/arousal"]])
    return pixels, tf.cast(features["label/units"], tf.float32), affect


def _augment(
    pixels: tf.Tensor, unit_labels: tf.Tensor, key: tf.Tensor, input_size: int, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Crop, mirror and scale in one resampling; then brightness and contrast, each drawn per picture."""
    count = tf.shape(pixels)[0]
    draws = tf.random.stateless_uniform([6, count], key)
    side = 1.0 - augmentation.crop * draws[0]
    top, left = (1.0 - side) * draws[1], (1.0 - side) * draws[2]
    mirror = (draws[3] < 0.5) if augmentation.flip else tf.zeros([count], tf.bool)
    first, last = tf.where(mirror, left + side, left), tf.where(mirror, left, left + side)
    boxes = tf.stack([top, first, top + side, last], axis=1)
    cut = tf.image.crop_and_resize(tf.cast(pixels, tf.float32), boxes, tf.range(count), [input_size, input_size])
    mean = tf.reduce_mean(cut, axis=[1, 2, 3], keepdims=True)
    contrast = 1.0 + augmentation.contrast * (2 * draws[4] - 1)
    shift = 255.0 * augmentation.brightness * (2 * draws[5] - 1)
    changed = (cut - mean) * contrast[:, None, None, None] + mean + shift[:, None, None, None]
    swapped = tf.gather(unit_labels, _mirrored_columns(), axis=1)
    return tf.clip_by_value(changed, 0.0, 255.0), tf.where(mirror[:, None], swapped, unit_labels)


def _mirrored_columns() -> list[int]:
    columns = list(range(facs.COUNT))
    for left, right in _MIRRORED:
        columns[left - 1], columns[right - 1] = right - 1, left - 1
    return columns
