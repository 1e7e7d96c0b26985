"""The journals of ``affectflow annotate``."""

from __future__ import annotations

import json

from affectflow.annotation.exports.text import Text
from affectflow.annotation.journal import FORM, judgements_of
from affectflow.annotation.recording import DIMENSIONS, Export, Mark


def is_one(text: Text) -> bool:
    return text.lines[0].startswith("{") and f'"{FORM}"' in text.lines[0][:40]


def read(text: Text) -> list[Export]:
    """Two marks for each picture whose last judgement has values; the annotator is the one of the first line.

    A line that a kill broke off is left out, as the annotation does itself.
    """
    lines = text.lines if _whole(text.lines[-1]) else text.lines[:-1]
    latest = {one.image_sha256: one for one in judgements_of(text.path, lines)}
    annotator = str(json.loads(lines[0]).get("annotator", "")) if lines else ""
    marks: list[Export] = []
    for one in latest.values():
        where = f"batch {one.batch}, frame {one.frame}"
        for dimension, value in zip(DIMENSIONS, (one.valence, one.arousal), strict=True):
            if value is not None:
                facts = (text.path, "affectflow", where, one.file_name, dimension, value, annotator)
                marks.append(Mark(*facts, sha256=one.image_sha256))
    return marks


def _whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
