"""TFRecords -> batches, through tf.data.

Images are decoded by the decoder of all other stages and changed by OpenCV, which together take no longer than
TensorFlow's decoder alone; tf.data makes batches side by side, ahead of the training step.
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
from affectflow.media import jpeg
from affectflow.records.access import Records
from affectflow.records.example import decode_example
from affectflow.training import heads

DRAWS = 7
"""Random numbers from 0 to 1 that the changes of one image are made of."""

_MIRRORED = ((51, 52), (55, 56))  # left and right trade places in a mirrored image
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601

cv2.setNumThreads(1)  # batches are made side by side already


@dataclass(frozen=True, slots=True)
class Augmentation:
    """See ``training.augmentation`` in ``config/README.md``."""

    flip: bool
    crop: float
    brightness: float
    contrast: float
    saturation: float


def augment(
    pixels: NDArray[np.uint8], draws: Sequence[float], augmentation: Augmentation, out: NDArray[np.uint8]
) -> bool:
    """Crop a square image, mirror it, scale it to the size of ``out`` and change brightness, contrast, saturation.

    ``pixels`` and ``out`` are uint8 [side, side, 3]; the same ``draws`` [7] make the same changes. Returns whether the
    image was mirrored.
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
        # All three are linear, so they are one matrix. Contrast turns about the image's mean.
        mean = sum(cv2.mean(out)[:3]) / 3
        matrix = np.empty((3, 4))
        matrix[:, :3] = (1 + contrast) * ((1 + saturation) * np.eye(3) - saturation * _LUMA)
        matrix[:, 3] = 255 * shift - contrast * mean
        cv2.transform(out, matrix, dst=out)
    return mirrored


def mirrored(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """The labels [..., 60] of a mirrored image."""
    return units[..., _columns()]


def _columns() -> list[int]:
    columns = list(range(facs.COUNT))
    for left, right in _MIRRORED:
        columns[left - 1], columns[right - 1] = right - 1, left - 1
    return columns


@contextmanager
def staged(files: Sequence[Path], wanted: bool) -> Iterator[list[Path]]:
    """The files, or copies of them below ``$TMPDIR`` that are gone when the block ends.

    Raises :class:`UserError` where there is no room for them.
    """
    if not wanted:
        yield list(files)
        return
    with tempfile.TemporaryDirectory(prefix="affectflow-records-") as name:
        needed = sum(path.stat().st_size for path in files)
        if needed > shutil.disk_usage(name).free:
            raise UserError(
                f"{name} has no room for {needed:,} bytes of records; set TMPDIR to a larger disk or training.stage to "
                "false."
            )
        copies = []
        for number, path in enumerate(files):
            copies.append(Path(name, f"{number:05d}-{path.name}"))
            shutil.copyfile(path, copies[-1])
        yield copies


_OF_AUGMENTATION = 1  # a stream of random numbers apart from that of the order
_ALIGNMENT = 64
_AHEAD = 2  # batches
_SIDE_BY_SIDE = 4  # likewise


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """All labels of some files: units int8 [n, 60], intensities float32 [n, 60], affect float32 [n, 2].

    ``datasets`` names where each is from; ``crops`` counts how images are cropped.
    """

    units: NDArray[np.int8]
    intensities: NDArray[np.float32]
    affect: NDArray[np.float32]
    datasets: list[str]
    crops: Counter[str]

    def __len__(self) -> int:
        return len(self.units)

    def has(self, head: str, units: Sequence[int]) -> NDArray[np.bool_]:
        """Whether each image has a label that a head for ``units`` learns from."""
        columns = np.array(units, int) - 1
        match head:
            case heads.ACTION_UNITS:
                known = self.units[:, columns] != facs.UNKNOWN
            case heads.INTENSITIES:
                known = ~np.isnan(self.intensities[:, columns])
            case _:
                known = ~np.isnan(self.affect)
        return np.asarray(known.any(axis=1))

    def facts(self, units: Sequence[int], intensity_units: Sequence[int]) -> dict[str, Any]:
        """How many there are of each kind, for ``model.json``."""
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
    """The labels alone, in the order of :func:`images_in_order`; raises :class:`UserError` for a damaged file."""
    records = Records(files)
    units = np.empty((len(records), facs.COUNT), np.int8)
    intensities = np.empty((len(records), facs.COUNT), np.float32)
    affect = np.empty((len(records), 2), np.float32)
    datasets = []
    crops: Counter[str] = Counter()
    for number in range(len(records)):
        (data,) = records.read([number])
        feature = decode_example(data).features.feature
        units[number], intensities[number], affect[number] = _labels_of(feature)
        datasets.append(feature["sample/dataset"].bytes_list.value[0].decode())
        crops[feature["image/crop"].bytes_list.value[0].decode()] += 1
    return Labels(units, intensities, affect, datasets, crops)


def sources(records: Records, numbers: Iterable[int]) -> list[str]:
    """Where the images of some records are from."""
    found = (decode_example(data).features.feature for data in records.read(numbers))
    return [feature["image/filename"].bytes_list.value[0].decode() for feature in found]


def images_in_order(records: Records, batches: Sequence[Sequence[int]]) -> tf.data.Dataset:
    """Batches of pixels, uint8 [batch, size, size, 3], of the records that have these numbers."""

    def make(batch: int) -> Sequence[NDArray[Any]]:
        encoded = [_image_of(decode_example(data).features.feature) for data in records.read(batches[batch])]
        first = jpeg.decode(encoded[0])
        pixels = _aligned((len(encoded), *first.shape))
        for i, image in enumerate(encoded):
            jpeg.decode(image, out=pixels[i])
        return [pixels]

    return _made(
        tf.data.Dataset.range(len(batches)),
        make,
        [tf.TensorSpec([None, None, None, 3], tf.uint8)],
        lambda pixels: pixels,
    )


def training_batches(
    records: Records,
    numbers: Callable[[int], NDArray[np.int64]],
    batch_size: int,
    input_size: int,
    units: Mapping[str, Sequence[int]],
    augmentation: Augmentation,
    seed: int,
    start: int = 0,
) -> tf.data.Dataset:
    """Endless batches of (pixels uint8 [batch, input_size, input_size, 3], labels float32 by head).

    ``numbers`` tells which records a batch is made of (:class:`affectflow.training.sampling.Mixture`); ``units`` has
    the heads, and of which AUs each gets labels. Batch k depends on the records, ``numbers``, ``seed`` and k alone, and
    those before ``start`` are not read.
    """
    columns = {head: np.array(chosen, int) - 1 for head, chosen in units.items()}

    def make(batch: int) -> Sequence[NDArray[Any]]:
        pixels = _aligned((batch_size, input_size, input_size, 3))
        occurrence = np.empty((batch_size, facs.COUNT), np.float32)
        intensities = np.empty((batch_size, facs.COUNT), np.float32)
        affect = np.empty((batch_size, 2), np.float32)
        room: NDArray[np.uint8] | None = None
        draws = np.random.default_rng([seed, _OF_AUGMENTATION, batch]).random((batch_size, DRAWS)).tolist()
        for i, data in enumerate(records.read(numbers(batch))):
            feature = decode_example(data).features.feature
            occurrence[i], intensities[i], affect[i] = _labels_of(feature)
            image = jpeg.decode(_image_of(feature), out=room)
            room = image if room is None else room
            if augment(image, draws[i], augmentation, pixels[i]):
                occurrence[i], intensities[i] = mirrored(occurrence[i]), mirrored(intensities[i])
        labels = {heads.ACTION_UNITS: occurrence, heads.INTENSITIES: intensities}
        chosen = [labels[head][:, of] if head in labels else affect for head, of in columns.items()]
        return [pixels, *chosen]

    def named(pixels: tf.Tensor, *labels: tf.Tensor) -> tuple[tf.Tensor, Mapping[str, Any]]:
        return pixels, dict(zip(columns, labels, strict=True))

    widths = [2 if head == heads.VALENCE_AROUSAL else len(of) for head, of in columns.items()]
    shapes = [
        tf.TensorSpec([batch_size, input_size, input_size, 3], tf.uint8),
        *(tf.TensorSpec([batch_size, width], tf.float32) for width in widths),
    ]
    return _made(tf.data.Dataset.range(start, tf.int64.max), make, shapes, named)


def _made(
    numbers: tf.data.Dataset,
    make: Callable[[int], Sequence[NDArray[Any]]],
    shapes: Sequence[tf.TensorSpec],
    name: Callable[..., Any],
) -> tf.data.Dataset:
    """What ``make`` makes of each number, in order, some side by side; ``name`` gives it its structure."""

    def call(number: tf.Tensor) -> Any:
        # Deterministic operations would be made one after the other, if this one could have a state.
        types = [shape.dtype for shape in shapes]
        arrays = tf.numpy_function(lambda n: make(int(n)), [number], types, stateful=False)
        return name(*(tf.ensure_shape(array, shape.shape) for array, shape in zip(arrays, shapes, strict=True)))

    return numbers.map(call, num_parallel_calls=_SIDE_BY_SIDE, deterministic=True).prefetch(_AHEAD)


def _aligned(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Room for pixels where TensorFlow takes it over without copying: at a multiple of 64 bytes."""
    size = math.prod(shape)
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size].reshape(shape)


def _labels_of(feature: Any) -> tuple[Sequence[int], Sequence[float], tuple[float, float]]:
    valence, arousal = (feature[f"label/{name}"].float_list.value[0] for name in ("valence", "arousal"))
    units: Sequence[int] = feature["label/units"].int64_list.value
    intensities: Sequence[float] = feature["label/intensities"].float_list.value
    return units, intensities, (valence, arousal)


def _image_of(feature: Any) -> bytes:
    data: bytes = feature["image/encoded"].bytes_list.value[0]
    return data
