"""An annotation video of drawn images, and the annotation server in a separate process."""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.consensus import MergeOptions
from affectflow.annotation.merge import Outputs, merge_traces
from affectflow.media import file_names as names
from affectflow.media import jpeg
from affectflow.tables.csv_files import write_csv
from tests.conftest import ROOT
from tests.miniature import stored

IMAGES = 40


@dataclass
class Desk:
    """A working folder with one annotation video, whose images have different colors, and annotators' logs."""

    folder: Path
    process: subprocess.Popen[str] | None = None
    address: str = ""

    def start(self, *options: str, repeats: float = 0) -> str:
        """Start the server and return the address that it prints; a second start uses the same port."""
        port = re.search(r":(\d+)/", self.address)
        words = self._words("--port", port[1] if port else "0", *options, repeats=repeats)
        self.process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, said
        self.address = found[0]
        return self.address

    def refused(self, *options: str) -> tuple[int, str]:
        """Return exit status and standard error of a server that does not start."""
        result = subprocess.run(self._words(*options), cwd=self.folder, capture_output=True, text=True, timeout=60)
        return result.returncode, result.stderr

    def _words(self, *options: str, repeats: float = 0) -> list[str]:
        overlay = self.folder / "overlay.yaml"
        overlay.write_text(f"annotation: {{repeat_fraction: {repeats}}}\n")
        words = [sys.executable, "-m", "affectflow.cli", "annotate", "--configfile", str(ROOT / "config/config.yaml")]
        return [*words, "--configfile", str(overlay), "--out", "ratings", "--no-browser", *options]

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def merged(self) -> list[dict[str, str]]:
        """Merge the annotations and return the rows, one per image."""
        outputs = Outputs(*(self.folder / f"{name}.csv" for name in ("merged", "agreement", "annotators")))
        manifest = self.folder / "results/annotation/manifest.csv"
        merge_traces(self.folder / "ratings", manifest, outputs, MergeOptions(1.0, 0.0, 3.0, None))
        with outputs.merged.open(newline="") as stream:
            return list(csv.DictReader(stream))

    def log(self, annotator: str) -> Path:
        return self.folder / "ratings" / annotator / "images.jsonl"

    def wait_for_lines(self, annotator: str, count: int) -> None:
        """Wait until a rating log has so many lines after its header."""
        end = time.monotonic() + 20
        while len(self.log(annotator).read_text().splitlines()) - 1 < count:
            assert time.monotonic() < end, self.log(annotator).read_text()
            time.sleep(0.02)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    rows = []
    for frame in range(1, IMAGES + 1):
        name = names.file_name(f"http://faces.test/{frame}<b>.jpg")
        pixels = np.full((96, 96, 3), (6 * frame, 255 - 6 * frame, 128), np.uint8)
        pixels[20:40, 10 : 10 + 2 * frame // 2] = 255
        data = jpeg.encode(pixels, 95, "4:4:4")
        path = stored(tmp_path / "results/emotionet/images", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        rows.append((1, frame, "video_001.mp4", f"{(frame - 1) / 25:.4f}", name, "", hashlib.sha256(data).hexdigest()))
    write_csv(tmp_path / "results/annotation/manifest.csv", MANIFEST_COLUMNS, rows)
    made = Desk(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def informed(desk: Desk) -> Desk:
    """Predictions whose uncertainty rises from image to image; the last five images have none."""
    with (desk.folder / "results/annotation/manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    path = desk.folder / "results/annotation/predictions/resnet.csv"
    path.parent.mkdir()
    lines = [f"{row['image_sha256']},{i / 50},{-i / 50},{i / 100}" for i, row in enumerate(rows[:-5], start=1)]
    path.write_text("\n".join(["image_sha256,valence,arousal,uncertainty", *lines]) + "\n")
    return desk
