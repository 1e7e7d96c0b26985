"""Read the cells of .xlsx files from their XML, with what other readers leave out: links, and formulas without values.

ECMA-376, Part 1, section 18.3 (worksheets) and 18.4 (shared strings).
"""

from __future__ import annotations

import posixpath
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

_WORKSHEET = "/worksheet"
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LINK_FORMULA = re.compile(r'HYPERLINK\(\s*"((?:[^"]|"")*)"\s*[,;)]', re.IGNORECASE)
"""A link to a plain address; one that the formula puts together has only its stored value."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]{1,3})\d')
_ROW = re.compile(rb'<(?:\w+:)?row [^>]*?\br="(\d+)"')
_SPECIAL = re.compile(rb"<(?:\w+:)?(?:f[ >/]|hyperlink)")
_BYTES_PER_CELL = 60
"""What python-calamine needs for a cell of a sheet's rectangle, empty or not."""
_SMALL = 1 << 26  # bytes of which it is not worth asking whether they are there
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A worksheet: its name, and the name of its XML in the archive."""

    name: str
    file: str


class OfficeXml:
    """An .xlsx file."""

    def __init__(self, path: Path, sheets: list[Part], strings: str | None) -> None:
        """Keep the parts of a file; :meth:`open` finds them.

        Args:
            path: The file.
            sheets: Its worksheets.
            strings: Name of the part with the strings that cells share.
        """
        self._path = path
        self.sheets = sheets
        self._strings_file = strings
        self._strings: list[str] | None = None

    @classmethod
    def open(cls, path: Path) -> OfficeXml:
        """Find the parts of a file.

        Raises:
            zipfile.BadZipFile, KeyError, ElementTree.ParseError: It is not an .xlsx file.
        """
        with zipfile.ZipFile(path) as archive:
            (book,) = [t for t, kind in _relations(archive, "").values() if kind.endswith("/officeDocument")]
            related = _relations(archive, book)
            root = ElementTree.fromstring(archive.read(book))
            sheets = []
            for sheet in root.iter():
                if _local(sheet.tag) == "sheet":
                    relation = next(value for key, value in sheet.items() if _local(key) == "id")
                    target, kind = related[relation]
                    if kind.endswith(_WORKSHEET):
                        sheets.append(Part(sheet.get("name", ""), target))
            strings = next((target for target, kind in related.values() if kind.endswith("/sharedStrings")), None)
            for part in sheets:
                archive.getinfo(part.file)
        return cls(path, sheets, strings)

    def what_calamine_lacks(self, sheet: Part) -> str:
        """Return why a sheet is to be read cell by cell, "" if it need not be."""
        columns: set[bytes] = set()
        last_row, special, tail, size = 0, False, b"", 0
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(sheet.file) as stream:
                while chunk := stream.read(_CHUNK):
                    block = tail + chunk
                    columns.update(_CELL.findall(block))
                    last_row = max((int(number) for number in _ROW.findall(block)), default=last_row)
                    special = special or _SPECIAL.search(block) is not None
                    tail, size = block[-200:], size + len(chunk)
        except Exception:  # damaged archives raise many kinds
            return ""  # python-calamine says what is wrong with it
        if special:
            return "it has links or formulas"
        width = max((_column(name.decode()) for name in columns), default=0)
        needed = width * last_row * _BYTES_PER_CELL
        if needed > _SMALL and needed > _available_bytes() // 2:
            return "it is large and memory is short"
        cells = max(1, size // 8)  # at most, by the shortest cell that XML can hold
        return "its cells are far apart" if needed > _SMALL and width * last_row > cells else ""

    def rows(self, sheet: Part) -> Iterator[tuple[int, list[object]]]:
        """Yield the number (from 1) and cells of each row that has a cell; blank cells are "".

        A cell that shows another text than the URL of its link, or of its formula ``HYPERLINK("...")``, is that URL. A
        formula without a stored value is its text, ``=...``.
        """
        with zipfile.ZipFile(self._path) as archive:
            if self._strings is None:
                self._strings = list(_shared_strings(archive, self._strings_file))
            links = _links(archive, sheet)
            with archive.open(sheet.file) as stream:
                yield from _rows(stream, self._strings, links)


def _rows(
    stream: IO[bytes], strings: list[str], links: dict[tuple[int, int], str]
) -> Iterator[tuple[int, list[object]]]:
    number, column = 0, 0
    row: list[object] = []
    data: ElementTree.Element | None = None
    for event, element in ElementTree.iterparse(stream, events=("start", "end")):
        tag = _local(element.tag)
        if event == "start":
            if tag == "row":
                number, row, column = int(element.get("r", number + 1)), [], 0
            elif tag == "sheetData":
                data = element
            continue
        if tag == "c":
            reference = _REFERENCE.fullmatch(element.get("r", ""))
            column = _column(reference[1]) if reference else column + 1
            value = _value(element, strings)
            link = links.get((number, column))
            if link is not None and not _URL.match(str(value).strip().lstrip("'")):
                value = link
            if value != "":
                row.extend([""] * (column - 1 - len(row)))
                row.append(value)
            element.clear()
        elif tag == "row":
            if row:
                yield number, row
            if data is not None:
                data.clear()  # or empty rows would add up
        elif tag == "sheetData":
            return


def _value(cell: ElementTree.Element, strings: list[str]) -> object:
    kind = cell.get("t", "n")
    parts = {_local(child.tag): child for child in cell}
    formula, stored = parts.get("f"), parts.get("v")
    text = (stored.text or "") if stored is not None else ""
    if formula is not None:
        written = formula.text or ""
        link = _LINK_FORMULA.match(written.strip().removeprefix("="))
        if link is not None and _URL.match(link[1]):
            return link[1].replace('""', '"')
        if stored is None or (not text and kind != "str"):
            return f"={written}"
    if kind == "inlineStr":
        return _string(parts["is"]) if "is" in parts else ""
    if not text:
        return ""
    if kind == "s":
        return strings[int(text)]
    if kind == "b":
        return text == "1"
    if kind == "n":
        return float(text)
    return _unescaped(text)


def _shared_strings(archive: zipfile.ZipFile, file: str | None) -> Iterator[str]:
    if file is None:
        return
    with archive.open(file) as stream:
        for _, element in ElementTree.iterparse(stream):
            if _local(element.tag) == "si":
                yield _string(element)
                element.clear()


def _string(element: ElementTree.Element) -> str:
    """Return a string of one or more runs, without the phonetic ones."""
    texts = []
    for child in element:
        if _local(child.tag) == "t":
            texts.append(child.text or "")
        elif _local(child.tag) == "r":
            texts += [run.text or "" for run in child if _local(run.tag) == "t"]
    return _unescaped("".join(texts))


def _unescaped(text: str) -> str:
    """Replace ``_xHHHH_`` once: ``_x005F_x0041_`` is ``_x0041_``, not ``A`` (section 22.9.2.19)."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _links(archive: zipfile.ZipFile, sheet: Part) -> dict[tuple[int, int], str]:
    """Return the web address behind each cell that has one."""
    related = _relations(archive, sheet.file, external=True)
    if not related:
        return {}
    found: dict[tuple[int, int], str] = {}
    with archive.open(sheet.file) as stream:
        for _, element in ElementTree.iterparse(stream):
            tag = _local(element.tag)
            if tag in ("c", "row"):
                element.clear()
            elif tag == "hyperlink":
                relation = next((value for key, value in element.items() if _local(key) == "id"), "")
                reference = _REFERENCE.match(element.get("ref", ""))
                target = related.get(relation, ("", ""))[0]
                location = element.get("location")
                if reference and _URL.match(target):
                    address = f"{target}#{location}" if location else target
                    found[int(reference[2]), _column(reference[1])] = address
    return found


def _relations(archive: zipfile.ZipFile, part: str, external: bool = False) -> dict[str, tuple[str, str]]:
    """Return target and type of each relation of a part by its id, those to places outside or those inside."""
    folder, name = posixpath.split(part)
    file = posixpath.join(folder, "_rels", f"{name}.rels")
    if file not in archive.namelist():
        return {}
    found = {}
    for relation in ElementTree.fromstring(archive.read(file)):
        if (relation.get("TargetMode") == "External") == external:
            target = relation.get("Target", "")
            inside = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[relation.get("Id", "")] = (target if external else inside, relation.get("Type", ""))
    return found


def _column(letters: str) -> int:
    """Return the number of a column, 1 for A."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _local(name: str) -> str:
    """Return a name without its namespace, which differs between the two editions of the format."""
    return name.rpartition("}")[2]


def _available_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return sys.maxsize  # unknown on this system
