"""Images -> TFRecords as TensorFlow's image conversion scripts of 2016 on did it, with TensorFlow of today.

Threads share the shards out; each image is read, turned into JPEG where it is none, decoded to see that it has three
channels, and written as an example with its labels. Run as: tensorflow_flow.py FOLDER OUT THREADS SHARDS.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import tensorflow as tf

UNITS = 60


def _int64(values: list[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _decoded(data: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_jpeg(data, channels=3)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _to_jpeg(data: tf.Tensor) -> tf.Tensor:
    return tf.io.encode_jpeg(tf.io.decode_image(data, channels=3, expand_animations=False), quality=95)


def _example(path: Path, number: int) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".jpg":
        data = _to_jpeg(data).numpy()
    height, width, channels = _decoded(data).shape
    assert channels == 3
    features = {
        "image/encoded": _bytes(data),
        "image/format": _bytes(b"JPEG"),
        "image/height": _int64([height]),
        "image/width": _int64([width]),
        "image/filename": _bytes(path.name.encode()),
        "label/units": _int64([(number + unit) % 3 - 1 for unit in range(UNITS)]),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _write(paths: list[Path], out: Path, shards: range, of: int) -> None:
    for shard in shards:
        with tf.io.TFRecordWriter(str(out / f"train-{shard:05d}-of-{of:05d}")) as writer:
            for number in range(shard, len(paths), of):
                writer.write(_example(paths[number], number))


def main(folder: Path, out: Path, threads: int, shards: int) -> None:
    out.mkdir(parents=True)
    paths = sorted(folder.iterdir())
    _example(paths[0], 0)  # the graphs are made once
    began = time.perf_counter()
    share = shards // threads
    workers = [
        threading.Thread(target=_write, args=(paths, out, range(i * share, (i + 1) * share), shards))
        for i in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"after start-up: {len(paths) / (time.perf_counter() - began):.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
