"""Damaged files of every kind that strangers bring: read, or one sentence; never another exception."""

from __future__ import annotations

import io
import json
import logging
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectflow.annotation.formats import read_export
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.core.errors import UserError
from affectflow.datasets.opening import get_dataset
from affectflow.download.address import Address
from affectflow.download.list_files import read_urls
from affectflow.download.outcomes import Failed
from affectflow.evaluation.external import read_predictions
from affectflow.media.video import read_frames
from affectflow.spreadsheet.ingest import ingest
from tests.annotation.test_formats import CARMA, PAGAN
from tests.media.test_video import DAMAGED, write_numbered
from tests.model_json import values

ROUNDS = 400
VIDEO_ROUNDS = 40


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with some changed, cut out, doubled, or replaced by what upsets parsers."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at : at + rng.randint(1, 40)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 40)]
            case 3:
                del changed[at:]
            case 4:
                awkward = (
                    b'"',
                    b"\0",
                    b"\xff\xfe",
                    b"\r",
                    b"\n",
                    b"nan",
                    b"1e999",
                    b"-",
                    b"[" * 50,
                    b"%00",
                    b",,",
                    b";",
                )
                changed[at:at] = rng.choice(awkward)
            case 5:
                changed[at : at + 8] = rng.randbytes(8)
    return bytes(changed)


def survives(read: Callable[[Path], object], path: Path, content: bytes, rounds: int = ROUNDS) -> Counter[str]:
    """Count how mutations of a file end; any exception but a sentence is the test's failure."""
    ends: Counter[str] = Counter()
    for seed in range(rounds):
        path.write_bytes(mutated(content, random.Random(seed)))
        try:
            read(path)
            ends["read"] += 1
        except UserError as error:
            assert path.stem in str(error) or str(path.parent) in str(error), error
            ends["refused"] += 1
    return ends


def workbook() -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["URL", *(f"AU {unit}" for unit in range(1, 61))])
    for number in range(3):
        book.active.append([f"http://a.example/{number}.jpg", *[0, 1, 999] * 20])
    book.save(stream)
    return stream.getvalue()


def archive(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr(name, content)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"url": [f"http://a.example/{i}" for i in range(50)]}), stream)
    return stream.getvalue()


CVAT = (
    b"<annotations><meta><source>video_001.mp4</source></meta><track id='0' label='face'><box frame='0' outside='0'>"
    b"<attribute name='valence'>0.5</attribute></box></track></annotations>"
)
LABEL_STUDIO = json.dumps(
    [
        {
            "id": 1,
            "data": {"image": "a.jpg"},
            "annotations": [{"result": [{"from_name": "valence", "value": {"rating": 3}}]}],
        }
    ]
).encode()
SHEET = b"URL," + b",".join(b"AU %d" % u for u in range(1, 61)) + b"\nhttp://a.example/1,2.jpg" + b",0" * 60 + b"\n"


def ingested(path: Path) -> None:
    ingest([path], path.with_name("labels.csv"), path.with_name("rejects.csv"))


def own(path: Path) -> None:
    list(get_dataset("own", path).samples())


def urls(path: Path) -> None:
    for row in read_urls(path):
        try:
            Address.parse(row.url)
        except Failed as failed:
            assert failed.outcome == "bad_url"


FILES: dict[str, tuple[Callable[[Path], object], str, bytes]] = {
    "workbook": (ingested, "t.xlsx", workbook()),
    "sheet": (ingested, "t.csv", SHEET * 3),
    "own labels": (own, "labels.csv", b'image,AU1,valence,notes\na.jpg,1,0.5,x\n"b,c.jpg",0,,"two\nlines"\n'),
    "list": (urls, "urls.csv", b'url,text\nhttp://a.example/a%28b%29?x=%2F,a cat\n"http://b.example/1,2",\n'),
    "json lines": (urls, "urls.jsonl", b'{"url": "http://a.example/1"}\n{"url": "http://a.example/2"}\n'),
    "parquet list": (urls, "urls.parquet", parquet()),
    "predictions": (read_predictions, "p.csv", b"video,frame,AU1,valence\nSN001,1,0.5,-0.25\nSN001,2,NaN,0\n"),
    "openface": (
        read_predictions,
        "v.csv",
        b"frame, success, confidence, AU01_r, AU01_c\n1, 1, 0.98, 0.5, 1\n2, 1, 0.9, 0, 0\n",
    ),
    "lines": (read_export, "video_001_valence.txt", b"0.5\n0.25\n-1\n"),
    "pagan": (read_export, "p.csv", (PAGAN + "\nvideo_001.mp4,Valence,a,s,1,0,5\n").encode()),
    "carma": (read_export, "c.csv", (CARMA.format(video="f") + "0.5,1\n1,2\n").encode()),
    "cvat": (read_export, "c.xml", CVAT),
    "cvat archive": (read_export, "c.zip", archive("annotations.xml", CVAT)),
    "label studio": (read_export, "l.json", LABEL_STUDIO),
    "metadata": (ModelMetadata.read, "model.json", json.dumps(values(units=(1, 2))).encode()),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", FILES)
def test_a_mutated_file_is_read_or_refused(tmp_path: Path, kind: str) -> None:
    logging.disable(logging.WARNING)
    try:
        read, name, content = FILES[kind]
        (tmp_path / name).write_bytes(content)
        read(tmp_path / name)  # whole, it is read
        ends = survives(read, tmp_path / name, content)
    finally:
        logging.disable(logging.NOTSET)
    print(kind, dict(ends))
    assert ends.total() == ROUNDS and ends["refused"] > 0


@pytest.mark.long
@pytest.mark.parametrize("name", DAMAGED)
def test_a_mutated_video_is_read_or_refused(tmp_path: Path, name: str) -> None:
    codec, options = DAMAGED[name]
    write_numbered(tmp_path / name, codec, options, range(30))

    def read(path: Path) -> None:
        for frame in read_frames(path):
            assert 1 <= frame.index <= 10_000 and frame.rgb.ndim == 3

    content = (tmp_path / name).read_bytes()
    logging.disable(logging.WARNING)
    try:
        ends = survives(read, tmp_path / name, content, VIDEO_ROUNDS)
    finally:
        logging.disable(logging.NOTSET)
    print(name, dict(ends))
    assert ends.total() == VIDEO_ROUNDS
