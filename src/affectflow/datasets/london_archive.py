"""Fetch the Face Research Lab London Set from where it is published (figshare, doi 10.6084/m9.figshare.5047666)."""

from __future__ import annotations

import csv
import json
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.core.fetch import fetch_file
from affectflow.tables.csv_files import write_csv

SOURCE = "SOURCE.txt"
"""Says in the folder of the set where it comes from; the last file to be written."""
SUBJECTS = "subjects.csv"
_FETCHED = ".fetched"
"""Says that the folder is not the user's, also where Snakemake has removed the files above for another fetch."""
_PHOTOGRAPHS = {"neutral_front.zip": 8541961, "smiling_front.zip": 8541964}
_PEOPLE = ("london_faces_info.csv", 27397184)
_ROOT = "data.london.root"
_OTHERWISE = f"unpack it in a folder that {_ROOT} names"
_BY_HAND = (
    "fetch the set in a browser (figshare, doi 10.6084/m9.figshare.5047666), unpack it and set data.london.root to its "
    "folder"
)
_PHOTOGRAPH = re.compile(r"\d{3}_\d+\.jpg", re.IGNORECASE)
_PERSON = re.compile(r"[Xx]?\d{3}")
_COLUMNS = {"face_eth": "ethnicity"}
_LARGEST = 50_000_000  # bytes of a photograph
_CREDIT = """\
Face Research Lab London Set, Lisa DeBruine and Benedict Jones, figshare 2017, doi 10.6084/m9.figshare.5047666
Licence: Creative Commons Attribution 4.0 (CC BY 4.0): name the authors where you show these photographs.
Fetched by affectflow:
"""


def fetch_london(server: str, root: Path, record: Path) -> int:
    """Fetch the photographs from the front, and what people say of themselves.

    Args:
        server: URL below which figshare serves files by their numbers.
        root: Folder of the set, which is made anew: ``neutral_front/``, ``smiling_front/``, ``subjects.csv``
            (``subject``, and ``age``, ``gender`` and ``ethnicity`` as they said) and ``SOURCE.txt``.
        record: JSON file that keeps the SHA-256 of the files of the first fetch; later ones must match it.

    Returns:
        The number of photographs.

    Raises:
        UserError: A file cannot be fetched, is another one than at the first fetch, or is no archive of photographs; or
            the folder holds files that were not fetched. What was fetched before then stays.
    """
    root = root.resolve()  # the folder may lie on another disk
    if root.is_dir() and any(root.iterdir()) and not (root / _FETCHED).is_file():
        raise UserError(f"{root} holds files that were not fetched; move them, and name their folder in {_ROOT}.")
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a fetch that was killed
    partial.mkdir(parents=True)
    (partial / _FETCHED).touch()
    with tempfile.TemporaryDirectory(prefix="affectflow-london-") as name:
        archives = Path(name)
        digests = _fetch(server, archives, record)
        count = sum(_unpack(archives / file, partial / Path(file).stem, server) for file in _PHOTOGRAPHS)
        _write_subjects(archives / _PEOPLE[0], partial / SUBJECTS)
    lines = (f"{file} (SHA-256 {digest})\n" for file, digest in digests.items())
    (partial / SOURCE).write_text(_CREDIT + "".join(lines), encoding="utf-8")
    shutil.rmtree(root, ignore_errors=True)  # an earlier one, which stays until this one is whole
    partial.rename(root)
    with atomic_write(record) as written:
        written.write_text(json.dumps(digests, indent=1) + "\n", encoding="ascii")
    return count


def _fetch(server: str, folder: Path, record: Path) -> dict[str, str]:
    """Fetch the archives and the table of people into a folder; return their digests."""
    try:
        pinned = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    except ValueError:
        raise UserError(f"{record} is damaged; delete it, and the set is fetched as for the first time.") from None
    for file, number in (*_PHOTOGRAPHS.items(), _PEOPLE):
        url = f"{server.rstrip('/')}/files/{number}"
        fetch_file(url, "sha256", pinned.get(file), f"{_OTHERWISE}, or delete {record} to take another", folder / file)
    return {path.name: file_sha256(path) for path in sorted(folder.iterdir())}


def _unpack(archive: Path, folder: Path, server: str) -> int:
    """Write an archive's photographs into a folder, whatever folders they are in; return how many there are."""
    folder.mkdir()
    for name, content in _photographs(archive, server):
        (folder / name).write_bytes(content)
    count = len(list(folder.iterdir()))
    if not count:
        raise UserError(f"{archive.name} of {server} holds no photograph such as 001_03.jpg; {_BY_HAND}.")
    return count


def _photographs(archive: Path, server: str) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                name = member.filename.rpartition("/")[2]
                if not _PHOTOGRAPH.fullmatch(name):
                    continue
                if member.file_size > _LARGEST:
                    raise zipfile.BadZipFile(f"{name} has {member.file_size:,} bytes")
                yield name, packed.read(member)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"{server} sent something else than an archive for {archive.name} ({error}); {_BY_HAND}."
        ) from None


def _write_subjects(people: Path, out: Path) -> None:
    """Write the table of subjects from the set's own: ``face_id,face_age,...``, whose people are ``X001`` and so on."""
    with people.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        header, *rows = list(csv.reader(stream)) or [[]]
    names = [name.strip() for name in header]
    whole = all(len(row) == len(names) and _PERSON.fullmatch(row[0].strip()) for row in rows)
    if names[:1] != ["face_id"] or len(names) < 2 or not rows or not whole:
        raise UserError(f"{people.name} is not a table of people; {_BY_HAND}.")
    columns = [_COLUMNS.get(name, name.removeprefix("face_")) for name in names[1:]]
    write_csv(out, ("subject", *columns), ([row[0].strip().lstrip("Xx"), *row[1:]] for row in rows))
