"""Real photographs in the layouts of real sets."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import openpyxl
from PIL import Image

from affectflow import facs
from affectflow.media.video import write_video
from tests.conftest import PHOTOGRAPHS as FACES

FACELESS = tuple(f"wall_{number}.jpg" for number in range(8))
FRAMES = 3


def photographs() -> list[dict[str, str]]:
    return list(csv.DictReader((FACES / "faces.csv").open()))


def write_spreadsheet(path: Path, address: str, faceless: tuple[str, ...] = ()) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["URL", *(f"'AU {unit}'" for unit in range(1, facs.COUNT + 1))])
    for row in photographs():
        labels = [999] * facs.COUNT
        labels[12 - 1] = int(row["smiling"])
        sheet.append([f"{address}/{row['file']}'", *labels])
    for name in faceless:
        sheet.append([f"{address}/{name}", *[0] * facs.COUNT])
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook.save(path)


def write_disfa(root: Path, persons: int | None = None) -> None:
    """A subject for each person: the neutral photograph for some frames, then the smiling one with intensity 3.

    Subjects that are there already stay as they are.
    """
    people = sorted({row["person"] for row in photographs()})[:persons]
    for number, person in enumerate(people, start=1):
        subject = f"SN{number:03d}"
        labels = root / "ActionUnit_Labels" / subject
        if labels.is_dir():
            continue
        images = [
            np.asarray(Image.open(FACES / f"{person}_{mood}.jpg").convert("RGB").resize((240, 240)))
            for mood in ("neutral", "smiling")
        ]
        frames = [images[0]] * FRAMES + [images[1]] * FRAMES
        write_video(root / "Videos_LeftCamera" / f"LeftVideo{subject}_comp.avi", frames, Fraction(20), "avi", "mpeg4")
        labels.mkdir(parents=True)
        lines = (f"{frame},{3 if frame > FRAMES else 0}\n" for frame in range(1, 2 * FRAMES + 1))
        (labels / f"{subject}_au12.txt").write_text("".join(lines))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the terminal clean."""


@contextmanager
def served(folder: Path, handler: type[SimpleHTTPRequestHandler] = Quiet) -> Iterator[str]:
    """Serve a folder on loopback; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
