"""CVAT's XML: images, or the frames of a video, with attributes called valence and arousal."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from affectflow.annotation.formats.text import Text, number
from affectflow.annotation.recording import DIMENSIONS, Export, Mark
from affectflow.core.errors import UserError


def is_one(text: Text) -> bool:
    return text.lines[0].lstrip().startswith("<")


def read(text: Text) -> list[Export]:
    """A mark for each number; raises :class:`UserError` where there is none."""
    try:
        root = ElementTree.fromstring("\n".join(text.lines))
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise UserError(f"{text.path} is no XML ({error}); export it again.") from None
    annotator = root.findtext(".//assignee/username") or ""
    video = root.findtext(".//meta/source") or root.findtext(".//meta/task/source") or ""
    marks: list[Export] = []
    for image in root.iter("image"):
        name = image.get("name", "").rsplit("/", 1)[-1]
        for shape in image:
            marks += _of_shape(text, f"image {name}", shape, shape.get("label", ""), annotator, name, 0)
    for track in root.iter("track"):
        for shape in track:
            if shape.get("outside") != "1":
                frame = _frame(text, shape.get("frame", ""))
                where = f"track {track.get('id', '')}, frame {frame}"
                marks += _of_shape(text, where, shape, track.get("label", ""), annotator, video, frame + 1)
    if not marks:
        raise UserError(f"{text.path} holds no attribute called valence or arousal; export it as CVAT's XML.")
    return marks


def _of_shape(
    text: Text, where: str, shape: ElementTree.Element, label: str, annotator: str, image: str, frame: int
) -> Iterator[Mark]:
    """From attributes that are called by a dimension, or the only one of a label that is."""
    attributes = [(a.get("name", "").lower(), a.text or "") for a in shape.findall("attribute")]
    if label.lower() in DIMENSIONS and len(attributes) == 1:
        attributes = [(label.lower(), attributes[0][1])]
    for name, cell in attributes:
        if name in DIMENSIONS and cell.strip():
            yield Mark(text.path, "CVAT", where, image, name, _number(text, where, cell), annotator, frame)


def _frame(text: Text, cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise UserError(f"{text.path}: a track has a frame {cell[:40]!r}, which is no number; export it again.")
    return int(cell)


def _number(text: Text, where: str, cell: str) -> float:
    try:
        return number(text.path, 0, cell)
    except UserError:
        raise UserError(f"{text.path}, {where}: {cell[:40]!r} is no number; correct it.") from None
