"""Label Studio's JSON: tasks with numbers called valence and arousal (``<Number name="valence">``), or JSON-MIN."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from affectflow.annotation.formats.text import Text
from affectflow.annotation.recording import DIMENSIONS, Export, Mark
from affectflow.core.errors import UserError

_HUGE = 1e9
"""JSON has numbers that no float can be."""


def is_one(text: Text) -> bool:
    return text.lines[0].lstrip().startswith(("[", "{"))


def read(text: Text) -> list[Export]:
    """A mark for each number; raises :class:`UserError` where there is none."""
    try:
        tasks = json.loads("\n".join(text.lines))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{text.path} is no JSON ({error}); export it again.") from None
    marks: list[Export] = []
    for place, task in enumerate(tasks if isinstance(tasks, list) else [tasks], start=1):
        if not isinstance(task, dict):
            raise UserError(f"{text.path}, task {place}: it is no task of Label Studio's; export it as JSON.")
        marks += _of_task(text, f"task {task.get('id', place)}", task)
    if not marks:
        raise UserError(f"{text.path} holds no number called valence or arousal; export it as JSON with such labels.")
    return marks


def _of_task(text: Text, where: str, task: Mapping[str, Any]) -> Iterator[Mark]:
    data = task.get("data")
    image = _image(data if isinstance(data, dict) else task)
    for annotator, name, value in _numbers(task):
        if image is None:
            raise UserError(f"{text.path}, {where}: it names no image; export it as JSON.")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _HUGE:
            raise UserError(f"{text.path}, {where}: {name} {str(value)[:40]} is no number; correct it.")
        yield Mark(text.path, "Label Studio", where, image, name, float(value), annotator)


def _numbers(task: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Annotator, dimension and value of each."""
    annotations = task.get("annotations")
    if not isinstance(annotations, list):
        for name in DIMENSIONS:
            if name in task:
                yield _name(task.get("annotator")), name, task[name]
        return
    for annotation in annotations:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        results = annotation.get("result")
        for result in results if isinstance(results, list) else ():
            value = result.get("value") if isinstance(result, dict) else None
            if isinstance(value, dict) and result.get("from_name") in DIMENSIONS and "number" in value:
                yield _name(annotation.get("completed_by")), result["from_name"], value["number"]


def _image(data: Mapping[str, Any]) -> str | None:
    """The name of the file that a task shows."""
    for value in (data.get("image"), *data.values()):
        if isinstance(value, str) and "." in value:
            return value.rsplit("/", 1)[-1].rsplit("?d=", 1)[-1]
    return None


def _name(who: Any) -> str:
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return "" if who is None else str(who)
