"""The whole workflow on real photographs: each arrives, keeps its label, shows its face and is scored."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from affectflow import facs
from tests.conftest import DETECTOR, Workflow, needs_faces
from tests.conftest import PHOTOGRAPHS as FACES
from tests.workflow.photographs import FACELESS, FRAMES, photographs, served, write_disfa, write_spreadsheet

pytestmark = needs_faces


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The photographs, and images without a face."""
    folder = tmp_path / "web"
    folder.mkdir()
    for path in FACES.glob("*.jpg"):
        (folder / path.name).symlink_to(path)
    for number, name in enumerate(FACELESS):
        noise = np.random.default_rng(number).integers(0, 256, (200, 300, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / name)
    with served(folder) as found:
        yield found


def test_photographs_go_all_the_way(workflow: Workflow, address: str) -> None:
    data = workflow.folder / "data"
    write_spreadsheet(data / "faces.xlsx", address, FACELESS)
    write_disfa(data / "DISFA")
    workflow.configure(
        data={
            "emotionet": {"tables": ["data/faces.xlsx"]},
            "annotations": None,
            "disfa": {"root": "data/DISFA"},
            "amfed": {"root": None},
            "affwild": {"root": None},
        },
        download={"nameservers": [], "allow_private_hosts": ["127.0.0.1"], "timeout_s": 20, "per_host": 8},
        faces={"detector": "yunet", "model": {"path": str(DETECTOR)}},
        records={"validation_fraction": 0.2, "test_fraction": 0.2},
        training={"epochs": 2},
    )
    targets = ("results/eval/disfa_resnet.json", "results/eval/emotionet_resnet.json")
    result = workflow.succeed(*targets, "results/report/runs/resnet.json")
    faces = photographs()

    ledger = pq.read_table(workflow.path("emotionet/ledger.parquet")).to_pylist()
    assert len(ledger) == len(faces) + len(FACELESS) == 102 + 8
    assert {row["outcome"] for row in ledger} == {"ok"}

    samples = {row["url"]: row for row in pq.read_table(workflow.path("emotionet/samples.parquet")).to_pylist()}
    for row in faces:
        units = samples[f"{address}/{row['file']}"]["units"]
        assert units[12 - 1] == int(row["smiling"])
        assert samples[f"{address}/{row['file']}"]["face"] == "found"
        assert [unit for i, unit in enumerate(units) if i != 12 - 1] == [facs.UNKNOWN] * (facs.COUNT - 1)

    left_out = {row["url"]: row["reason"] for row in csv.DictReader(workflow.path("emotionet/left_out.csv").open())}
    for name in FACELESS:  # left out of training, but scored where they fell to the test split
        row = samples.get(f"{address}/{name}")
        assert left_out.get(f"{address}/{name}") == ("no_face" if row is None else None)
        assert row is None or (row["split"], row["face"]) == ("test", "no_face")
    assert left_out

    disfa, emotionet = (json.loads((workflow.folder / target).read_text()) for target in targets)
    persons = len({row["person"] for row in faces})
    assert disfa["protocol"]["frames"] == 2 * FRAMES * persons
    assert disfa["protocol"]["crops"] == {"face": 2 * FRAMES * persons, "held": 0, "center": 0}
    assert disfa["protocol"]["subjects"] == persons
    assert disfa["action_units"]["AU12"]["positives"] == FRAMES * persons
    assert list(disfa["action_units"]) == ["AU12"]
    tested = [row for row in samples.values() if row["split"] == "test"]
    assert emotionet["action_units"]["AU12"]["frames"] == len(tested)
    faceless = sum(row["face"] == "no_face" for row in tested)
    assert emotionet["protocol"]["crops"] == {"face": len(tested) - faceless, "held": 0, "center": faceless}
    assert emotionet["valence"] is None
    assert disfa["synthetic"] is emotionet["synthetic"] is False
    assert "note" not in disfa
    assert "Not configured, so left out: amfed, bp4d, affwild2, affwild, own, london, disfaplus" in result.output
    assert workflow.run(*targets).nothing_done
