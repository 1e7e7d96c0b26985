"""Random access to records."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from affectflow.core.errors import UserError
from affectflow.records.example import decode_example
from affectflow.records.index import check_index
from affectflow.records.tfrecord import FOOT, HEAD, checked, read_records, record_places


class Records:
    """The records of several TFRecord files, numbered from 0 across the files.

    The files stay open. Reading is safe from any thread.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        """Index the files; raises :class:`UserError` where one is damaged, or has other records than its index."""
        self._paths = list(files)
        self._open = [path.open("rb") for path in self._paths]
        places = [np.array(list(record_places(path)), np.int64).reshape(-1, 2) for path in self._paths]
        lengths = ((place[:, 1] + HEAD + FOOT).tolist() for place in places)
        check_index(dict(zip(self._paths, lengths, strict=True)))
        self._file = np.repeat(np.arange(len(places)), [len(place) for place in places])
        self._offset, self._length = np.concatenate([*places, np.empty((0, 2), np.int64)]).T

    def __len__(self) -> int:
        return len(self._file)

    def batches(self, size: int) -> list[range]:
        """Return the numbers of all records in ranges of ``size``; the last range may be shorter."""
        return [range(first, min(len(self), first + size)) for first in range(0, len(self), size)]

    def read(self, numbers: Iterable[int]) -> list[bytes]:
        """Read records by number; raises :class:`UserError` where a checksum is wrong."""
        found = []
        for number in numbers:
            file, offset, length = int(self._file[number]), int(self._offset[number]), int(self._length[number])
            data = os.pread(self._open[file].fileno(), length + FOOT, offset)
            if not checked(data):
                where = f"{self._paths[file]} is damaged in the record at byte {offset - HEAD}"
                raise UserError(f"{where}; delete it and run again.")
            found.append(data[:-FOOT])
        return found


def crops_of(files: Sequence[Path]) -> Counter[str]:
    """Count the images of some files by kind of crop."""
    features = (decode_example(data).features.feature for path in files for data in read_records(path))
    return Counter(feature["image/crop"].bytes_list.value[0].decode() for feature in features)
