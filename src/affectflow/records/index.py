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


def check_counts(counts: Mapping[Path, int]) -> None:
    """Check that files of records have as many as their index lists: one that was cut between two records looks whole.

    Files without an index are not checked.

    Args:
        counts: The number of records by file.

    Raises:
        UserError: A file has another number of records.
    """
    listed: dict[Path, Counter[str]] = {}
    for file, count in counts.items():
        own = file.with_name(f"{file.stem}_{INDEX}")
        index = own if own.is_file() else file.with_name(INDEX)
        if not index.is_file():
            continue
        if index not in listed:
            listed[index] = Counter(row["file"] for row in read_csv(index, INDEX_COLUMNS))
        if (expected := listed[index][file.name]) != count:
            raise UserError(f"{file} has {count} records, but {index} lists {expected}; delete it and run again.")
