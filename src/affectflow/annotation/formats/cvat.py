"""CVAT's XML: images, or frames of a video, with attributes named valence and arousal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from affectflow.annotation.formats.text import Text, parse_number
from affectflow.annotation.recording import DIMENSIONS, Export, ImageRating
from affectflow.core.errors import UserError
from affectflow.tables.cells import is_missing


def matches(text: Text) -> bool:
    """Return whether the file looks like XML."""
    return text.lines[0].lstrip().startswith("<")


@dataclass(frozen=True, slots=True)
class _Labeled:
    """An image, or a frame (from 1) of a video, and who labeled it; ``location`` is for messages."""

    path: Path
    location: str
    image: str
    annotator: str
    frame: int = 0


def read(text: Text) -> list[Export]:
    """Read a rating for each attribute.

    Raises:
        UserError: The file is not XML, or has no such attributes.
    """
    path = text.path
    try:
        root = ElementTree.fromstring("\n".join(text.lines))
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not XML ({error}); export it again.") from None
    annotator = root.findtext(".//assignee/username") or ""
    source = root.findtext(".//meta/source") or root.findtext(".//meta/task/source") or ""
    # The export of a project has several tasks, and each track names its own.
    tasks = {
        task.findtext("id", ""): task.findtext("source", "") for task in root.iterfind(".//meta/project/tasks/task")
    }
    ratings: list[Export] = []
    for image in root.iter("image"):
        name = image.get("name", "").replace("\\", "/").rsplit("/", 1)[-1]
        labeled = _Labeled(path, f"image {name}", name, annotator)
        for shape in image:
            ratings += _shape_ratings(labeled, shape, shape.get("label", ""))
    for track in root.iter("track"):
        video = tasks.get(track.get("task_id", ""), source)
        for shape in track:
            if shape.get("outside") != "1":
                frame = _frame(text, shape.get("frame", ""))
                location = f"track {track.get('id', '')}, frame {frame}"
                labeled = _Labeled(path, location, video, annotator, frame + 1)
                ratings += _shape_ratings(labeled, shape, track.get("label", ""))
    if not ratings:
        raise UserError(f"{path} has no attribute named valence or arousal; export it as CVAT's XML.")
    return ratings


def _shape_ratings(labeled: _Labeled, shape: ElementTree.Element, label: str) -> Iterator[ImageRating]:
    """Yield the attributes named after a dimension, or the only attribute of a label that is."""
    attributes = [(a.get("name", "").lower(), a.text or "") for a in shape.findall("attribute")]
    if label.lower() in DIMENSIONS and len(attributes) == 1:
        attributes = [(label.lower(), attributes[0][1])]
    for name, cell in attributes:
        if name in DIMENSIONS and not is_missing(cell):
            yield ImageRating(
                path=labeled.path,
                tool="CVAT",
                location=labeled.location,
                image=labeled.image,
                dimension=name,
                value=_number(labeled, cell),
                annotator=labeled.annotator,
                frame=labeled.frame,
            )


def _frame(text: Text, cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise UserError(f"{text.path}: a track has a frame {cell[:40]!r}, which is not a number; export it again.")
    return int(cell)


def _number(labeled: _Labeled, cell: str) -> float:
    try:
        return parse_number(labeled.path, 0, cell)
    except UserError:
        raise UserError(f"{labeled.path}, {labeled.location}: {cell[:40]!r} is not a number; correct it.") from None
