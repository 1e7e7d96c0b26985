"""Draw an EmotioNet: a spreadsheet with the quirks of the real one, the images of its URLs, and the ground truth."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.cell import WriteOnlyCell

from affectflow import facs
from affectflow.core.atomic import atomic_write
from affectflow.core.orphan import end_with
from affectflow.core.progress import progress
from affectflow.datasets.synthetic import NOTE
from affectflow.demo.drawing import DRAWN_ACTION_UNITS, draw_face, draw_identity, draw_scene
from affectflow.demo.encodings import encode
from affectflow.demo.expressions import SLIGHT, affect, coded, draw_expression
from affectflow.demo.web_plan import Plan, make_plan
from affectflow.tables.parquet import write_parquet

TRUTH_SCHEMA = pa.schema(
    [
        ("image", pa.int32()),
        ("intensity", pa.list_(pa.float32(), facs.COUNT)),
        ("valence", pa.float32()),
        ("arousal", pa.float32()),
    ]
)
_PRESENCE = 0.3  # of each AU; at EmotioNet's own rates a small training set has too few positives
_NEVER_ANNOTATED = (7, 16, 23)  # as in the real set's manual part
_NOT_ANNOTATED_RATE = 0.03
_ALWAYS_ABSENT = (24, 28, 51, 52, 53, 54, 55, 56)  # annotated in the challenge of 2020, never drawn
_CHUNK = 100


def make_emotionet(
    seed: int,
    images: int,
    size: int,
    port: int,
    cache_key: str,
    processes: int,
    table: Path,
    truth: Path,
    routes: Path,
    web: Path,
) -> None:
    """Draw faces and write the spreadsheet that lists them.

    The same arguments give the same bytes, whatever the number of processes.

    Args:
        seed: Seed of all random choices.
        images: Number of faces.
        size: Side of the images in pixels.
        port: Port of the demo's web server, which is part of the URLs.
        cache_key: Text in every URL of an image that changes with the way in which faces are drawn.
        processes: Number of processes.
        table: The spreadsheet to write.
        truth: Table to write of the drawn intensities, valence and arousal, for the demo's own annotators.
        routes: JSON file to write for the web server: what it serves at each path.
        web: Folder for the images.
    """
    plan = make_plan(seed, images, port, cache_key)
    shutil.rmtree(web, ignore_errors=True)  # the images of another configuration
    web.mkdir(parents=True)
    starts = range(0, images, _CHUNK)
    draw = partial(_draw_chunk, seed=seed, size=size, encodings=plan.encodings, web=web)
    rows: list[dict[str, object]] = []
    with (
        ProcessPoolExecutor(processes, initializer=end_with, initargs=(os.getpid(),)) as pool,
        progress(images, "face", "draw") as bar,
    ):
        for chunk in pool.map(draw, starts):
            rows += chunk
            bar.update(len(chunk))
    write_parquet(truth, TRUTH_SCHEMA, rows)
    intensities = [np.asarray(row["intensity"], np.float32) for row in rows]
    _write_table(table, plan, intensities, np.random.default_rng([seed, 1]))
    with atomic_write(routes) as path:
        path.write_text(json.dumps(plan.routes, indent=0, sort_keys=True), encoding="utf-8")


def _draw_chunk(start: int, seed: int, size: int, encodings: Sequence[str], web: Path) -> list[dict[str, object]]:
    import cv2

    cv2.setNumThreads(1)
    rows = []
    for number in range(start, min(start + _CHUNK, len(encodings))):
        rng = np.random.default_rng([seed, 2, number])
        intensity = draw_expression(rng, _PRESENCE)
        pixels = draw_face(draw_identity(rng), draw_scene(rng, "web"), intensity, size)
        (web / str(number)).write_bytes(encode(pixels, encodings[number]))
        feeling = affect(intensity, rng)
        rows.append(
            {"image": number, "intensity": intensity.tolist(), "valence": feeling.valence, "arousal": feeling.arousal}
        )
    return rows


def _write_table(path: Path, plan: Plan, intensities: Sequence[np.ndarray], rng: np.random.Generator) -> None:
    """Write the layout of EmotioNet's manual set: several sheets, literal quotes in headers and cells, an empty row."""
    workbook = openpyxl.Workbook(write_only=True)
    workbook.properties.description = NOTE
    half = (len(plan.entries) + 1) // 2
    for title, entries in (("part 1", plan.entries[:half]), ("part 2", plan.entries[half:])):
        sheet = workbook.create_sheet(title)
        sheet.append(["URL", "URL orig", *(f" 'AU {unit}'" for unit in range(1, facs.COUNT + 1))])
        for i, entry in enumerate(entries):
            if i == 5:
                sheet.append([WriteOnlyCell(sheet, value=None)])
            labels = _labels(None if entry.image is None else intensities[entry.image], rng)
            original = f"{entry.url_orig}'" if entry.url_orig else None
            sheet.append([f"{entry.url}'", original, *labels])
    with atomic_write(path) as partial_path:
        workbook.save(partial_path)
        _strip_times(partial_path)


def _labels(intensity: np.ndarray | None, rng: np.random.Generator) -> Iterator[int]:
    """Yield 0, 1 or 999 for AU 1 to 60; labels of dead links are random."""
    for unit in range(1, facs.COUNT + 1):
        if unit in _ALWAYS_ABSENT:
            yield 0
        elif unit not in DRAWN_ACTION_UNITS or unit in _NEVER_ANNOTATED or rng.random() < _NOT_ANNOTATED_RATE:
            yield 999
        elif intensity is None:
            yield int(rng.random() < _PRESENCE)
        else:
            yield int(coded(intensity)[unit - 1] >= SLIGHT)


def _strip_times(path: Path) -> None:
    """Write the workbook's zip again with fixed times, so that the same plan gives the same bytes."""
    import re
    import zipfile

    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    members["docProps/core.xml"] = re.sub(
        rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2017-01-01T00:00:00Z", members["docProps/core.xml"]
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(members):
            target.writestr(zipfile.ZipInfo(name, (2017, 1, 1, 0, 0, 0)), members[name], zipfile.ZIP_DEFLATED)
