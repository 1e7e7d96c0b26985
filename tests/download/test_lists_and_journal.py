"""Lists of URLs and the journal behind the ledger."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import socket
from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from affectflow.core.append_log import frame, framed_lines
from affectflow.core.errors import UserError
from affectflow.core.writer_lock import one_writer
from affectflow.download import lists
from affectflow.download.address import Address
from affectflow.download.command import download
from affectflow.download.journal import Index, Journal
from affectflow.download.ledger import inert
from affectflow.download.list_files import read_urls
from affectflow.download.lists import Row, partition_rows
from affectflow.download.outcomes import OK, OUTCOMES, STORED, Failed, Outcome
from affectflow.download.partition import RetryPolicy
from affectflow.download.settings import Settings
from affectflow.media import file_names as names

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
AN_OUTCOME = st.builds(
    Outcome,
    outcome=st.sampled_from(sorted(OUTCOMES)),
    detail=ANY_TEXT,
    http_status=st.none() | st.integers(100, 599),
    final_url=ANY_TEXT,
    attempts=st.integers(0, 99),
    bytes=st.integers(1, 10**9),
)


def row(url: str) -> Row:
    digest = names.url_digest(url)
    return Row(url, "", names.name(url, digest), names.key(digest))


def test_a_text_has_one_url_a_line_commas_and_all(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"
    path.write_text("http://a/1,2.jpg\n\n  http://b/?q=a,b \r\nnot a url\n")
    assert [url for url, *_ in read_urls(path)] == ["http://a/1,2.jpg", "http://b/?q=a,b", "not a url"]


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "urls.csv"
    path.write_text(f'id,url_orig,url,sha256\n1,http://old/,"http://a/1,2.jpg",\n2,,http://b/,{"AB" * 32}\n')
    rows = [("http://a/1,2.jpg", "http://old/", ""), ("http://b/", "", "ab" * 32)]
    assert list(read_urls(path)) == rows
    path.write_text(path.read_text().replace("url_orig,url,sha256", "URL-orig,URL,SHA-256"))
    assert list(read_urls(path)) == rows
    table = pa.table({"url": [row[0] for row in rows], "n": [1, 2], "url_orig": ["http://old/", None]})
    pq.write_table(table, tmp_path / "a list")
    assert list(read_urls(tmp_path / "a list")) == [(url, orig, "") for url, orig, _ in rows]


@pytest.mark.parametrize(
    "content, named",
    [
        ("id,link\n1,x\n", "column 'url'"),
        ("id,url\n1\n", "line 2, has 1 cells, but the header has 2"),
        (b"url\n\xff\xfe\n", "UTF-8"),
        ("url,sha256\nhttp://a/,\nhttp://b/,abc\n", "line 3: 'abc'"),
        (b"PAR1 and then nothing", "not a complete Parquet file"),
    ],
)
def test_what_is_no_list_is_one_sentence(tmp_path: Path, content: str | bytes, named: str) -> None:
    path = tmp_path / "urls.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=named):
        list(read_urls(path))


def test_partitions_share_a_list_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_RECENT", 7)  # so that few rows make many merges
    path = tmp_path / "urls.txt"
    urls = [f"http://host/{i}" for i in range(100)]
    path.write_text("\n".join(urls + urls[::-1]))
    parts = [[row.url for row in partition_rows(path, i, 3)] for i in range(3)]
    assert Counter(url for part in parts for url in part) == Counter(urls)
    assert all(part == [url for url in urls if url in part] for part in parts)
    assert min(map(len, parts)) > 15


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, AN_OUTCOME), max_size=30), st.integers(1, 3), st.randoms())
def test_what_is_written_down_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[tuple[str, Outcome]],
    partitions: int,
    chance: random.Random,
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    latest: dict[str, Outcome] = {}
    for number, (url, outcome) in enumerate(entries):
        outcome.last_try = float(number)  # later lines count
        latest[url] = outcome
        with Journal(folder, row(url).key % partitions, partitions) as journal:
            journal.append(row(url), "cache key", outcome)
    for path in folder.iterdir():  # a kill in the middle of one more line
        line = path.read_bytes().splitlines(keepends=True)[0]
        with path.open("ab") as stream:
            stream.write(line[: chance.randrange(len(line))])
    for url, outcome in latest.items():
        with Index(folder, row(url).key % partitions, partitions) as index:
            entry = index.get(row(url).key)
            assert entry is not None
            assert index.read(entry) == (url, "cache key", outcome)
            assert entry.bytes == (outcome.bytes if outcome.outcome in STORED else 0)
            assert index.get(row(url + "?").key) is None or url + "?" in latest


def test_a_full_disk_keeps_earlier_lines(tmp_path: Path) -> None:
    def entry(url: str) -> tuple[Row, str, Outcome]:
        return row(url), "cache key", Outcome(OK, bytes=7, last_try=1.0)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal(tmp_path, 0, 1) as journal:
        journal.append(*entry("one"))
        size = (tmp_path / "0000-of-0001.jsonl").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
        try:
            with pytest.raises(UserError, match="cannot be written"):
                journal.append(*entry("two"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert (tmp_path / "0000-of-0001.jsonl").stat().st_size == size
        journal.append(*entry("three"))
    with Index(tmp_path, 0, 1) as index:
        assert [index.get(row(url).key) is not None for url in ("one", "two", "three")] == [True, False, True]


def test_lines_are_json_and_damaged_ones_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [frame(json.dumps({"n": n})) for n in range(3)]
    assert [json.loads(line)["n"] for line in lines] == [0, 1, 2]
    path.write_bytes(lines[0] + lines[1].replace(b": 1}", b": 7}") + bytes(5000) + b"\n" + lines[2] + lines[0][:-1])
    assert [line for _, line in framed_lines(path)] == [lines[0], lines[2]]


def test_two_downloads_do_not_write_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path, 0, 1), pytest.raises(UserError, match="another download"), Journal(tmp_path, 0, 1):
        pass


@settings(deadline=None)
@given(
    ANY_TEXT | ANY_TEXT.map(lambda text: f"http://{text}") | ANY_TEXT.map(lambda text: f"http://user:pw@host/{text}#x")
)
@example("http://0\x0c#")
@example("http://\x0c#")
def test_a_url_is_parsed_or_refused(text: str) -> None:
    try:
        url = Address.parse(text)
    except Failed as failed:
        assert failed.outcome == "bad_url" and failed.detail
    else:
        assert url.scheme in ("http", "https") and url.host and "#" not in str(url)
        assert str(url).isascii() and str(url).isprintable() and " " not in str(url)
        assert Address.parse(str(url)) == url


@given(ANY_TEXT)
def test_cells_are_inert(text: str) -> None:
    cell = str(inert(text))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert all(character >= " " and not "\x7f" <= character <= "\x9f" for character in cell)


def test_downloads_with_other_numbers_of_processes_are_kept_apart(tmp_path: Path) -> None:
    """Those of one number share the folder; the message names process and host."""
    with Journal(tmp_path, 0, 2), Journal(tmp_path, 1, 2):
        said = rf"is being written by another download \(process {os.getpid()} on {socket.gethostname()}\); wait"
        for other in (0, 3):
            with pytest.raises(UserError, match=said), Journal(tmp_path, other, 4):
                pass
    with Journal(tmp_path, 0, 4):
        pass


def test_a_download_is_not_begun_anew_beside_one_that_runs(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://a.example/")
    with Journal(tmp_path / "images/journal", 0, 1) as journal:
        journal.append(row("http://a.example/"), "key", Outcome(OK, bytes=7, last_try=1.0))
        with pytest.raises(UserError, match="is being written by another download"):
            download(
                tmp_path / "urls.txt",
                tmp_path / "images",
                tmp_path / "ledger.parquet",
                Settings(),
                1,
                RetryPolicy(),
                resume=False,
            )
    with Index(tmp_path / "images/journal", 0, 1) as index:
        assert len(index) == 1


def test_two_trainings_on_one_output_are_kept_apart(tmp_path: Path) -> None:
    writer = partial(one_writer, tmp_path / "state", "training")
    with writer(), pytest.raises(UserError, match="by another training"), writer():
        pass


def test_a_file_system_without_locks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    locked = one_writer(tmp_path / "state", "training")
    with pytest.raises(UserError, match=r"\.state\.lock cannot be locked \(No locks available\)"), locked:
        pass
