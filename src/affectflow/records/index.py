"""The index of the records: file, position and byte offset of each image."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_csv, write_csv

INDEX = "index.csv"
"""The index of all records in a folder; that of a single file ``x.tfrecord`` is ``x_index.csv``."""
INDEX_COLUMNS = ("file", "position", "offset", "bytes", "source", "group")


def collect_index(parts: Sequence[Path], index: Path, counts: Path) -> None:
    """Join the indices of the shards, and count the records of each file.

    Args:
        parts: The index of each shard.
        index: CSV to write, with the rows of all shards in their order.
        counts: JSON file to write, with the number of records by file.
    """
    rows = [row for part in parts for row in read_csv(part, INDEX_COLUMNS)]
    write_csv(index, INDEX_COLUMNS, ([row[column] for column in INDEX_COLUMNS] for row in rows))
    by_file = Counter(row["file"] for row in rows)
    with atomic_write(counts) as partial:
        partial.write_text(json.dumps(dict(sorted(by_file.items())), indent=1) + "\n")


def check_index(lengths: Mapping[Path, Sequence[int]]) -> None:
    """Check that files have the records that their index lists.

    A file that was cut between two records looks whole, as does one that was swapped with another. Files without an
    index are not checked.

    Args:
        lengths: The length of each record, with its header, by file.

    Raises:
        UserError: A file has other records.
    """
    listed: dict[Path, dict[str, list[int]]] = {}
    for file, found in lengths.items():
        own = file.with_name(f"{file.stem}_{INDEX}")
        index = own if own.is_file() else file.with_name(INDEX)
        if not index.is_file():
            continue
        if index not in listed:
            listed[index] = {}
            for row in read_csv(index, INDEX_COLUMNS):
                if not str(row["bytes"]).isdecimal():
                    raise UserError(f"{index} is damaged: {str(row['bytes'])[:40]!r} is no length; write it again.")
                listed[index].setdefault(row["file"], []).append(int(row["bytes"]))
        expected = listed[index].get(file.name, [])
        if len(expected) != len(found):
            raise UserError(
                f"{file} has {len(found)} records, but {index} lists {len(expected)}; delete it and run again."
            )
        if list(found) != expected:
            raise UserError(f"{file} has other records than {index} lists for it; delete both and run again.")
