"""Label Studio's JSON, JSON-MIN and CSV: tasks with a number, a rating or a choice named valence and arousal.

``<Number name="valence">`` and ``<Choices>`` with numbers for values have the scale of ``annotation.trace_range``; a
``<Rating>`` has one to five stars, which are -1 to 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from affectflow.annotation.formats.text import Text, check_row
from affectflow.annotation.recording import DIMENSIONS, Export, ImageRating
from affectflow.core.errors import UserError
from affectflow.tables.cells import parse_number as parse_cell

_MAX_VALUE = 1e9
"""JSON has integers that are too large for a float."""


_STARS = (1.0, 5.0)
_CSV_COLUMNS = {"annotation_id", "annotator", "lead_time"}


def matches(text: Text) -> bool:
    """Return whether the file looks like JSON, or is Label Studio's CSV."""
    return text.lines[0].lstrip().startswith(("[", "{")) or _is_csv(text)


def _is_csv(text: Text) -> bool:
    header = {name.strip().strip('"') for name in text.lines[0].split(text.delimiter(0))}
    return len(header & _CSV_COLUMNS) > 1 and bool(header & set(DIMENSIONS))


def _csv_tasks(text: Text) -> list[dict[str, str]]:
    delimiter = text.delimiter(0)
    rows = list(text.rows(0, delimiter))
    header = rows[0][1]
    return [dict(zip(header, check_row(text.path, line, cells, header), strict=False)) for line, cells in rows[1:]]


def read(text: Text) -> list[Export]:
    """Read a rating for each number.

    Raises:
        UserError: The file is not JSON, is not a list of tasks, or has no such numbers.
    """
    try:
        tasks: Any = _csv_tasks(text) if _is_csv(text) else None
        if tasks is not None:
            return [rating for number, task in enumerate(tasks, start=1) for rating in _rated(text, number, task)]
        tasks = json.loads("\n".join(text.lines))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{text.path} is not JSON ({error}); export it again.") from None
    ratings: list[Export] = []
    for place, task in enumerate(tasks if isinstance(tasks, list) else [tasks], start=1):
        if not isinstance(task, dict):
            raise UserError(f"{text.path}, task {place}: this is not a task of Label Studio; export it as JSON.")
        ratings += _task_ratings(text, f"task {task.get('id', place)}", task)
    if not ratings:
        raise UserError(f"{text.path} has no number named valence or arousal; export it as JSON with such labels.")
    return ratings


def _rated(text: Text, number: int, task: Mapping[str, Any]) -> Iterator[ImageRating]:
    return _task_ratings(text, f"task {task.get('id', number)}", task)


def _task_ratings(text: Text, location: str, task: Mapping[str, Any]) -> Iterator[ImageRating]:
    data = task.get("data")
    image = _image(data if isinstance(data, dict) else task)
    for annotator, name, given in _values(task):
        if image is None:
            raise UserError(f"{text.path}, {location}: the task names no image; export it as JSON.")
        value, limits = _number(given)
        if value is None:
            raise UserError(f"{text.path}, {location}: {name} {str(given)[:40]} is not a number; correct it.")
        if not math.isnan(value):
            yield ImageRating(
                path=text.path,
                tool="Label Studio",
                location=location,
                image=image,
                dimension=name,
                value=value,
                annotator=annotator,
                limits=limits,
            )


def _number(given: Any) -> tuple[float | None, tuple[float, float] | None]:
    """Return a value, NaN where it is missing and None where it is no number, and the ends of its scale."""
    limits = None
    if isinstance(given, dict):
        if "rating" in given:
            given, limits = given["rating"], _STARS
        elif "choices" in given:
            choices = given["choices"]
            given = choices[0] if isinstance(choices, list) and len(choices) == 1 else choices
        else:
            given = given.get("number")
    if isinstance(given, str):
        try:
            given = parse_cell(given)
        except ValueError:
            return None, limits
    if given is None:
        return math.nan, limits
    if isinstance(given, bool) or not isinstance(given, (int, float)) or abs(given) > _MAX_VALUE:
        return None, limits
    return float(given), limits


def _values(task: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield annotator, dimension and value of each result."""
    annotations = task.get("annotations")
    if not isinstance(annotations, list):
        for name in DIMENSIONS:
            if name in task:
                yield _annotator(task.get("annotator")), name, task[name]
        return
    for annotation in annotations:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        results = annotation.get("result")
        for result in results if isinstance(results, list) else ():
            value = result.get("value") if isinstance(result, dict) else None
            if not isinstance(value, dict) or result.get("from_name") not in DIMENSIONS:
                continue
            if value.keys() & {"number", "rating", "choices"}:
                yield _annotator(annotation.get("completed_by")), result["from_name"], value


def _image(data: Mapping[str, Any]) -> str | None:
    """Return the name of the file that a task shows: its address may be encoded, and end with a signature."""
    for value in (data.get("image"), *data.values()):
        if isinstance(value, str) and "." in value:
            path, _, query = value.partition("?")
            local = parse_qs(query).get("d", [""])[0]  # /data/local-files/?d=images%2Fa.jpg
            return unquote(local or path).replace("\\", "/").rsplit("/", 1)[-1]
    return None


def _annotator(user: Any) -> str:
    if isinstance(user, dict):
        user = user.get("email") or user.get("id")
    return "" if user is None else str(user)
