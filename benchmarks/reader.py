"""The reader of records beside ``tf.io.decode_jpeg`` alone, over the same bytes on all cores.

Images are stored at 160 pixels and trained on at 128, as README.md suggests for photographs. The decoder gets its
bytes from memory and makes batches; ours reads files, checks sums, shuffles, and has all labels.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import cv2
import tensorflow as tf

from affectflow.datasets.sample import Sample
from affectflow.media.pixels import Encoded
from affectflow.records.access import Records
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import decode_example
from affectflow.records.write import write_records
from affectflow.training.reader import Augmentation, images_in_order, training_batches
from affectflow.training.sampling import Shuffle
from benchmarks.images import draw

STORED, TRAINED_ON, BATCH, SHOWN = 160, 128, 32, 12_000
_CHANGES = Augmentation(flip=True, crop=0.08, brightness=0.1, contrast=0.2, saturation=0.2)


def main(folder: Path, rounds: int) -> None:
    files = [folder / f"reader-{number}.tfrecord" for number in range(8)]
    samples = [Sample(Encoded(data, name), "drawn", name, name) for name, data in draw(2000, STORED)]
    for number, path in enumerate(files):
        write_records(path, samples[number :: len(files)], ImageEncoding(STORED, 95, "4:4:4"))
    records = Records(files)
    order = Shuffle(len(records), 0)
    cv2.setNumThreads(1)  # as in a training job
    encoded = [
        decode_example(data).features.feature["image/encoded"].bytes_list.value[0]
        for data in records.read(range(len(records)))
    ]

    def bare() -> tf.data.Dataset:
        bytes_ = tf.data.Dataset.from_tensor_slices(encoded).repeat()
        decoded = bytes_.map(lambda data: tf.io.decode_jpeg(data, channels=3), num_parallel_calls=tf.data.AUTOTUNE)
        return decoded.batch(BATCH).prefetch(2)

    def in_order() -> tf.data.Dataset:
        records = Records(files)
        return images_in_order(records, records.batches(BATCH)).repeat()

    def augmented() -> tf.data.Dataset:
        return training_batches(
            records,
            lambda batch: order.indices(batch * BATCH, BATCH),
            batch_size=BATCH,
            input_size=TRAINED_ON,
            trained_heads={"action_units": range(1, 61)},
            augmentation=_CHANGES,
            seed=0,
        )

    makers = {"tf.io.decode_jpeg": bare, "ours, in order": in_order, "ours, shuffled and changed": augmented}
    rates: dict[str, list[float]] = {name: [] for name in makers}
    for number in range(rounds + 1):
        for name, make in makers.items():
            rate = _rate(make())
            if number:
                rates[name].append(rate)
    print(f"\nReading: {STORED} pixels, batches of {BATCH}, medians of {rounds} rounds")
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, rate in medians.items():
        print(f"{name:34}{rate:11,.0f} images/s")
    alone, plain, changed = medians.values()
    print(f"  in order / decoder alone: {plain / alone:.2f} (wanted: >= 0.9)")
    print(f"  shuffled and changed / decoder alone: {changed / alone:.2f} (wanted: >= 0.7)")


def _rate(batches: tf.data.Dataset) -> float:
    source = iter(batches)
    for _ in range(5):
        next(source)
    began, shown = time.perf_counter(), 0
    while shown < SHOWN:
        batch = next(source)
        shown += int((batch[0] if isinstance(batch, tuple) else batch).shape[0])
    return shown / (time.perf_counter() - began)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
