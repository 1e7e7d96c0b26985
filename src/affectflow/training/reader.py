"""Batches of images and labels from TFRecords, through tf.data.

Images are decoded by the decoder that all other stages use and augmented by OpenCV, which together take no longer than
TensorFlow's decoder alone; tf.data makes several batches in parallel, ahead of the training step.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets import dataset_info
from affectflow.datasets.dataset_info import VALENCE_AROUSAL
from affectflow.media import jpeg
from affectflow.records.access import Records
from affectflow.records.example import decode_example
from affectflow.records.index import check_index
from affectflow.records.tfrecord import FOOT, HEAD, record_places

DRAWS = 7
"""Random numbers in [0, 1) that determine the augmentation of one image."""

_MIRRORED = ((51, 52), (55, 56))  # AUs of left and right, which are swapped in a mirrored image
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges of random changes to images, which ``config/README.md`` describes as ``training.augmentation``."""

    flip: bool
    crop: float
    brightness: float
    contrast: float
    saturation: float


def augment(
    pixels: NDArray[np.uint8], draws: Sequence[float], augmentation: Augmentation, out: NDArray[np.uint8]
) -> bool:
    """Randomly crop, mirror and resize a square image, and change its brightness, contrast and saturation.

    Args:
        pixels: uint8 [side, side, 3].
        draws: The random numbers, :data:`DRAWS` in [0, 1).
        augmentation: Ranges of the changes.
        out: Receives the augmented image, uint8 [output side, output side, 3].

    Returns:
        Whether the image was mirrored.
    """
    length = len(pixels)
    side = max(1, round(length * (1 - augmentation.crop * draws[0])))
    top, left = (min(length - side, int((length - side + 1) * draw)) for draw in draws[1:3])
    part = pixels[top : top + side, left : left + side]
    mirrored = augmentation.flip and draws[3] < 0.5
    if mirrored:
        part = cv2.flip(part, 1)
    cv2.resize(part, out.shape[:2], dst=out, interpolation=cv2.INTER_LINEAR)
    contrast, shift, saturation = (
        limit * (2 * draw - 1)
        for limit, draw in zip(
            (augmentation.contrast, augmentation.brightness, augmentation.saturation), draws[4:], strict=True
        )
    )
    if contrast or shift or saturation:
        # All three are linear, so one matrix applies them. Contrast scales around the image's mean.
        mean = sum(cv2.mean(out)[:3]) / 3
        matrix = np.empty((3, 4))
        matrix[:, :3] = (1 + contrast) * ((1 + saturation) * np.eye(3) - saturation * _LUMA)
        matrix[:, 3] = 255 * shift - contrast * mean
        cv2.transform(out, matrix, dst=out)
    return mirrored


def mirrored(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the AU labels [..., 60] of a mirrored image, with left and right swapped."""
    columns = list(range(facs.COUNT))
    for left, right in _MIRRORED:
        columns[left - 1], columns[right - 1] = right - 1, left - 1
    return units[..., columns]


@contextmanager
def cache_records_locally(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield copies of the files in ``$TMPDIR``, which are deleted on exit.

    Raises :class:`UserError` if the disk is too full for them, or a file has other records than its index.
    """
    check_index({path: [HEAD + length + FOOT for _, length in record_places(path)] for path in files})
    with tempfile.TemporaryDirectory(prefix="affectflow-records-") as name:
        needed = sum(path.stat().st_size for path in files)
        if needed > shutil.disk_usage(name).free:
            raise UserError(
                f"{name} has too little disk space for {needed:,} bytes of records; set TMPDIR to a larger disk or "
                "training.cache_records to false."
            )
        copies = []
        for number, path in enumerate(files):
            copies.append(Path(name, f"{number:05d}-{path.name}"))
            shutil.copyfile(path, copies[-1])
        yield copies


_AUGMENTATION_STREAM = 1  # random numbers independent of those of the order
_ALIGNMENT = 64
_PREFETCHED_BATCHES = 2
_PARALLEL_BATCHES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels of n images: units int8 [n, 60], intensities float32 [n, 60], affect (valence, arousal) float32 [n, 2].

    ``datasets`` has the data set of each image and ``groups`` what of it stays on one side of a split; ``crops`` counts
    the images by kind of crop.
    """

    units: NDArray[np.int8]
    intensities: NDArray[np.float32]
    affect: NDArray[np.float32]
    datasets: list[str]
    groups: list[str]
    crops: Counter[str]

    def __len__(self) -> int:
        return len(self.units)

    def __add__(self, other: Labels) -> Labels:
        """Return the labels of these images and then of others."""
        return Labels(
            np.concatenate([self.units, other.units]),
            np.concatenate([self.intensities, other.intensities]),
            np.concatenate([self.affect, other.affect]),
            self.datasets + other.datasets,
            self.groups + other.groups,
            self.crops + other.crops,
        )

    def has(self, head: str, units: Sequence[int]) -> NDArray[np.bool_]:
        """Return a mask [n] of the images that have a label for a head.

        Args:
            head: Name of the head.
            units: Its AUs; ignored for ``valence_arousal``.
        """
        columns = np.array(units, int) - 1
        match head:
            case dataset_info.ACTION_UNITS:
                known = self.units[:, columns] != facs.UNKNOWN
            case dataset_info.INTENSITIES:
                known = ~np.isnan(self.intensities[:, columns])
            case _:
                known = ~np.isnan(self.affect)
        return np.asarray(known.any(axis=1))

    def counts(self, units: Sequence[int], intensity_units: Sequence[int]) -> dict[str, Any]:
        """Return the numbers of images by crop, data set and label, for ``model.json``.

        Args:
            units: AUs whose positives and negatives are counted.
            intensity_units: AUs whose intensities are counted.
        """
        return {
            "crops": dict(sorted(self.crops.items())),
            "datasets": {name: self.datasets.count(name) for name in sorted(set(self.datasets))},
            "positives": {facs.label(unit): int(np.sum(self.units[:, unit - 1] == facs.PRESENT)) for unit in units},
            "negatives": {facs.label(unit): int(np.sum(self.units[:, unit - 1] == facs.ABSENT)) for unit in units},
            "images_with_intensity": {
                facs.label(unit): int(np.sum(~np.isnan(self.intensities[:, unit - 1]))) for unit in intensity_units
            },
            "images_with_affect": int(np.sum(~np.isnan(self.affect).any(axis=1))),
        }


def read_labels(files: Sequence[Path]) -> Labels:
    """Read the labels of all records, in their order; raises :class:`UserError` for a damaged file."""
    records = Records(files)
    units = np.empty((len(records), facs.COUNT), np.int8)
    intensities = np.empty((len(records), facs.COUNT), np.float32)
    affect = np.empty((len(records), 2), np.float32)
    datasets, groups = [], []
    crops: Counter[str] = Counter()
    for number in range(len(records)):
        (data,) = records.read([number])
        feature = decode_example(data).features.feature
        units[number], intensities[number], affect[number] = _labels_of(feature)
        datasets.append(feature["sample/dataset"].bytes_list.value[0].decode())
        groups.append(feature["sample/group"].bytes_list.value[0].decode())
        crops[feature["image/crop"].bytes_list.value[0].decode()] += 1
    return Labels(units, intensities, affect, datasets, groups, crops)


def image_sources(records: Records, indices: Iterable[int]) -> list[str]:
    """Return the file names of the images of some records.

    Args:
        records: The records.
        indices: Indices of those to read.
    """
    features = (decode_example(data).features.feature for data in records.read(indices))
    return [feature["image/filename"].bytes_list.value[0].decode() for feature in features]


def images_in_order(records: Records, batches: Sequence[Sequence[int]]) -> tf.data.Dataset:
    """Return batches of pixels, uint8 [batch, size, size, 3].

    Args:
        records: The records.
        batches: Indices of each batch's records.
    """

    def make(batch: int) -> Sequence[NDArray[Any]]:
        encoded = [_image_of(decode_example(data).features.feature) for data in records.read(batches[batch])]
        first = jpeg.decode(encoded[0])
        pixels = _aligned((len(encoded), *first.shape))
        for i, image in enumerate(encoded):
            jpeg.decode(image, out=pixels[i])
        return [pixels]

    return _parallel_map(
        tf.data.Dataset.range(len(batches)),
        make,
        [tf.TensorSpec([None, None, None, 3], tf.uint8)],
        lambda pixels: pixels,
    )


def training_batches(
    records: Records,
    indices: Callable[[int], NDArray[np.int64]],
    batch_size: int,
    input_size: int,
    trained_heads: Mapping[str, Sequence[int]],
    augmentation: Augmentation,
    seed: int,
    start: int = 0,
) -> tf.data.Dataset:
    """Return endless training batches, of which each depends only on the arguments and its number.

    Args:
        records: The training images and labels.
        indices: Returns the indices of a batch's records (:meth:`affectflow.training.sampling.Mixture.indices`).
        batch_size: Number of images in a batch.
        input_size: Side in pixels to which images are resized.
        trained_heads: AUs of each head's labels.
        augmentation: Ranges of random changes.
        seed: Seed of the augmentation.
        start: Number of the first batch; earlier ones are not read.

    Returns:
        Pairs of pixels, uint8 [batch_size, input_size, input_size, 3], and float32 labels [batch_size, ...] by head.
    """
    columns = {head: np.array(units, int) - 1 for head, units in trained_heads.items()}

    def make(batch: int) -> Sequence[NDArray[Any]]:
        pixels = _aligned((batch_size, input_size, input_size, 3))
        occurrence = np.empty((batch_size, facs.COUNT), np.float32)
        intensities = np.empty((batch_size, facs.COUNT), np.float32)
        affect = np.empty((batch_size, 2), np.float32)
        buffer: NDArray[np.uint8] | None = None
        draws = np.random.default_rng([seed, _AUGMENTATION_STREAM, batch]).random((batch_size, DRAWS)).tolist()
        for i, data in enumerate(records.read(indices(batch))):
            feature = decode_example(data).features.feature
            occurrence[i], intensities[i], affect[i] = _labels_of(feature)
            image = jpeg.decode(_image_of(feature), out=buffer)
            buffer = image if buffer is None else buffer
            if augment(image, draws[i], augmentation, pixels[i]):
                occurrence[i], intensities[i] = mirrored(occurrence[i]), mirrored(intensities[i])
        labels = {dataset_info.ACTION_UNITS: occurrence, dataset_info.INTENSITIES: intensities}
        selected = [labels[head][:, column] if head in labels else affect for head, column in columns.items()]
        return [pixels, *selected]

    def by_head(pixels: tf.Tensor, *labels: tf.Tensor) -> tuple[tf.Tensor, Mapping[str, Any]]:
        return pixels, dict(zip(columns, labels, strict=True))

    widths = [2 if head == VALENCE_AROUSAL else len(column) for head, column in columns.items()]
    specs = [
        tf.TensorSpec([batch_size, input_size, input_size, 3], tf.uint8),
        *(tf.TensorSpec([batch_size, width], tf.float32) for width in widths),
    ]
    return _parallel_map(tf.data.Dataset.range(start, tf.int64.max), make, specs, by_head)


def _parallel_map(
    numbers: tf.data.Dataset,
    make: Callable[[int], Sequence[NDArray[Any]]],
    specs: Sequence[tf.TensorSpec],
    structure: Callable[..., Any],
) -> tf.data.Dataset:
    """Apply ``make`` to numbers in parallel, in order; ``structure`` packs its arrays into an element."""

    def call(number: tf.Tensor) -> Any:
        # With op determinism, tf.data runs stateful operations sequentially.
        types = [spec.dtype for spec in specs]
        arrays = tf.numpy_function(lambda n: make(int(n)), [number], types, stateful=False)
        return structure(*(tf.ensure_shape(array, spec.shape) for array, spec in zip(arrays, specs, strict=True)))

    parallel = numbers.map(call, num_parallel_calls=_PARALLEL_BATCHES, deterministic=True)
    return parallel.prefetch(_PREFETCHED_BATCHES)


def _aligned(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Allocate an array at a multiple of 64 bytes, which TensorFlow takes over without copying."""
    size = math.prod(shape)
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % _ALIGNMENT
    return buffer[start : start + size].reshape(shape)


def _labels_of(feature: Any) -> tuple[Sequence[int], Sequence[float], tuple[float, float]]:
    valence, arousal = (feature[f"label/{name}"].float_list.value[0] for name in ("valence", "arousal"))
    units: Sequence[int] = feature["label/units"].int64_list.value
    intensities: Sequence[float] = feature["label/intensities"].float_list.value
    return units, intensities, (valence, arousal)


def _image_of(feature: Any) -> bytes:
    data: bytes = feature["image/encoded"].bytes_list.value[0]
    return data
