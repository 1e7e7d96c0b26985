"""Records by their number, without reading those before."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from affectflow.core.errors import UserError
from affectflow.records.example import decode_example
from affectflow.records.tfrecord import FOOT, HEAD, checked, read_records, record_places


class Records:
    """The records of some TFRecord files, counted through. The files stay open; reading is safe from any thread."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Raises :class:`UserError` where a file is damaged."""
        self._paths = list(files)
        self._open = [path.open("rb") for path in self._paths]
        places = [np.array(list(record_places(path)), np.int64).reshape(-1, 2) for path in self._paths]
        self._file = np.repeat(np.arange(len(places)), [len(place) for place in places])
        self._offset, self._length = np.concatenate([*places, np.empty((0, 2), np.int64)]).T

    def __len__(self) -> int:
        return len(self._file)

    def batches(self, size: int) -> list[range]:
        """The numbers of all records in order, ``size`` at once; the last may have fewer."""
        return [range(first, min(len(self), first + size)) for first in range(0, len(self), size)]

    def read(self, numbers: Iterable[int]) -> list[bytes]:
        """Records by number, their checksums checked; raises :class:`UserError` for a damaged one."""
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
    """How many images of some files are cropped in which way."""
    features = (decode_example(data).features.feature for path in files for data in read_records(path))
    return Counter(feature["image/crop"].bytes_list.value[0].decode() for feature in features)
