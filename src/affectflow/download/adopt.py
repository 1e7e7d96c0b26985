"""Take images that are on disk already for those of a list: a colleague's, img2dataset's output, an old folder.

A file belongs to a URL if it has the SHA-256 that the list gives, if a table or note beside it names the URL
(img2dataset writes ``000000001.json`` beside each image, and a Parquet table of each shard), or if it is named after
the URL as downloaders do it. What fits several URLs, or several files of one URL, is left alone and named.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.download.journal import Index, Journal
from affectflow.download.lists import Row, partition_rows
from affectflow.download.outcomes import Failed
from affectflow.download.store import Store
from affectflow.media.name_index import files_below
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import parquet_columns, parquet_names

UNMATCHED_COLUMNS = ("file", "reason")
log = logging.getLogger(__name__)

_NOTES = (".json", ".parquet", ".csv", ".txt", ".jsonl")
_LONGEST_NAME = 250  # characters, at which old downloaders cut names
_MIN_CUT = 60  # characters of a name that was cut, to be sure of it
_MAX_NOTE = 1_000_000  # bytes


@dataclass(slots=True)
class Adopted:
    """How many images were taken, how many there were before, and the files that were not, by reason."""

    taken: int = 0
    known: int = 0
    unmatched: dict[str, str] = field(default_factory=dict)

    def reasons(self) -> Counter[str]:
        """Count the files that were not taken by reason."""
        return Counter(reason.partition(":")[0] for reason in self.unmatched.values())


def adopt(folder: Path, urls: Path, images: Path, journal: Path, unmatched: Path, max_pixels: int) -> Adopted:
    """Take images from a folder into the store of a download, as if they had been fetched.

    Args:
        folder: The folder of images; its sub-folders are searched, too.
        urls: The list (see :mod:`affectflow.download.list_files`).
        images: The folder of the image store.
        journal: The folder of the download's journal; a later download fetches only what is missing.
        unmatched: CSV to write of the files that were not taken, with the reason.
        max_pixels: Images with more pixels are refused.

    Raises:
        UserError: The folder does not exist, or another download writes the journal.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the folder of the images.")
    rows = list(partition_rows(urls, 0, 1))
    files = list(files_below(folder))
    found = Adopted()
    odd = [file for file in files if not (folder / file).is_file()]  # pipes, links to nowhere
    matches, found.unmatched = _matches(folder, [file for file in files if file not in set(odd)], rows)
    found.unmatched.update(dict.fromkeys(odd, "it is not a regular file"))
    with (
        Journal(journal, 0, 1) as log,
        Index(journal, 0, 1) as index,
        Store(images, max_pixels, decode=True) as store,
        progress(len(matches), "image", "adopt") as bar,
    ):
        for file, row in matches.items():
            bar.update()
            entry = index.get(row.key)
            if entry is not None and entry.bytes and store.holds(row, entry.bytes):
                found.known += 1
                continue
            try:
                outcome = store.keep(row, (folder / file).read_bytes())
            except Failed as failed:
                found.unmatched[file] = f"{failed.outcome}: {failed.detail}"
                continue
            except OSError as error:
                found.unmatched[file] = f"cannot be read: {error.strerror}"
                continue
            outcome.detail = f"adopted from {folder / file}"
            outcome.first_try = outcome.last_try = max(time.time(), entry.at + 0.001 if entry else 0.0)
            log.append(row, "", outcome)
            found.taken += 1
    write_csv(unmatched, UNMATCHED_COLUMNS, sorted(found.unmatched.items()))
    return found


def _matches(folder: Path, files: list[str], rows: list[Row]) -> tuple[dict[str, Row], dict[str, str]]:
    """Return the row of each file that belongs to one, and the reason for each other file."""
    noted = _noted_urls(folder, files)
    candidates = [file for file in files if not file.lower().endswith(_NOTES)]
    by_url = {row.url: row for row in rows} | {row.url_orig: row for row in rows if row.url_orig}
    by_name = _rows_by_name(rows)
    by_digest = {row.sha256: row for row in rows if row.sha256}
    claims: dict[str, Row] = {}
    reasons: dict[str, str] = {}
    for file in candidates:
        path = Path(file)
        url = noted.get(str(path.with_suffix("")))
        wanted = by_digest.get(_digest(folder / file)) if by_digest else None
        if wanted is None and url is not None:
            wanted = by_url.get(url)
        if wanted is None and url is None:
            fitting = {row.key: row for name in _names_of(path) for row in by_name.get(name, ())}
            fitting = fitting or {row.key: row for row in _cut_names(path.name, by_name)}
            if len(fitting) > 1:
                reasons[file] = "its name fits several URLs"
                continue
            wanted = next(iter(fitting.values()), None)
        if wanted is None:
            reasons[file] = "it matches no URL of the list"
        else:
            claims[file] = wanted
    counts = Counter(row.key for row in claims.values())
    for file in [file for file, row in claims.items() if counts[row.key] > 1]:
        reasons[file] = f"several files match {claims.pop(file).url}"
    return claims, reasons


def _noted_urls(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """Return the URL that a note or table gives for a file, by the file's path without suffix."""
    urls: dict[str, str] = {}
    for file in files:
        path = folder / file
        if file.lower().endswith(".json"):
            try:
                note = json.loads(path.read_bytes()) if path.stat().st_size <= _MAX_NOTE else None
            except (ValueError, RecursionError, OSError):
                continue
            if isinstance(note, dict) and isinstance(note.get("url"), str):
                urls[str(Path(file).with_suffix(""))] = note["url"]
        elif file.lower().endswith(".parquet"):
            shard = Path(file).with_suffix("")
            try:
                if {"url", "key"} <= set(parquet_names(path)):
                    urls.update((str(shard / key), url) for url, key in parquet_columns(path, ("url", "key")))
            except UserError as error:
                log.warning("It gives no URL for an image: %s", error)
    return urls


def _rows_by_name(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows by the names that downloaders give to the files of their URLs, in lower case."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        for url in filter(None, (row.url, row.url_orig)):
            try:
                last = urlsplit(url).path.rsplit("/", 1)[-1]
            except ValueError:
                last = ""
            without_scheme = url.partition("://")[2] or url
            names = {row.file_name, last, unquote(last), quote(url, safe=""), quote(without_scheme, safe="")}
            names |= {re.sub(r"[/:?*\"<>|\\]", "_", text) for text in (url, without_scheme)}
            names |= {re.sub(r"[^\w.-]", "_", text) for text in (url, without_scheme)}
            names |= {hashlib.md5(url.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()}
            names |= {hashlib.sha1(url.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()}
            for name in names - {""}:
                found.setdefault(name.lower(), []).append(row)
    return found


def _names_of(path: Path) -> tuple[str, ...]:
    return path.name.lower(), path.stem.lower()


def _cut_names(name: str, by_name: dict[str, list[Row]]) -> list[Row]:
    """Return the rows whose names begin like one that was cut at its longest length."""
    if not _LONGEST_NAME - 10 <= len(name) <= _LONGEST_NAME + 5:
        return []
    stem = Path(name).stem.lower()
    return [row for long, rows in by_name.items() if len(stem) >= _MIN_CUT and long.startswith(stem) for row in rows]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""
