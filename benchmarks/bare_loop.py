"""The barest way from images to TFRecords in Python: read, decode, write. Run as: bare_loop.py FOLDER OUT SHARDS.

JPEGs are decoded at an eighth, as ours are, and stored as they came; others become JPEGs. No SHA-256, no labels, no
index, no example around the image.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from affectflow.media import jpeg
from affectflow.media.images import decode_rgb
from affectflow.records.tfrecord import write_record

PROCESSES = 2


def _write(task: tuple[Path, list[Path]]) -> None:
    out, paths = task
    with out.open("wb") as stream:
        for path in paths:
            data = path.read_bytes()
            if path.suffix == ".jpg":
                jpeg.decode(data, smallest=1)
            else:
                data = jpeg.encode(decode_rgb(data).pixels, 95, "4:4:4")
            write_record(stream, data)


def main(folder: Path, out: Path, shards: int) -> None:
    out.mkdir(parents=True)
    paths = sorted(folder.iterdir())
    tasks = [(out / f"{shard:05d}.tfrecord", paths[shard::shards]) for shard in range(shards)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(_write, tasks))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
