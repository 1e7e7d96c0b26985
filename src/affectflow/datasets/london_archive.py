"""Fetch the Face Research Lab London Set from where it is published (figshare, doi 10.6084/m9.figshare.5047666)."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.core.fetch import fetch_file
from affectflow.tables.csv_files import write_csv

SOURCE = "SOURCE.txt"
"""Says in the folder of the set where it comes from; the last file to be written."""
SUBJECTS = "subjects.csv"
_PHOTOGRAPHS = {"neutral_front.zip": 8541961, "smiling_front.zip": 8541964}
_PEOPLE = ("london_faces_info.csv", 27397184)
_OTHERWISE = "unpack it in a folder that data.london.root names"
_BY_HAND = (
    "fetch the set in a browser (figshare, doi 10.6084/m9.figshare.5047666), unpack it and set data.london.root to its "
    "folder"
)
_PHOTOGRAPH = re.compile(r"\d{3}_\d+\.jpg", re.IGNORECASE)
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
        UserError: A file cannot be fetched, is another one than at the first fetch, or is no archive of photographs.
    """
    pinned: dict[str, str] = json.loads(record.read_text(encoding="ascii")) if record.is_file() else {}
    shutil.rmtree(root, ignore_errors=True)  # an earlier fetch, which may have ended half way
    root.mkdir(parents=True)
    count = 0
    with tempfile.TemporaryDirectory(prefix="affectflow-london-") as name:
        folder = Path(name)
        for file, number in (*_PHOTOGRAPHS.items(), _PEOPLE):
            fetch_file(f"{server.rstrip('/')}/files/{number}", "sha256", pinned.get(file), _OTHERWISE, folder / file)
        digests = {path.name: file_sha256(path) for path in sorted(folder.iterdir())}
        for file in _PHOTOGRAPHS:
            count += _unpack(folder / file, root / Path(file).stem, server)
        _write_subjects(folder / _PEOPLE[0], root / SUBJECTS)
    with atomic_write(record) as partial:
        partial.write_text(json.dumps(digests, indent=1) + "\n", encoding="ascii")
    lines = (f"{file} (SHA-256 {digest})\n" for file, digest in digests.items())
    with atomic_write(root / SOURCE) as partial:
        partial.write_text(_CREDIT + "".join(lines), encoding="utf-8")
    return count


def _unpack(archive: Path, folder: Path, server: str) -> int:
    """Write an archive's photographs into a folder, whatever folders they are in; return how many there are."""
    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                name = member.filename.rpartition("/")[2]
                if _PHOTOGRAPH.fullmatch(name) and member.file_size <= _LARGEST:
                    (folder / name).write_bytes(packed.read(member))
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"{server} gives something else for {archive.name} than an archive ({error}); {_BY_HAND}."
        ) from None
    count = len(list(folder.iterdir()))
    if not count:
        raise UserError(f"{archive.name} of {server} holds no photograph such as 001_03.jpg; {_BY_HAND}.")
    return count


def _write_subjects(people: Path, out: Path) -> None:
    """Write the table of subjects from the set's own: ``face_id,face_age,...``, whose people are ``X001`` and so on."""
    with people.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        header, *rows = list(csv.reader(stream)) or [[]]
    columns = [name.strip().removeprefix("face_").replace("eth", "ethnicity") for name in header[1:]]
    if not columns or not all(rows):
        raise UserError(f"{people.name} is no table of people; {_BY_HAND}.")
    write_csv(out, ("subject", *columns), ([row[0].strip().lstrip("Xx").zfill(3), *row[1:]] for row in rows))
