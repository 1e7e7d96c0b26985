"""Write the list for the download: each labelled URL once, with its file name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.download.snapshot import read_snapshot
from affectflow.media.file_names import file_name
from affectflow.tables.csv_files import read_csv, write_csv

COLUMNS = ("url", "url_orig", "file_name", "sha256")


def write_file_names(labels: Path, snapshot: Path | None, out: Path) -> int:
    """Write each distinct URL of a label table with its file name, in order of first appearance.

    Args:
        labels: The table of labels (see :mod:`affectflow.spreadsheet.ingest`).
        snapshot: If given, only its URLs are written, each with the SHA-256 of its image.
        out: The CSV file to write.

    Returns:
        The number of URLs.

    Raises:
        UserError: If no URL is left, or two have the same name, which would take a SHA-256 collision.
    """
    expected = (
        None if snapshot is None else {url: entry.sha256 for url, entry in read_snapshot(snapshot).entries.items()}
    )
    fallbacks: dict[str, str] = {}
    for row in read_csv(labels, ("url", "url_orig")):
        if expected is None or row["url"] in expected:
            known = fallbacks.setdefault(row["url"], row["url_orig"])
            if not known:
                fallbacks[row["url"]] = row["url_orig"]
    if expected is not None and not fallbacks:
        raise UserError(f"{labels} holds no URL of {snapshot}; use the snapshot that belongs to these tables.")
    names = {url: file_name(url) for url in fallbacks}
    check_bijection(names.items())
    digests = expected or {}
    return write_csv(out, COLUMNS, ((url, fallbacks[url], names[url], digests.get(url, "")) for url in fallbacks))


def check_bijection(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise :class:`UserError` if URLs and file names do not correspond one to one."""
    by_url: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for url, name in pairs:
        if by_name.setdefault(name, url) != url or by_url.setdefault(url, name) != name:
            raise UserError(f"The URLs {by_name[name]!r} and {url!r} share the file name {name!r}; remove one of them.")
