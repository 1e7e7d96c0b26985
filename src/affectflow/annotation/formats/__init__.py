"""Formats of annotation tools, recognized by the content of the file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from affectflow.annotation.formats import affectflow_log, carma, cvat, label_studio, lines, pagan, table
from affectflow.annotation.formats.text import Text, read_text, text_of
from affectflow.annotation.recording import Export
from affectflow.core.errors import UserError
from affectflow.tables.text import decoded

_READERS: tuple[tuple[Callable[[Text], bool], Callable[[Text], list[Export]]], ...] = (
    (affectflow_log.matches, affectflow_log.read),
    (label_studio.matches, label_studio.read),
    (cvat.matches, cvat.read),
    (pagan.matches, pagan.read),
    (carma.matches, carma.read),
    (lines.matches, lines.read),
)


SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".zip", ".gz")
_MAX_MEMBER = 1 << 28  # bytes of a file in an archive


def read_export(path: Path) -> list[Export]:
    """Read what an annotation tool exported, in any known format, also packed in a .zip.

    Raises:
        UserError: With file and line, if the file is damaged or its format is unknown.
    """
    if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
        return [export for text in _members(path) for export in _read(text)]
    return _read(read_text(path))


def _members(path: Path) -> Iterator[Text]:
    """Yield the texts in an archive, as CVAT and Label Studio download them."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [entry for entry in archive.infolist() if entry.filename.lower().endswith(SUFFIXES)]
            found = [entry for entry in found if not entry.filename.startswith("__MACOSX")]
            for entry in found:
                if entry.file_size > _MAX_MEMBER:
                    raise UserError(f"{path}/{entry.filename} has more than {_MAX_MEMBER:,} bytes; unpack it yourself.")
                with decoded(io.BytesIO(archive.read(entry))) as stream:
                    yield text_of(path / entry.filename, stream.read())
    except UserError:
        raise
    except Exception as error:  # damaged archives raise many kinds
        raise UserError(f"{path} cannot be unpacked ({error or 'it is cut off'}); export it again.") from None
    if not found:
        raise UserError(f"{path} holds no export; expected a file such as annotations.xml in it.")


def _read(text: Text) -> list[Export]:
    path = text.path
    if not text.lines:
        raise UserError(f"{path} is empty; export it again.")
    return next((read for matches, read in _READERS if matches(text)), table.read)(text)
