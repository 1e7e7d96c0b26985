"""Copies in a public web archive, of URLs that are gone: an archive on loopback with the documented interface."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from PIL import Image

from affectflow.demo.web_plan import DOMAIN
from affectflow.download.address import Address
from affectflow.download.archive import Archive
from affectflow.download.engine import Engine
from affectflow.download.ledger import LEDGER_SCHEMA, ledger_row, write_ledger
from affectflow.download.lists import Row
from affectflow.download.outcomes import ARCHIVED, OK, Failed, Outcome
from affectflow.download.settings import ArchiveSettings, Settings
from affectflow.download.store import Store
from affectflow.tables.parquet import read_parquet
from tests.loopback import Web
from tests.miniature import stored


def picture(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (32, 32), shade).save(stream, "PNG")
    return stream.getvalue()


class LoopbackArchive:
    """Answers as the Wayback Machine documents it."""

    def __init__(self, site: Web) -> None:
        self._site = site
        self.copies: dict[str, list[tuple[str, str]]] = {}
        self.asked: list[dict[str, str]] = []
        self.times: list[float] = []
        site.answers["/cdx/search/cdx"] = self._index

    def add(self, url: str, time: str, body: bytes, status: int = 200, location: str = "") -> None:
        """Add a copy; its digest is that of its bytes."""
        self.copies.setdefault(url, []).append((time, str(hash(body))))

        async def answer(_: web.BaseRequest) -> web.StreamResponse:
            headers = {"Location": location} if location else {}
            return web.Response(status=status, body=body, headers=headers)

        self._site.answers[f"/web/{time}id_/{url}".partition("?")[0]] = answer

    async def _index(self, request: web.BaseRequest) -> web.StreamResponse:
        query = dict(request.query)
        self.asked.append(query)
        self.times.append(time.monotonic())
        wanted = datetime.strptime(query["closest"], "%Y%m%d")
        found = sorted(
            self.copies.get(query["url"], ()), key=lambda copy: abs(datetime.strptime(copy[0], "%Y%m%d%H%M%S") - wanted)
        )
        rows = [[when, query["url"], digest] for when, digest in found[: int(query["limit"])]]
        return web.Response(text=json.dumps([query["fl"].split(","), *rows] if rows else []))


@pytest.fixture
def site(emptied_web: Web) -> Web:
    return emptied_web


@pytest.fixture
def archive(site: Web) -> LoopbackArchive:
    return LoopbackArchive(site)


def settings(site: Web, **changes: object) -> Settings:
    how = {"searches_per_minute": 6e6, "copies_per_minute": 6e6, "date": "2016-05-31"} | changes
    return site.settings(archive=ArchiveSettings(server=site.url("", f"archive.{DOMAIN}"), **how))  # type: ignore[arg-type]


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., list[Outcome]]:
    def go(how: Settings, *rows: Row) -> list[Outcome]:
        found: dict[str, Outcome] = {}
        with Store(tmp_path / "images", how.max_pixels, how.decode) as store:
            engine = Engine(how, store, lambda row, outcome: found.update({row.url: outcome}))
            asyncio.run(engine.run(iter(rows)))
        return [found[row.url] for row in rows]

    return go


def row(url: str, second: str = "", sha256: str = "") -> Row:
    return Row(url, second, f"image-{abs(hash(url)):026d}"[:32], 1, sha256)


Fetch = Callable[..., list[Outcome]]


def test_the_copy_nearest_the_date_is_taken(fetch: Fetch, site: Web, archive: LoopbackArchive, tmp_path: Path) -> None:
    url = site.url("/status/404/a%28b%29.jpg?sig=x%2Fy")
    archive.add(url, "20120101000000", picture(1))
    archive.add(url, "20160701120005", picture(2))
    archive.add(url, "20240101000000", picture(3))
    one = row(url)
    (got,) = fetch(settings(site), one)
    assert got.outcome == ARCHIVED
    assert stored(tmp_path / "images", one.file_name).read_bytes() == picture(2)
    assert got.final_url == site.url(f"/web/20160701120005id_/{url}", f"archive.{DOMAIN}")
    assert got.detail == "copy of 2016-07-01; at its site: not_found, HTTP 404"
    write_ledger(lambda: [ledger_row((one, got))], *(tmp_path / name for name in ("l.parquet", "e.csv", "s.csv")))
    (entry,) = read_parquet(tmp_path / "l.parquet", LEDGER_SCHEMA).to_pylist()
    assert entry["archived_at"] == datetime(2016, 7, 1, 12, 0, 5, tzinfo=UTC)
    assert (tmp_path / "e.csv").read_text().count("\n") == 1  # only the header
    assert (tmp_path / "s.csv").read_text().splitlines()[1].startswith("downloaded,,1,")


@pytest.mark.parametrize("gone", ["/status/404/x", "/status/410/x", "/status/500/x", "/body/html", "/none/reset"])
def test_whatever_makes_a_url_gone(fetch: Fetch, site: Web, archive: LoopbackArchive, gone: str) -> None:
    archive.add(site.url(gone), "20160101000000", picture(2))
    assert fetch(settings(site), row(site.url(gone)))[0].outcome == ARCHIVED


@pytest.mark.parametrize("kept", ["/ok/1", "/body/big", "/status/429/x"])
def test_no_archive_is_asked_without_need(fetch: Fetch, site: Web, archive: LoopbackArchive, kept: str) -> None:
    archive.add(site.url(kept), "20160101000000", picture(2))
    assert fetch(settings(site), row(site.url(kept)))[0].outcome != ARCHIVED
    assert archive.asked == []


def test_it_is_asked_for_by_choice_only(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    assert fetch(site.settings(), row(site.url("/status/404/x")))[0].detail == "HTTP 404"
    assert archive.asked == []


def test_a_copy_that_is_no_image_is_passed_over(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    url = site.url("/status/404/x")
    archive.add(url, "20160601000000", b"<html>gone</html>")
    archive.add(url, "20160701000000", b"<html>gone</html>")  # the same again need not be tried
    archive.add(url, "20170101000000", picture(2))
    (got,) = fetch(settings(site), row(url))
    assert (got.outcome, got.detail[:18]) == (ARCHIVED, "copy of 2017-01-01")
    assert sum(hits for path, hits in site.hits.items() if path.startswith("/web/")) == 2


def test_the_image_that_a_list_expects(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    import hashlib

    url = site.url("/ok/changed")
    archive.add(url, "20160601000000", picture(1))
    archive.add(url, "20170101000000", picture(2))
    (got,) = fetch(settings(site), row(url, sha256=hashlib.sha256(picture(2)).hexdigest()))
    assert (got.outcome, got.detail[:18]) == (ARCHIVED, "copy of 2017-01-01")


def test_the_second_url_is_asked_for_too(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    second = site.url("/status/404/second")
    archive.add(second, "20160601000000", picture(1))
    (got,) = fetch(settings(site), row(site.url("/status/404/first"), second))
    assert got.outcome == ARCHIVED
    assert [query["url"] for query in archive.asked] == [site.url("/status/404/first"), second]


def test_the_failure_stays_what_it_was(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    url, bad = site.url("/status/404/x"), site.url("/status/410/y")
    archive.add(bad, "20160601000000", b"<html>gone</html>")
    got = fetch(settings(site), row(url), row(bad))
    assert [(one.outcome, one.http_status) for one in got] == [("not_found", 404), ("client_error", 410)]
    assert got[0].detail == "HTTP 404; in the archive: no copy"
    assert got[1].detail.startswith("HTTP 410; in the archive: the copy of 2016-06-01: not_an_image")


def test_a_copy_of_another_date_and_a_way_out_of_the_archive(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    moved, out, another = (site.url(f"/status/404/{name}") for name in ("moved", "out", "another"))
    archive.add(moved, "20160601000000", b"", 302, f"/web/20150203040506id_/{moved}")
    archive.add(moved, "20150203040506", picture(7))
    archive.copies[moved].pop()  # which the index does not list
    archive.add(out, "20160601000000", b"", 302, site.url("/ok/1"))
    archive.add("http://elsewhere.test/x.jpg", "20150203040506", picture(8))
    archive.add(another, "20160601000000", b"", 302, "/web/20150203040506id_/http://elsewhere.test/x.jpg")
    got = fetch(settings(site), row(moved), row(out), row(another))
    assert (got[0].outcome, got[0].detail[:18]) == (ARCHIVED, "copy of 2015-02-03")
    assert got[2].outcome == "not_found" and "which is not a copy of it" in got[2].detail
    assert got[1].outcome == "not_found" and f"redirected out of the archive, to web.{DOMAIN}" in got[1].detail


@pytest.mark.parametrize(
    "answer",
    [b"<html>busy</html>", b"{}", b'[["a"],["b"]]', b"[1, 2]", b'[[], ["2016", "http://x/", "d"]]', b"[" * 9000],
)
def test_an_index_that_answers_otherwise(fetch: Fetch, site: Web, archive: LoopbackArchive, answer: bytes) -> None:
    async def other(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=answer)

    site.answers["/cdx/search/cdx"] = other
    (got,) = fetch(settings(site), row(site.url("/status/404/x")))
    assert got.outcome == "not_found"
    assert (
        got.detail
        == "HTTP 404; in the archive: the index: bad_response, its index answers in another form than documented"
    )


@pytest.mark.parametrize("location", ["/static/no_image.png", "/web/20139999999999id_/{url}", "/web/2016id_/{url}"])
def test_what_the_archive_shows_in_place_of_a_copy(
    fetch: Fetch, site: Web, archive: LoopbackArchive, location: str
) -> None:
    url = site.url("/status/404/x")
    archive.add(url, "20160601000000", b"", 302, location.format(url=url))
    for path in ("/static/no_image.png", f"/web/20139999999999id_/{url}", f"/web/2016id_/{url}"):
        site.answers[path] = site._ok
    (got,) = fetch(settings(site), row(url))
    assert got.outcome == "not_found" and "which is not a copy of it" in got.detail


URL = "http://www.x.test/a/B.jpg?v=1"


@pytest.mark.parametrize(
    ("rows", "times"),
    [
        ([("timestamp", "original", "digest"), ("20160601000000", URL, "A")], ["20160601000000"]),
        ([("20160601000000", URL, "A")], ["20160601000000"]),  # no header
        ([("20050101000000", URL, "A"), ("20160601000000", URL, "B")], ["20160601000000", "20050101000000"]),
        ([("20160601000000", URL, "-"), ("20170601000000", URL, "-")], ["20160601000000", "20170601000000"]),
        ([("20160601000000", URL, None), ("20170601000000", URL, None)], ["20160601000000", "20170601000000"]),
        ([("20160601000000", URL, "A"), ("20170601000000", URL, "A")], ["20160601000000"]),
        ([("20170601000000", URL, "A"), ("20160601000000", URL, "A")], ["20160601000000"]),
        ([("20160601000000", "http://other.test/b.jpg", "A")], []),
        ([("20160601000000", URL.replace("v=1", "v=2"), "A")], []),
        ([("20160601000000", "https://x.test:443/a/b.jpg?v=1", "A")], ["20160601000000"]),
    ],
)
def test_what_an_index_lists(rows: list[tuple[str, ...]], times: list[str]) -> None:
    archive = Archive(Address.parse("https://web.archive.org/"), "20160531")
    assert [copy.time for copy in archive.copies(json.dumps(rows).encode(), URL)] == times


@pytest.mark.parametrize(
    "time", ["201606011230", "00010101000000", "2016060112300099", "20161301000000", 20160601000000]
)
def test_times_that_are_none(time: object) -> None:
    archive = Archive(Address.parse("https://web.archive.org/"), "20160531")
    with pytest.raises(Failed):
        archive.copies(json.dumps([(time, URL, "A")]).encode(), URL)


def test_an_archive_that_does_not_answer_costs_no_outcome(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    how = settings(site)
    from dataclasses import replace

    closed = replace(how.archive, server=f"http://archive.{DOMAIN}:{site.closed_port}")
    rows = [row(site.url(f"/status/404/{i}")) for i in range(12)]
    got = fetch(replace(how, archive=closed), row(site.url("/ok/1")), *rows)
    assert [one.outcome for one in got] == [OK, *["not_found"] * 12]
    assert all("in the archive: the index: refused" in one.detail for one in got[1:])


def test_the_archive_has_limits_of_its_own(fetch: Fetch, site: Web, archive: LoopbackArchive) -> None:
    rows = [row(site.url(f"/status/404/{i}")) for i in range(5)]
    fetch(settings(site, searches_per_minute=600), *rows)
    assert len(archive.times) == 5 and archive.times[-1] - archive.times[0] > 0.35


def test_the_question_encodes_the_url() -> None:
    archive = Archive(Address.parse("https://web.archive.org/"), "20160531")
    asked = str(archive.question("http://x.test/a b%20c.jpg?q=1&r=2#part"))
    assert asked.startswith(
        f"https://web.archive.org/cdx/search/cdx?url={quote('http://x.test/a%20b%20c.jpg?q=1&r=2', safe='')}&output=json"
    )
    with pytest.raises(Failed):
        archive.question("ftp://x.test/")
