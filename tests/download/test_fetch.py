"""Every outcome for real at a loopback socket, and a download that any kill may interrupt."""

from __future__ import annotations

import asyncio
import gzip
import http
import os
import random
import resource
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from affectflow.core.errors import UserError
from affectflow.demo.web_plan import DOMAIN
from affectflow.download.address import Address
from affectflow.download.client import Client
from affectflow.download.engine import Engine
from affectflow.download.ledger import LEDGER_SCHEMA, collect_ledger, write_part
from affectflow.download.lists import Row
from affectflow.download.outcomes import OK, OUTCOMES, REPORT_CLASSES, Outcome
from affectflow.download.partition import PartitionSpec, RetryPolicy, cache_key_of, fetch_partition, outcomes
from affectflow.download.resolver import is_public
from affectflow.download.settings import Settings
from affectflow.download.store import Store
from affectflow.media import file_names as names
from affectflow.tables.parquet import read_parquet
from tests.loopback import TIMEOUT_S, Web
from tests.miniature import stored


@pytest.fixture
def site(emptied_web: Web) -> Web:
    return emptied_web


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., Outcome]:
    """What becomes of one row."""

    def go(settings: Settings, url: str, fallback: str = "") -> Outcome:
        found: list[Outcome] = []
        row = Row(url, fallback, "image-" + "a" * 26, 1)
        stored(tmp_path / "images", row.file_name).unlink(missing_ok=True)
        with Store(tmp_path / "images", settings.max_pixels, settings.decode) as store:
            engine = Engine(settings, store, lambda _, outcome: found.append(outcome))
            asyncio.run(engine.run(iter([row])))
        (outcome,) = found
        assert (outcome.outcome == OK) == stored(tmp_path / "images", row.file_name).exists()
        return outcome

    return go


Fetch = Callable[..., Outcome]


IMAGE_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
TRAILED = b"\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX: y\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"


@pytest.mark.parametrize(
    "path, raw, outcome, status",
    [
        ("/lower", b"http/1.1 404 NF\r\nContent-Length: 0\r\n\r\n", "bad_response", 404),
        ("/stray", b"\r\n" + IMAGE_ANSWER, "bad_response", None),
        ("/early", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + IMAGE_ANSWER, OK, 200),
        ("/trailer", b"HTTP/1.1 404 NF" + TRAILED, "not_found", 404),
        ("/trailer", b"HTTP/1.1 302 Found\r\nLocation: {ok}" + TRAILED, OK, 200),
        ("/endless", ENDLESS, "too_large", 200),
        ("/endless", ENDLESS + b"body", "too_large", 200),
        ("/cut", b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n", "reset", None),
        ("/short", b"HTTP/1.1 410 Gone\r\nContent-Length: 99\r\n\r\nbye", "client_error", 410),
        ("/short", b"HTTP/1.1 302 Found\r\nLocation: {ok}\r\nContent-Length: 99\r\n\r\nbye", OK, 200),
        ("/silent", b"HTTP/1.1 404 NF\r\nContent-Length: 99\r\n\r\nbye", "not_found", 404),
        ("/silent", b"HTTP/1.1 302 Found\r\nLocation: {ok}\r\nContent-Length: 99\r\n\r\n", OK, 200),
        ("/silent", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "stalled", 200),
    ],
)
def test_odd_answers(fetch: Fetch, site: Web, path: str, raw: bytes, outcome: str, status: int | None) -> None:
    if raw.endswith(IMAGE_ANSWER):
        raw = raw.removesuffix(IMAGE_ANSWER) + IMAGE_ANSWER % (len(site.image), site.image)
    site.raw[path] = raw.replace(b"{ok}", site.url("/ok/1").encode())
    got = fetch(site.settings(), f"http://web.{DOMAIN}:{site.raw_port}{path}")
    assert (got.outcome, got.http_status) == (outcome, status), got


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "encoding, encode",
    [
        *((name, bytes) for name in ("UTF-8", "none", "binary", "aws-chunked", "identity", "", "8bit")),
        ("gzip", gzip.compress),
        ("aws-chunked, gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("gzip", lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:])),
        ("gzip", lambda data: gzip.compress(data) + b"\0\0rubbish"),
        ("gzip, deflate", lambda data: zlib.compress(gzip.compress(data))),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7])
def test_encodings_as_servers_name_them(
    fetch: Fetch, site: Web, encoding: str, encode: Callable[[bytes], bytes], pieces: int
) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": encoding})
        await response.prepare(request)
        body = encode(site.image)
        for start in range(0, len(body), len(body) // pieces + 1):
            await response.write(body[start : start + len(body) // pieces + 1])
        return response

    site.answers["/x"] = answer
    got = fetch(site.settings(), site.url("/x"))
    assert (got.outcome, got.bytes) == (OK, len(site.image)), got


@pytest.mark.parametrize(
    "status, headers, outcome",
    [
        *((status, {}, OK) for status in (201, 202, 203, 226)),
        (206, {"Content-Range": "bytes 0-{last}/{all}"}, OK),
        (206, {"Content-Range": "bytes 0-{last}/*"}, "bad_response"),
        (206, {"Content-Range": "bytes 1-{all}/{all}"}, "bad_response"),
        (206, {}, "bad_response"),
        (204, {}, "bad_response"),
    ],
)
def test_statuses_with_a_whole_image(
    fetch: Fetch, site: Web, status: int, headers: dict[str, str], outcome: str
) -> None:
    size = len(site.image)
    lines = {name: value.format(last=size - 1, all=size) for name, value in headers.items()}

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=site.image if status != 204 else b"", headers=lines)

    site.answers["/x"] = answer
    got = fetch(site.settings(), site.url("/x"))
    assert (got.outcome, got.http_status) == (outcome, status), got


def test_a_header_is_not_a_status(fetch: Fetch, site: Web) -> None:
    lines = b"HTTP/1.1 404 NF\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
    site.raw["/two"] = lines % (len(site.image), site.image)
    got = fetch(site.settings(), f"http://web.{DOMAIN}:{site.raw_port}/two")
    assert got.outcome == "bad_response"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_cookie_wall_lets_in_who_sends_its_cookie_back(fetch: Fetch, site: Web, elsewhere: bool) -> None:
    """Directly, and by way of another host that asks for its own cookie; neither gets the other's."""
    got_cookies: list[str] = []

    async def wall(request: web.BaseRequest) -> web.StreamResponse:
        cookie = request.headers.get("Cookie", "")
        got_cookies.append(cookie)
        if "seen=1" in cookie:
            return web.Response(body=site.image)
        target = site.url("/consent", f"other.{DOMAIN}") if elsewhere else "/wall"
        return web.Response(status=302, headers={"Location": target, "Set-Cookie": "seen=1; Path=/"})

    async def consent(request: web.BaseRequest) -> web.StreamResponse:
        got_cookies.append(request.headers.get("Cookie", ""))
        return web.Response(status=302, headers={"Location": site.url("/wall"), "Set-Cookie": "agreed=1"})

    site.answers.update({"/wall": wall, "/consent": consent})
    assert fetch(site.settings(), site.url("/wall")).outcome == OK
    assert got_cookies == (["", "", "seen=1"] if elsewhere else ["", "seen=1"])
    assert fetch(site.settings(), site.url("/wall")).outcome == OK  # cookies of one image are forgotten with it
    assert got_cookies.count("") == (4 if elsewhere else 2)


@pytest.mark.parametrize("url", ["http://][@", "http://x%00/", "http://[fe80::1%25ß]/"])
def test_a_url_that_upsets_parsers_is_one_outcome(fetch: Fetch, site: Web, url: str) -> None:
    assert fetch(site.settings(), url).outcome == "bad_url"
    site.raw["/to"] = f"HTTP/1.1 302 Found\r\nLocation: {url}\r\n\r\n".encode()
    assert fetch(site.settings(), f"http://web.{DOMAIN}:{site.raw_port}/to").outcome == "redirect"


def test_an_error_of_our_own_costs_one_row(site: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a row raises is its outcome; the others are fetched."""
    save = Store.save

    async def broken(self: Store, row: Row, response: object) -> Outcome:
        if row.url.endswith("/2"):
            raise ZeroDivisionError("the decoder broke")
        return await save(self, row, response)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "save", broken)
    found: dict[str, Outcome] = {}
    rows = [Row(site.url(f"/ok/{i}"), "", f"image-{i}" + "a" * 26, i) for i in range(4)]
    with Store(tmp_path / "images", 10_000, True) as store:
        engine = Engine(site.settings(), store, lambda row, outcome: found.update({row.url[-1]: outcome}))
        asyncio.run(engine.run(iter(rows)))
    assert {name: outcome.outcome for name, outcome in found.items()} == {"0": OK, "1": OK, "2": "unexpected", "3": OK}
    assert found["2"].detail == "ZeroDivisionError: the decoder broke"


@pytest.mark.parametrize(
    "path, outcome, status",
    [
        ("/ok/1", OK, 200),
        ("/many/9", OK, 200),
        ("/many/30", "redirect_loop", 301),
        ("/status/404", "not_found", 404),
        *((f"/status/{code}", "client_error", code) for code in (400, 401, 403, 410, 429)),
        *((f"/status/{code}", "server_error", code) for code in (500, 502, 503, 504)),
        *((f"/status/{code}", "redirect", code) for code in (301, 302, 307)),
        ("/loop/", "redirect_loop", 302),
        ("/to/?url=file:///etc/passwd", "redirect", 302),
        ("/to/?url=http://[/", "redirect", 302),
        ("/to/?url=http://gone.gone.drawn-faces.test/", "dns", None),
        ("/to/?url=http://127.0.0.1/", "blocked_address", None),
        ("/to/?url=http://[::1]/", "blocked_address", None),
        ("/to/?url=http://[::ffff:127.0.0.1]/", "blocked_address", None),
        ("/to/?url=http://169.254.169.254/latest", "blocked_address", None),
        ("/none/reset", "reset", None),
        ("/none/close", "reset", None),
        ("/none/silent", "timeout", None),
        ("/part/silent", "stalled", 200),
        ("/drip/", "stalled", 200),
        ("/part/close", "truncated", None),
        ("/part/reset", ("reset", "truncated"), None),
        ("/body/html", "not_an_image", 200),
        ("/body/empty", "not_an_image", 200),
        ("/body/half", "corrupt_image", 200),
        ("/body/big", "too_large", 200),
    ],
)
def test_outcomes_over_http(
    fetch: Fetch, site: Web, path: str, outcome: str | tuple[str, ...], status: int | None
) -> None:
    got = fetch(site.settings(), site.url(path))
    assert got.outcome in ((outcome,) if isinstance(outcome, str) else outcome), got
    assert got.outcome in OUTCOMES
    if status is not None:
        assert got.http_status == status
    if got.outcome == OK:
        assert (got.bytes, got.format, got.width, got.height) == (len(site.image), "JPEG", 64, 64)
        assert got.final_url.startswith(site.url("/ok/"))
    else:
        assert got.detail


@pytest.mark.parametrize(
    "form, outcome",
    [
        ("http://web.{domain}:{closed}/", "refused"),
        ("https://web.{domain}:{tls}/ok/1", "certificate"),
        ("https://web.{domain}:{port}/ok/1", "tls"),
        ("http://web.{domain}:{raw}/", "bad_response"),
        ("http://x.gone.{domain}:{port}/", "dns"),
        ("http://elsewhere.invalid/", "dns"),
        ("http://127.0.0.1:{port}/ok/1", "blocked_address"),
        ("http://10.0.0.1/", "blocked_address"),
        ("http://[fe80::1]/", "blocked_address"),
        ("", "bad_url"),
        ("http://", "bad_url"),
        ("http:///path", "bad_url"),
        ("ftp://web.{domain}/1.jpg", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("http://web.{domain}:99999/", "bad_url"),
        ("http://web.{domain}:port/", "bad_url"),
        ("http://[::1/", "bad_url"),
        ("http://.../", ("bad_url", "dns")),
        ("http://" + "x" * 300 + ".{domain}/", ("bad_url", "dns")),
        ("http://\ud800.{domain}/", ("bad_url", "dns")),
    ],
)
def test_outcomes_elsewhere(fetch: Fetch, site: Web, form: str, outcome: str | tuple[str, ...]) -> None:
    ports = {"closed": site.closed_port, "tls": site.tls_port, "raw": site.raw_port, "port": site.port}
    got = fetch(site.settings(), form.format(domain=DOMAIN, **ports))
    assert got.outcome in ((outcome,) if isinstance(outcome, str) else outcome), got
    assert not site.hits


def test_names_at_private_addresses_are_blocked_unless_allowed(fetch: Fetch, site: Web) -> None:
    assert fetch(site.settings(allow_private_hosts=()), site.url("/ok/1")).outcome == "blocked_address"
    system = site.settings(allow_private_hosts=(), nameservers=())
    assert fetch(system, site.url("/ok/1", "localhost")).outcome == "blocked_address"
    allowed = site.settings(allow_private_hosts=("localhost", "127.0.0.1"), nameservers=())
    assert fetch(allowed, site.url("/ok/1", "localhost")).outcome == OK
    assert fetch(allowed, site.url("/ok/1", "127.0.0.1")).outcome == OK
    assert fetch(site.settings(allow_private_hosts=("drawn-faces.test",)), site.url("/ok/1")).outcome != OK


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "224.0.0.1"])
def test_public_addresses(address: str) -> None:
    assert not is_public(address)
    assert not is_public(f"::ffff:{address}")
    assert is_public("8.8.8.8") and is_public("2606:4700::1111")
    assert not any(map(is_public, ("64:ff9b::7f00:1", "64:ff9b:1::1", "::7f00:1", "::ffff:0:7f00:1", "fec0::1")))
    assert not is_public("::1") and not is_public("fd00::1") and not is_public("fe80::1%eth0")


@pytest.mark.parametrize("path", ["/ok/a,b.jpg", "/ok/%C3%BC.jpg", "/ok/a%2Fb.jpg", "/ok/it's.jpg", "/ok/a+b%20c.jpg"])
def test_the_path_is_asked_for_as_written(fetch: Fetch, site: Web, path: str) -> None:
    assert fetch(site.settings(), site.url(path)).outcome == OK
    assert site.hits == {path: 1}


def test_who_asks_is_named(fetch: Fetch, site: Web) -> None:
    fetch(site.settings(), site.url("/ok/1"))
    assert any("affectflow/" in agent and "who@example.test" in agent for agent in site.agents)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)


def after(site: Web, path: str, times: int, status: int, **headers: str) -> None:
    """Let ``path`` fail a few times before its image comes."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if site.hits[path] <= times:
            return web.Response(status=status, headers=headers)
        return await site._ok(request)

    site.answers[path] = answer


@pytest.mark.usefixtures("no_pause")
def test_retries(fetch: Fetch, site: Web) -> None:
    after(site, "/busy", 2, 503)
    got = fetch(site.settings(retries=2), site.url("/busy"))
    assert (got.outcome, got.attempts, site.hits["/busy"]) == (OK, 3, 3)
    after(site, "/busier", 3, 503)
    got = fetch(site.settings(retries=2), site.url("/busier"))
    assert (got.outcome, got.attempts, site.hits["/busier"]) == ("server_error", 3, 3)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "path, hits",
    [
        ("/none/silent", 3),
        ("/part/close", 3),
        ("/status/404", 1),
        ("/body/html", 1),
        ("/none/reset", 3),
    ],
)
def test_only_what_may_pass_is_tried_again(fetch: Fetch, site: Web, path: str, hits: int) -> None:
    assert fetch(site.settings(retries=2), site.url(path)).attempts == hits
    # A connection kept from before that dies before an answer is replaced without counting, as HTTP recommends.
    assert hits <= site.hits[path] <= (hits + 2 if path == "/none/reset" else hits)


@pytest.mark.usefixtures("no_pause")
def test_retry_after_is_respected(fetch: Fetch, site: Web) -> None:
    after(site, "/limited", 1, 429, **{"Retry-After": "0.6"})
    started = time.monotonic()
    assert fetch(site.settings(retries=1), site.url("/limited")).outcome == OK
    assert time.monotonic() - started >= 0.6
    for number, date in enumerate(("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 9999999999999999999:28:00 GMT")):
        after(site, f"/dated/{number}", 1, 429, **{"Retry-After": date})
        assert fetch(site.settings(retries=1), site.url(f"/dated/{number}")).outcome == OK


def test_a_head_that_drips_is_a_timeout(fetch: Fetch, site: Web) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(20):
            await asyncio.sleep(TIMEOUT_S / 4)
            request.transport.write(b"X-Header-%d: 1\r\n" % i)
        request.transport.close()
        return web.Response()

    site.answers["/drips"] = answer
    assert fetch(site.settings(), site.url("/drips")).outcome == "timeout"


def test_a_chunked_body_without_its_end_is_truncated(fetch: Fetch, site: Web) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        request.transport.write(head + b"%x\r\n%b\r\n" % (len(site.image), site.image))
        await asyncio.sleep(0.05)
        request.transport.close()
        return web.Response()

    site.answers["/chunked"] = answer
    assert fetch(site.settings(), site.url("/chunked")).outcome == "truncated"


def test_x_robots_tag(fetch: Fetch, site: Web) -> None:
    for number, (tag, outcome) in enumerate(
        [
            ("noai", "robots_opt_out"),
            ("nofollow, NoImageAI", "robots_opt_out"),
            ("affectflow: noai", "robots_opt_out"),
            ("otherbot: noai", OK),
            ("noindex", OK),
        ]
    ):

        async def answer(_: web.BaseRequest, tag: str = tag) -> web.StreamResponse:
            return web.Response(body=site.image, headers={"X-Robots-Tag": tag})

        site.answers[f"/tagged/{number}"] = answer
        assert fetch(site.settings(), site.url(f"/tagged/{number}")).outcome == outcome
        assert fetch(site.settings(robots_tag=False), site.url(f"/tagged/{number}")).outcome == OK


def test_a_bad_certificate_may_be_overlooked(fetch: Fetch, site: Web) -> None:
    url = f"https://web.{DOMAIN}:{site.tls_port}/ok/1"
    assert fetch(site.settings(), url).outcome == "certificate"
    got = fetch(site.settings(tls_fallback=True), url)
    assert got.outcome == OK and "not verified" in got.detail


def test_large_bodies_wait_for_memory(site: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affectflow.download.transfers._HELD", 1000)
    monkeypatch.setattr("affectflow.download.transfers._PASSES", 1)
    rows = [Row(site.url(f"/ok/{i}"), "", names.file_name(str(i)), i) for i in range(30)]
    found: list[str] = []
    with Store(tmp_path, 10**6, decode=True) as store:
        engine = Engine(site.settings(timeout_s=2), store, lambda _, outcome: found.append(outcome.outcome))
        asyncio.run(engine.run(iter(rows)))
    assert found == [OK] * 30


def test_fallback(fetch: Fetch, site: Web) -> None:
    got = fetch(site.settings(), site.url("/status/404"), site.url("/ok/2"))
    assert got.outcome == OK
    assert got.final_url == site.url("/ok/2") and got.attempts == 2
    got = fetch(site.settings(), site.url("/status/404"), site.url("/status/500"))
    assert (got.outcome, got.http_status) == ("not_found", 404)
    fetch(site.settings(), site.url("/ok/3"), site.url("/ok/unused"))
    assert "/ok/unused" not in site.hits


class Download:
    """The download of a few URLs, run as often as a test likes."""

    def __init__(self, folder: Path, site: Web, save_csv: Callable[..., Path]) -> None:
        self.folder = folder
        self.site = site
        self.names = folder / "filenames.csv"
        self.images = folder / "images"
        self._save = save_csv

    def run(self, urls: Sequence[str], partitions: int = 3, code: str = "", **changes: object) -> Counter[str]:
        """Fetch and collect; returns the requests that arrived."""
        self._save(self.names, ["url", "url_orig", "file_name"], [(url, "", names.file_name(url)) for url in urls])
        self.site.hits.clear()
        settings = self.site.settings(**changes)
        parts = [self.folder / f"parts-{partitions}/{i}.parquet" for i in range(partitions)]
        for i, part in enumerate(parts):
            spec = PartitionSpec(self.names, i, partitions, self.images, self.folder / "journal")
            policy = RetryPolicy(cache_key_of(settings, code), outcomes=frozenset(settings.retry_outcomes))
            fetch_partition(spec, settings, policy, lambda counts: None)
            write_part(part, outcomes(spec))
        self.outcomes = collect_ledger(parts, self.names, *(self.folder / n for n in ("ledger", "errors", "summary")))
        return Counter(self.site.hits)

    def ledger(self) -> list[dict[str, object]]:
        """The ledger without the times of its tries."""
        rows: list[dict[str, object]] = read_parquet(self.folder / "ledger", LEDGER_SCHEMA).to_pylist()
        return [{name: value for name, value in row.items() if not name.endswith("_try")} for row in rows]

    def image(self, url: str) -> Path:
        return stored(self.images, names.file_name(url))


@pytest.fixture
def download(tmp_path: Path, site: Web, save_csv: Callable[..., Path]) -> Download:
    return Download(tmp_path, site, save_csv)


@pytest.fixture
def urls(site: Web) -> list[str]:
    bad = [site.url(path) for path in ("/status/404", "/status/500", "/body/half")]
    return [site.url(f"/ok/{i},'x.jpg") for i in range(12)] + [*bad, "not a url"]


def test_a_row_for_every_url_in_order(
    download: Download, urls: list[str], rows_of: Callable[[Path], list[dict[str, str]]]
) -> None:
    assert download.run(urls).total() == 15
    ledger = download.ledger()
    assert [row["url"] for row in ledger] == urls
    assert [row["outcome"] for row in ledger] == [OK] * 12 + ["not_found", "server_error", "corrupt_image", "bad_url"]
    assert all(download.image(url).read_bytes() == download.site.image for url in urls[:12])
    assert [row["url"] for row in rows_of(download.folder / "errors")] == urls[12:]
    kept = [path.name for path in download.images.rglob("*") if path.is_file()]
    assert sorted(kept) == sorted(map(names.file_name, urls[:12]))


def test_summary_has_the_reports_classes(
    download: Download, urls: list[str], rows_of: Callable[[Path], list[dict[str, str]]]
) -> None:
    download.run(urls)
    rows = {row["class"]: row for row in rows_of(download.folder / "summary")}
    then = [1726, 205, 102, 20, 500, 109, 17, 16, 10, 14, 41]
    assert [count for _, count in REPORT_CLASSES] == then and sum(then) == 2760
    assert [row["report_2017"] for row in rows.values() if row["report_2017"]] == list(map(str, then))
    assert {name: int(row["urls"]) for name, row in rows.items() if row["urls"] != "0"} == {
        "downloaded": 12,
        "404": 1,
        "500/502/503/504": 1,
        "other": 2,
    }
    assert sum(int(row["urls"]) for row in rows.values()) == len(urls)


def test_a_second_run_fetches_nothing(download: Download, urls: list[str]) -> None:
    download.run(urls)
    before = [(download.folder / name).read_bytes() for name in ("ledger", "errors", "summary")]
    assert not download.run(urls)
    assert [(download.folder / name).read_bytes() for name in ("ledger", "errors", "summary")] == before


def test_only_a_new_url_is_fetched_and_other_partitions_stay(download: Download, urls: list[str], site: Web) -> None:
    download.run(urls)
    parts = sorted((download.folder / "parts-3").iterdir())
    before = [path.read_bytes() for path in parts]
    assert download.run([site.url("/ok/new"), *urls]) == {"/ok/new": 1}
    assert sum(path.read_bytes() != old for path, old in zip(parts, before, strict=True)) == 1


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"cut")])
def test_a_missing_or_cut_image_is_fetched_again(
    download: Download, urls: list[str], harm: Callable[[Path], object]
) -> None:
    download.run(urls)
    harm(download.image(urls[4]))
    assert download.run(urls) == {"/ok/4,'x.jpg": 1}
    assert download.image(urls[4]).read_bytes() == download.site.image


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_last_line_costs_one_url(download: Download, urls: list[str], cut: int) -> None:
    download.run(urls, partitions=1)
    undisturbed = download.ledger()
    (journal,) = (download.folder / "journal").iterdir()
    content = journal.read_bytes()
    journal.write_bytes(content[:-cut])
    assert download.run(urls, partitions=1).total() <= 1
    assert download.ledger() == undisturbed
    assert not download.run(urls, partitions=1)


def test_rubbish_in_the_journal_is_survived(download: Download, urls: list[str]) -> None:
    download.run(urls, partitions=1)
    (journal,) = (download.folder / "journal").iterdir()
    line = journal.read_bytes().splitlines()[0]
    rubbish = b"\xff\xfe\n[]\n1\n\n" + bytes(4096) + b"\n" + line[:60] + b"\n" + line.replace(b"ok", b"no") + b"\n{"
    journal.write_bytes(rubbish + b"\n" + journal.read_bytes() + rubbish)
    assert not download.run(urls, partitions=1)


def test_another_number_of_partitions_fetches_nothing(download: Download, urls: list[str]) -> None:
    download.run(urls, partitions=3)
    before = download.ledger()
    for partitions in (5, 1, 3):
        assert not download.run(urls, partitions=partitions)
        assert download.ledger() == before


def test_what_failed_is_tried_again_under_other_settings_alone(download: Download, urls: list[str]) -> None:
    download.run(urls)
    assert sorted(download.run(urls, timeout_s=TIMEOUT_S + 0.1)) == ["/body/half", "/status/404", "/status/500"]
    assert not download.run(urls, timeout_s=TIMEOUT_S + 0.1)


def test_going_back_to_an_earlier_number_of_partitions_keeps_later_successes(
    download: Download, urls: list[str], site: Web
) -> None:
    late = site.url("/late")
    after(site, "/late", 1, 404)
    download.run([*urls, late], partitions=2)
    site.answers["/late"] = site._ok
    download.run([*urls, late], partitions=3, retries=1)
    assert download.outcomes[OK] == 13
    assert not download.run([*urls, late], partitions=2, retries=1)


def test_partial_files_are_never_visible(download: Download, site: Web) -> None:
    url = site.url("/watched")
    seen: list[list[str]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(site.image))})
        await response.prepare(request)
        await response.write(site.image[:1000])
        await asyncio.sleep(0.1)
        seen.append([p.name for p in download.images.rglob("*") if p.is_file()])
        await response.write(site.image[1000:])
        return response

    site.answers["/watched"] = answer
    download.run([url])
    assert seen == [[]] and download.image(url).read_bytes() == site.image


def test_a_full_disk_is_one_sentence(download: Download, urls: list[str]) -> None:
    target = download.image(urls[0])
    target.parent.parent.mkdir(parents=True)
    target.parent.write_text("a file where a folder should be")
    with pytest.raises(UserError, match=target.parent.name):
        download.run(urls)


def test_no_image_at_all_is_an_error(download: Download, site: Web) -> None:
    with pytest.raises(UserError, match="None of the 2 URLs"):
        download.run([site.url("/status/404"), "x"])
    assert len((download.folder / "errors").read_text().splitlines()) == 3  # why, one by one


def test_a_url_without_an_outcome_is_an_error(
    download: Download, urls: list[str], save_csv: Callable[..., Path]
) -> None:
    download.run(urls)
    save_csv(download.names, ["url", "url_orig", "file_name"], [("http://new/", "", "new")])
    with pytest.raises(UserError, match="http://new/"):
        collect_ledger([download.folder / "parts-3/0.parquet"], download.names, *[download.folder / "x"] * 3)


def test_a_fault_of_this_machine_is_not_the_hosts(site: Web) -> None:
    async def go() -> None:
        async with Client(site.settings(allow_private_hosts=("127.0.0.1",))) as client:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            free = os.dup(0)
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
            try:
                await client.attempt(Address.parse(site.url("/ok/1", "127.0.0.1")))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    with pytest.raises((OSError, UserError)):
        asyncio.run(go())


def test_a_compressed_bomb_is_too_large(fetch: Fetch, site: Web) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=gzip.compress(bytes(9_000_000)), headers={"Content-Encoding": "gzip"})

    site.answers["/bomb"] = answer
    assert fetch(site.settings(max_bytes=1_000_000), site.url("/bomb")).outcome == "too_large"


def test_no_more_connections_to_a_host_than_allowed(download: Download, site: Web) -> None:
    paths = [f"/slow/{i}" for i in range(8)]
    site.count_at_once(paths, 0.03)
    download.run([site.url(path) for path in paths], partitions=1, per_host=3, timeout_s=5)
    assert site.at_once == 3


def test_every_status_has_an_outcome(fetch: Fetch, site: Web) -> None:
    for status in http.HTTPStatus:
        if status >= 400:
            got = fetch(site.settings(), site.url(f"/status/{status.value}"))
            expected = "not_found" if status == 404 else "client_error" if status < 500 else "server_error"
            assert (got.outcome, got.http_status) == (expected, status.value)
