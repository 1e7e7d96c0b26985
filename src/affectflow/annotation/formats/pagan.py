"""PAGAN (Melhart, Liapis and Yannakakis 2019): one dimension a project, a line whenever the value changes.

GTrace and BTrace stay within -100 and 100; RankTrace has no bounds, and cannot be scaled.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from affectflow.annotation.formats.text import Text, number, rising
from affectflow.annotation.recording import DIMENSIONS, Course, Export, Recording
from affectflow.core.errors import UserError

_COLUMNS = ("OriginalName", "DatabaseName", "Participant", "SessionID", "Timestamp", "VideoTime", "Value")
_LIMIT = 100.0


def is_one(text: Text) -> bool:
    return {"OriginalName", "Participant", "VideoTime", "Value"} <= set(_cells(text.lines[0]))


def read(text: Text) -> list[Export]:
    """A recording for each participant, video and project."""
    path, header = text.path, _cells(text.lines[0])
    if tuple(header) != _COLUMNS:
        raise UserError(f"{path}, line 1: PAGAN's columns are {','.join(_COLUMNS)}; export it again.")
    found: dict[tuple[str, str, str, str], list[tuple[int, float, float]]] = defaultdict(list)
    for line, content in enumerate(text.lines[1:], start=2):
        if not content.strip():
            continue
        # Names of videos are not quoted, and may have commas.
        cells = [cell.strip() for cell in content.rsplit(",", len(_COLUMNS) - 1)]
        if len(cells) < len(_COLUMNS):
            raise UserError(f"{path}, line {line}: {len(cells)} of 7 cells; it is cut off there: export it again.")
        video, project, participant, session, _, milliseconds, value = cells
        at = number(path, line, milliseconds) / 1000
        found[video, project, participant, session].append((line, at, _bounded(text, line, value)))
    return [_recording(text, *key, points) for key, points in found.items()]


def _recording(
    text: Text, video: str, project: str, participant: str, session: str, points: list[tuple[int, float, float]]
) -> Recording:
    lines, at, values = zip(*points, strict=True)
    rising(text.path, lines, at)
    named = [dimension for dimension in DIMENSIONS if dimension in project.lower()]
    return Recording(
        *(text.path, "PAGAN", Course.HELD, np.array(at), np.array(values), np.array(lines), (-_LIMIT, _LIMIT)),
        dimension=named[0] if len(named) == 1 else "",
        annotator=participant,
        video=video,
    )


def _bounded(text: Text, line: int, cell: str) -> float:
    value = number(text.path, line, cell)
    if abs(value) > _LIMIT:
        raise UserError(
            f"{text.path}, line {line}: {cell} is beyond PAGAN's 100; RankTrace has no bounds, and cannot be "
            "scaled; use GTrace."
        )
    return value


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split(",")]
