"""Batches for training: each record once an epoch, the same under a seed, from any place on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("tensorflow")

from affectflow.core.errors import UserError
from affectflow.datasets.sample import Sample, unknown_units
from affectflow.media.images import decode_rgb
from affectflow.media.pixels import Decoded
from affectflow.records.access import Records
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import decode_example
from affectflow.records.tfrecord import read_records
from affectflow.records.write import write_records
from affectflow.training.reader import Augmentation, augment, images_in_order, mirrored, read_labels, training_batches
from affectflow.training.sampling import Shuffle
from tests.training.conftest import SIZE
from tests.training.processes import run_program

UNITS = [1, 4, 12]
HEADS = ["action_units", "valence_arousal"]
NOTHING = Augmentation(flip=False, crop=0, brightness=0, contrast=0, saturation=0)
SOMETHING = Augmentation(flip=True, crop=0.2, brightness=0.1, contrast=0.2, saturation=0.3)
Batch = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture
def files(records: Callable[..., list[Path]]) -> list[Path]:
    return [*records("one", 30, 1), *records("two", 21, 2)]


def order_of(files: list[Path], seed: int) -> Callable[[int], NDArray[np.int64]]:
    order = Shuffle(len(Records(files)), seed)
    return lambda batch: order.indices(8 * batch, 8)


def batches(
    files: list[Path], count: int, seed: int = 3, start: int = 0, changes: Augmentation = NOTHING
) -> list[Batch]:
    dataset = training_batches(
        Records(files), order_of(files, seed), 8, SIZE, dict.fromkeys(HEADS, UNITS), changes, seed, start
    )
    return [(x.numpy(), y[HEADS[0]].numpy(), y[HEADS[1]].numpy()) for x, y in islice(dataset, count)]


def images(of: list[Batch]) -> Iterator[bytes]:
    return (image.tobytes() for batch in of for image in batch[0])


def stored(files: list[Path]) -> list[NDArray[np.uint8]]:
    encoded = [
        decode_example(r).features.feature["image/encoded"].bytes_list.value[0] for f in files for r in read_records(f)
    ]
    return [decode_rgb(data).pixels for data in encoded]


def test_every_epoch_shows_each_image_once_in_an_order_of_its_own(files: list[Path]) -> None:
    shown = list(images(batches(files, 13)))  # 104 images, two epochs of 51 and two more
    wanted = Counter(image.tobytes() for image in stored(files))
    first, second = shown[:51], shown[51:102]
    assert Counter(first) == Counter(second) == wanted
    assert first != second and first != [image.tobytes() for image in stored(files)]


def test_the_pixels_are_those_of_all_other_stages(files: list[Path]) -> None:
    got = np.concatenate([batch.numpy() for batch in images_in_order(Records(files), Records(files).batches(8))])
    assert np.array_equal(got, np.stack(stored(files)))


def test_labels_stay_with_their_images(files: list[Path]) -> None:
    labels = read_labels(files)
    known = {image.tobytes(): (labels.units[i], labels.affect[i]) for i, image in enumerate(stored(files))}
    for pixels, units, affect in batches(files, 6):
        for i in range(8):
            wanted_units, wanted_affect = known[pixels[i].tobytes()]
            assert np.array_equal(units[i], wanted_units[[unit - 1 for unit in UNITS]])
            assert np.array_equal(affect[i], wanted_affect, equal_nan=True)


@pytest.mark.parametrize("start", [1, 6, 50])
def test_any_place_can_be_taken_up_again(files: list[Path], start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = batches(files, start + 3, changes=SOMETHING)
    read: list[int] = []
    original = Records.read
    monkeypatch.setattr(Records, "read", lambda self, numbers: original(self, read.append(len(numbers)) or numbers))  # type: ignore[func-returns-value]
    again = batches(files, 3, start=start, changes=SOMETHING)
    for one, other in zip(whole[start:], again, strict=True):
        for array, same in zip(one, other, strict=True):
            assert np.array_equal(array, same, equal_nan=True)
    assert sum(read) <= 8 * 16  # what is read ahead, and nothing of what came before


def test_another_seed_gives_another_order(files: list[Path]) -> None:
    assert list(images(batches(files, 3))) == list(images(batches(files, 3)))
    assert list(images(batches(files, 3, seed=4))) != list(images(batches(files, 3)))


def test_a_damaged_record_is_named(files: list[Path], tmp_path: Path) -> None:
    content = bytearray(files[0].read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.tfrecord"
    damaged.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged\.tfrecord is damaged in the record at byte \d+"):
        read_labels([damaged])
    damaged.write_bytes(content[:-9])
    with pytest.raises(UserError, match=r"damaged\.tfrecord is damaged"):
        read_labels([damaged])


def test_a_mirrored_image_has_mirrored_labels(tmp_path: Path) -> None:
    """AU 51 (head turned left) is labelled where the left half is bright."""
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    pixels[:, : SIZE // 2] = 220
    units = unknown_units()
    units[51 - 1], units[52 - 1] = 1, 0
    samples = [Sample(Decoded(pixels), "turned", str(i), str(i), units=units) for i in range(40)]
    path = tmp_path / "turned.tfrecord"
    write_records(path, samples, ImageEncoding(SIZE, 95, "4:4:4"))
    flipped = Augmentation(flip=True, crop=0, brightness=0, contrast=0, saturation=0)
    sides = set()
    for images, labels in islice(
        training_batches(Records([path]), order_of([path], 0), 8, SIZE, {HEADS[0]: [51, 52]}, flipped, 0), 5
    ):
        for image, label in zip(images.numpy(), labels[HEADS[0]].numpy(), strict=True):
            left = bool(image[:, : SIZE // 2].mean() > image[:, SIZE // 2 :].mean())
            assert label.tolist() == ([1, 0] if left else [0, 1])
            sides.add(left)
    assert sides == {True, False}


def test_records_are_found_by_their_number(files: list[Path]) -> None:
    records = Records(files)
    wanted = [record for path in files for record in read_records(path)]
    assert len(records) == 51
    assert records.read([50, 0, 31]) == [wanted[50], wanted[0], wanted[31]]


@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 200), st.integers(1, 60))
def test_an_order_is_the_same_from_wherever_it_is_looked_at(count: int, seed: int, position: int, length: int) -> None:
    order = Shuffle(count, seed)
    whole = Shuffle(count, seed).indices(0, position + length)
    assert np.array_equal(order.indices(position, length), whole[position:])
    epoch = Shuffle(count, seed).indices(3 * count, count)
    assert sorted(epoch) == list(range(count))


def changed(pixels: NDArray[np.uint8], draws: list[float], size: int = 32, **changes: object) -> NDArray[np.uint8]:
    out = np.empty((size, size, 3), np.uint8)
    augment(
        pixels,
        draws,
        Augmentation(
            **{**dict.fromkeys(("crop", "brightness", "contrast", "saturation"), 0), "flip": False, **changes}
        ),
        out,
    )  # type: ignore[arg-type]
    return out


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(40, 200, (32, 32, 3), dtype=np.uint8)


def test_nothing_is_changed_unless_asked_for(image: NDArray[np.uint8]) -> None:
    assert np.array_equal(changed(image, [0.9] * 7), image)
    assert changed(image, [0.9] * 7, size=20).shape == (20, 20, 3)


def test_half_of_the_images_are_mirrored(image: NDArray[np.uint8]) -> None:
    assert np.array_equal(changed(image, [0, 0, 0, 0.4, 0, 0, 0], flip=True), image[:, ::-1])
    assert np.array_equal(changed(image, [0, 0, 0, 0.6, 0, 0, 0], flip=True), image)


def test_a_crop_leaves_out_at_most_its_share() -> None:
    ramp = np.tile(np.arange(100, dtype=np.uint8)[None, :, None], (100, 1, 3))
    left = changed(ramp, [1.0, 0.0, 0.0, 1, 0, 0, 0], size=100, crop=0.2)
    right = changed(ramp, [1.0, 0.0, 1.0, 1, 0, 0, 0], size=100, crop=0.2)
    assert (left[50, 0, 0], left[50, -1, 0], right[50, 0, 0], right[50, -1, 0]) == (0, 79, 20, 99)


def test_brightness_contrast_and_saturation(image: NDArray[np.uint8]) -> None:
    brighter = changed(image, [0, 0, 0, 1, 0.5, 1.0, 0.5], brightness=0.1)
    assert brighter.mean() - image.mean() == pytest.approx(25.5, abs=0.6)
    flat = changed(image, [0, 0, 0, 1, 0.0, 0.5, 0.5], contrast=0.5)
    assert flat.std() == pytest.approx(image.std() / 2, rel=0.02)
    assert flat.mean() == pytest.approx(image.mean(), abs=0.6)
    grey = changed(image, [0, 0, 0, 1, 0.5, 0.5, 0.0], saturation=0.999)
    assert np.ptp(grey.astype(int), axis=2).max() <= 1
    assert np.abs(grey[..., 0] - image @ (0.299, 0.587, 0.114)).max() < 1.2


def test_mirrored_labels_trade_left_and_right() -> None:
    labels = np.arange(1, 61, dtype=np.float32)
    swapped = mirrored(labels)
    assert swapped[[50, 51, 54, 55]].tolist() == [52, 51, 56, 55]
    assert np.delete(swapped, [50, 51, 54, 55]).tolist() == np.delete(labels, [50, 51, 54, 55]).tolist()


_SIDE_BY_SIDE = """
import sys, threading
from pathlib import Path
import numpy as np
import tensorflow as tf
from affectflow.records.access import Records
from affectflow.training.reader import Augmentation
from affectflow.training.reader import training_batches
tf.config.experimental.enable_op_determinism()
both = threading.Barrier(2, timeout=30)
def numbers(batch):
    if batch < 4:  # not those that are read ahead
        both.wait()
    return np.arange(8 * batch, 8 * batch + 8) % 30
changes = Augmentation(flip=False, crop=0, brightness=0, contrast=0, saturation=0)
batches = training_batches(Records([Path(sys.argv[1])]), numbers, 8, 40, {"action_units": [1]}, changes, 0)
assert len(list(batches.take(4))) == 4
"""


def test_batches_are_made_side_by_side_where_all_is_deterministic(files: list[Path]) -> None:
    """Each waits until another is being made."""
    result = run_program(_SIDE_BY_SIDE, str(files[0]))
    assert result.returncode == 0, result.stderr
