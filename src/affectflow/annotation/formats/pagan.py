"""PAGAN (Melhart, Liapis and Yannakakis 2019): one dimension per project, a line for each change of the value.

Values of GTrace and BTrace are from -100 to 100. RankTrace is unbounded and cannot be scaled.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from affectflow.annotation.formats.text import Text, check_rising, parse_number
from affectflow.annotation.recording import DIMENSIONS, Export, Interpolation, Recording
from affectflow.core.errors import UserError

_COLUMNS = ("OriginalName", "DatabaseName", "Participant", "SessionID", "Timestamp", "VideoTime", "Value")
_LIMIT = 100.0


@dataclass(frozen=True, slots=True)
class _Session:
    video: str
    project: str
    participant: str
    session: str


def matches(text: Text) -> bool:
    """Return whether the header has PAGAN's columns."""
    return {"OriginalName", "Participant", "VideoTime", "Value"} <= set(_cells(text.lines[0]))


def read(text: Text) -> list[Export]:
    """Read a recording for each participant, video and project."""
    path, header = text.path, _cells(text.lines[0])
    if tuple(header) != _COLUMNS:
        raise UserError(f"{path}, line 1: PAGAN's columns are {','.join(_COLUMNS)}; export it again.")
    sessions: dict[_Session, list[tuple[int, float, float]]] = defaultdict(list)
    for line, content in enumerate(text.lines[1:], start=2):
        if not content.strip():
            continue
        # PAGAN does not quote names of videos, which may have commas.
        cells = [cell.strip() for cell in content.rsplit(",", len(_COLUMNS) - 1)]
        if len(cells) < len(_COLUMNS):
            raise UserError(f"{path}, line {line}: {len(cells)} of 7 cells; the line is truncated: export it again.")
        video, project, participant, session, _, milliseconds, value = cells
        seconds = parse_number(path, line, milliseconds) / 1000
        points = sessions[_Session(video, project, participant, session)]
        points.append((line, seconds, _bounded(text, line, value)))
    return [_recording(text, session, points) for session, points in sessions.items()]


def _recording(text: Text, session: _Session, points: list[tuple[int, float, float]]) -> Recording:
    lines, seconds, values = zip(*points, strict=True)
    check_rising(text.path, lines, seconds)
    named = [dimension for dimension in DIMENSIONS if dimension in session.project.lower()]
    return Recording(
        path=text.path,
        tool="PAGAN",
        interpolation=Interpolation.HOLD,
        positions=np.array(seconds),
        values=np.array(values),
        lines=np.array(lines),
        limits=(-_LIMIT, _LIMIT),
        dimension=named[0] if len(named) == 1 else "",
        annotator=session.participant,
        video=session.video,
    )


def _bounded(text: Text, line: int, cell: str) -> float:
    value = parse_number(text.path, line, cell)
    if abs(value) > _LIMIT:
        raise UserError(
            f"{text.path}, line {line}: {cell} is beyond PAGAN's 100; RankTrace is unbounded and cannot be scaled; "
            "use GTrace."
        )
    return value


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split(",")]
