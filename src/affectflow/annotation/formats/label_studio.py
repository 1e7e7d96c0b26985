"""Label Studio's JSON: tasks with numbers named valence and arousal (``<Number name="valence">``), or JSON-MIN."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from affectflow.annotation.formats.text import Text
from affectflow.annotation.recording import DIMENSIONS, Export, ImageRating
from affectflow.core.errors import UserError

_MAX_VALUE = 1e9
"""JSON has integers that are too large for a float."""


def matches(text: Text) -> bool:
    """Return whether the file looks like JSON."""
    return text.lines[0].lstrip().startswith(("[", "{"))


def read(text: Text) -> list[Export]:
    """Read a rating for each number.

    Raises:
        UserError: The file is not JSON, is not a list of tasks, or has no such numbers.
    """
    try:
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


def _task_ratings(text: Text, location: str, task: Mapping[str, Any]) -> Iterator[ImageRating]:
    data = task.get("data")
    image = _image(data if isinstance(data, dict) else task)
    for annotator, name, value in _numbers(task):
        if image is None:
            raise UserError(f"{text.path}, {location}: the task names no image; export it as JSON.")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _MAX_VALUE:
            raise UserError(f"{text.path}, {location}: {name} {str(value)[:40]} is not a number; correct it.")
        yield ImageRating(
            path=text.path,
            tool="Label Studio",
            location=location,
            image=image,
            dimension=name,
            value=float(value),
            annotator=annotator,
        )


def _numbers(task: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield annotator, dimension and value of each number."""
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
            if isinstance(value, dict) and result.get("from_name") in DIMENSIONS and "number" in value:
                yield _annotator(annotation.get("completed_by")), result["from_name"], value["number"]


def _image(data: Mapping[str, Any]) -> str | None:
    """Return the name of the file that a task shows."""
    for value in (data.get("image"), *data.values()):
        if isinstance(value, str) and "." in value:
            return value.rsplit("/", 1)[-1].rsplit("?d=", 1)[-1]
    return None


def _annotator(user: Any) -> str:
    if isinstance(user, dict):
        user = user.get("email") or user.get("id")
    return "" if user is None else str(user)
