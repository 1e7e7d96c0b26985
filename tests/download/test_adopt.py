"""Images that are on disk already are taken for those of a list, and the download fetches the rest."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectflow.cli import main
from affectflow.download.journal import Index
from affectflow.download.lists import partition_rows
from affectflow.download.outcomes import OK
from affectflow.media import file_names as names
from tests.miniature import stored

Jpeg = Callable[..., bytes]
URL = "http://a.example/photos/{}.jpg?size=large"


def adopted(destination: Path, urls: Path) -> dict[str, tuple[str, str]]:
    """The outcome and detail of each URL in the journal."""
    found = {}
    with Index(destination / "journal", 0, 1) as index:
        for row in partition_rows(urls, 0, 1):
            if entry := index.get(row.key):
                url, _, outcome = index.read(entry)
                assert stored(destination / "images", row.file_name).stat().st_size == outcome.bytes
                found[url] = outcome.outcome, outcome.detail
    return found


def run(folder: Path, destination: Path, urls: Path) -> dict[str, str]:
    """The files that were not taken, with the reason."""
    main(["adopt", str(folder), str(destination), "--list", str(urls)])
    with (destination / "not_adopted.csv").open() as stream:
        return {row["file"]: row["reason"] for row in csv.DictReader(stream)}


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    path = tmp_path / "urls.txt"
    path.write_text("\n".join(URL.format(i) for i in range(8)))
    return path


def test_files_are_matched_by_name(tmp_path: Path, urls: Path, jpeg: Jpeg) -> None:
    old = tmp_path / "old"
    (old / "sub").mkdir(parents=True)
    named = {
        0: "0.jpg",
        1: "sub/1.JPG",
        2: quote(URL.format(2), safe=""),
        3: URL.format(3).replace("/", "_").replace(":", "_").replace("?", "_"),
        4: names.file_name(URL.format(4)),
        5: hashlib.md5(URL.format(5).encode()).hexdigest() + ".jpg",
    }
    for number, name in named.items():
        (old / name).write_bytes(jpeg(number, 64))
    (old / "holiday.jpg").write_bytes(jpeg(50, 64))
    (old / "6.jpg").write_bytes(b"<html>not found</html>")
    rest = run(old, tmp_path / "new", urls)
    assert adopted(tmp_path / "new", urls) == {
        URL.format(number): (OK, f"adopted from {old / name}") for number, name in named.items()
    }
    assert rest == {
        "holiday.jpg": "it matches no URL of the list",
        "6.jpg": "not_an_image: not an image in a known format (UnidentifiedImageError)",
    }


def test_the_output_of_img2dataset(tmp_path: Path, urls: Path, jpeg: Jpeg) -> None:
    """A note beside each image, or a table of each shard."""
    shard = tmp_path / "old/00000"
    shard.mkdir(parents=True)
    for number in range(4):
        (shard / f"00000000{number}.jpg").write_bytes(jpeg(number, 64))
    for number in range(2):
        note = {"url": URL.format(7 - number), "status": "success", "key": f"00000000{number}"}
        (shard / f"00000000{number}.json").write_text(json.dumps(note))
    keys = [f"00000000{number}" for number in (2, 3)]
    pq.write_table(pa.table({"url": [URL.format(5), URL.format(4)], "key": keys}), tmp_path / "old/00000.parquet")
    assert run(tmp_path / "old", tmp_path / "new", urls) == {}
    assert set(adopted(tmp_path / "new", urls)) == {URL.format(number) for number in (7, 6, 5, 4)}


def test_files_are_matched_by_digest_before_their_names(tmp_path: Path, jpeg: Jpeg) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/1.jpg").write_bytes(jpeg(2, 64))
    (tmp_path / "old/x").write_bytes(jpeg(1, 64))
    digests = [hashlib.sha256(jpeg(number, 64)).hexdigest() for number in (1, 2)]
    urls = tmp_path / "urls.csv"
    rows = [f"{URL.format(number)},{digest}" for number, digest in zip((1, 2), digests, strict=True)]
    urls.write_text("\n".join(["url,sha256", *rows]))
    assert run(tmp_path / "old", tmp_path / "new", urls) == {}
    assert adopted(tmp_path / "new", urls) == {
        URL.format(1): (OK, f"adopted from {tmp_path / 'old/x'}"),
        URL.format(2): (OK, f"adopted from {tmp_path / 'old/1.jpg'}"),
    }


def test_what_is_not_sure_is_left_alone(tmp_path: Path, jpeg: Jpeg) -> None:
    (tmp_path / "old/more").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "more/b.jpg"):
        (tmp_path / "old" / name).write_bytes(jpeg(1, 64))
    urls = tmp_path / "urls.txt"
    urls.write_text("http://one.example/a.jpg\nhttp://two.example/a.jpg\nhttp://one.example/b.jpg\n")
    assert run(tmp_path / "old", tmp_path / "new", urls) == {
        "a.jpg": "its name fits several URLs",
        "b.jpg": "several files match http://one.example/b.jpg",
        "more/b.jpg": "several files match http://one.example/b.jpg",
    }
    assert adopted(tmp_path / "new", urls) == {}


def test_what_is_not_a_file_stops_nothing(tmp_path: Path, urls: Path, jpeg: Jpeg) -> None:
    old = tmp_path / "old"
    old.mkdir()
    os.mkfifo(old / "pipe.jpg")
    (old / "lost.json").symlink_to("nowhere")
    (old / "empty.parquet").write_bytes(b"")
    (old / "1.jpg").write_bytes(jpeg(1, 64))
    urls.write_text(URL.format(1) + "\n")
    assert run(old, tmp_path / "new", urls) == {
        "lost.json": "it is not a regular file",
        "pipe.jpg": "it is not a regular file",
    }
    assert adopted(tmp_path / "new", urls)[URL.format(1)][0] == OK


def test_a_second_time_nothing_is_taken(
    tmp_path: Path, urls: Path, jpeg: Jpeg, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/0.jpg").write_bytes(jpeg(0, 64))
    for expected in ("1 images taken, 0 were there before", "0 images taken, 1 were there before"):
        run(tmp_path / "old", tmp_path / "new", urls)
        assert expected in capsys.readouterr().out
