"""A lost network is not a dead host, and a dead host does not hold up the living."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from affectflow.core.errors import UserError
from affectflow.demo.web_plan import DOMAIN
from affectflow.download.engine import Engine
from affectflow.download.lists import Row
from affectflow.download.network import domain
from affectflow.download.outcomes import OK, Outcome
from affectflow.download.settings import Settings
from affectflow.download.store import Store
from affectflow.media import file_names as names
from tests.loopback import Web

Run = Callable[[Settings, Sequence[str]], dict[str, Outcome]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Outcomes by URL; each URL is reported once."""

    def go(settings: Settings, urls: Sequence[str]) -> dict[str, Outcome]:
        found: list[tuple[str, Outcome]] = []
        rows = [Row(url, "", names.file_name(url), names.key(names.url_digest(url))) for url in urls]
        with Store(tmp_path / "images", settings.max_pixels, settings.decode) as store:
            engine = Engine(settings, store, lambda row, outcome: found.append((row.url, outcome)))
            asyncio.run(engine.run(iter(rows)))
        assert Counter(url for url, _ in found) == Counter(urls)
        return dict(found)

    return go


def slow(site: Web, seconds: float) -> Callable[[web.BaseRequest], object]:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response(body=site.image)

    return answer


def seldom(site: Web, count: int) -> list[str]:
    """Slow URLs, each at a host of its own, so that each takes a look-up and a connection."""
    paths = [f"/ok/{i}" for i in range(count)]
    site.answers.update(dict.fromkeys(paths, slow(site, 0.02)))  # type: ignore[arg-type]
    return [site.url(path, f"host{i}.{DOMAIN}") for i, path in enumerate(paths)]


@pytest.mark.parametrize("retries", [0, 1])
def test_no_url_is_written_off_while_names_cannot_be_looked_up(
    site: Web, run: Run, retries: int, caplog: pytest.LogCaptureFixture
) -> None:
    urls = seldom(site, 120)
    dead = [site.url("/", f"host{i}.gone.{DOMAIN}") for i in range(5)]
    urls[60:60] = dead

    def lose() -> None:
        while site.hits.total() < 20:
            time.sleep(0.01)
        site.names_lost = True
        time.sleep(3)
        site.names_lost = False

    thread = threading.Thread(target=lose)
    thread.start()
    outcomes = run(site.settings(concurrency=4, retries=retries), urls)
    thread.join()
    assert {url for url, outcome in outcomes.items() if outcome.outcome != OK} == set(dead)
    assert all(outcomes[url].outcome == "dns" for url in dead)
    assert "name look-ups: nothing responds" in caplog.text


def test_no_url_is_written_off_because_the_process_stood_still(site: Web, tmp_path: Path) -> None:
    """As after Ctrl-Z and fg, or on a machine too busy to run it: all that was under way runs out of time at once."""
    paths = [f"/ok/{i}" for i in range(8)]
    over = threading.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        while not over.is_set():
            await asyncio.sleep(0.01)
        return await site._ok(request)

    site.answers.update(dict.fromkeys(paths, answer))

    def rows() -> Iterator[Row | None]:
        for path in paths:
            url = site.url(path)
            yield Row(url, "", names.file_name(url), names.key(names.url_digest(url)))
        while site.hits.total() < len(paths):
            yield None
        time.sleep(1)  # in the loop of the engine
        over.set()

    found: dict[str, Outcome] = {}
    settings = site.settings()
    with Store(tmp_path / "images", settings.max_pixels, settings.decode) as store:
        asyncio.run(Engine(settings, store, lambda row, outcome: found.update({row.url: outcome})).run(rows()))
    assert Counter(outcome.outcome for outcome in found.values()) == {OK: len(paths)}


def test_without_patience_a_lost_network_is_the_hosts_fault(site: Web, run: Run) -> None:
    urls = seldom(site, 8)
    site.names_lost = True
    outcomes = run(site.settings(outage_patience_s=0), urls)
    assert {outcome.outcome for outcome in outcomes.values()} == {"dns"}


def test_patience_ends_with_a_sentence(site: Web, run: Run) -> None:
    urls = [f"http://host.example{i}.test:{site.port}/" for i in range(8)]
    site.names_lost = True
    with pytest.raises(BaseExceptionGroup) as caught:
        run(site.settings(outage_patience_s=2), urls)
    (error,) = caught.value.exceptions
    assert isinstance(error, UserError) and "run again when it is back" in str(error)


def test_a_few_dead_hosts_are_no_outage(site: Web, run: Run) -> None:
    started = time.monotonic()
    outcomes = run(site.settings(), [site.url("/", f"host{i}.gone.{DOMAIN}") for i in range(4)])
    assert {outcome.outcome for outcome in outcomes.values()} == {"dns"}
    assert time.monotonic() - started < 10


def test_silent_hosts_do_not_hold_up_the_living(site: Web, run: Run) -> None:
    living = [site.url(f"/ok/{i}") for i in range(100)]
    silent = [site.url(f"/none/silent/{i}", f"silent{i}.{DOMAIN}") for i in range(40)]
    started = time.monotonic()
    outcomes = run(site.settings(concurrency=4, timeout_s=2), [*silent, *living])
    assert time.monotonic() - started < 10  # four at a time they would take 20 s
    assert Counter(outcome.outcome for outcome in outcomes.values()) == {OK: 100, "timeout": 40}


def test_a_dead_host_is_given_up(site: Web, run: Run) -> None:
    paths = [f"/none/silent/{i}" for i in range(200)]
    living = [site.url(f"/ok/{i}", f"alive.{DOMAIN}") for i in range(50)]
    outcomes = run(site.settings(per_host=4), [*(site.url(path) for path in paths), *living])
    assert Counter(outcome.outcome for outcome in outcomes.values()) == {OK: 50, "timeout": 200}
    assert sum(hits for path, hits in site.hits.items() if "silent" in path) < 20
    assert any("given up" in outcome.detail for outcome in outcomes.values())


def test_a_host_that_recovers_is_not_given_up(site: Web, run: Run) -> None:
    paths = [f"/none/silent/{i}" for i in range(40)]

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if sum(site.hits.values()) <= 10:
            return await site._none(request)
        return await site._ok(request)

    site.answers.update(dict.fromkeys(paths, answer))
    outcomes = run(site.settings(per_host=4, retries=3), [site.url(path) for path in paths])
    assert {outcome.outcome for outcome in outcomes.values()} == {OK}


def test_the_rate_at_a_host_is_kept(site: Web, run: Run) -> None:
    started = time.monotonic()
    run(site.settings(rate_per_host=20), [site.url(f"/ok/{i}") for i in range(21)])
    assert time.monotonic() - started >= 1


def test_domains() -> None:
    assert domain("farm3.staticflickr.com") == domain("FARM4.staticflickr.com") == "staticflickr.com"
    assert domain("10.1.2.3") == "10.1.2.3" and domain("10.9.2.3") != domain("10.1.2.3")


def test_a_site_whose_front_page_is_broken_is_no_lost_network(site: Web, run: Run) -> None:
    async def broken(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=503)

    site.answers["/"] = broken
    outcomes = run(site.settings(), [site.url("/ok/1"), site.url("/none/silent", f"dead.{DOMAIN}")])
    assert Counter(outcome.outcome for outcome in outcomes.values()) == {OK: 1, "timeout": 1}


def test_redirects_keep_to_the_limits_of_where_they_lead(site: Web, run: Run) -> None:
    paths = [f"/slow/{i}" for i in range(12)]
    site.count_at_once(paths, 0.05)
    target = site.url("", f"target.{DOMAIN}")
    urls = [site.url(f"/to/{i}?url={target}{path}", f"host{i}.{DOMAIN}") for i, path in enumerate(paths)]
    outcomes = run(site.settings(per_host=2, timeout_s=5, concurrency=12), urls)
    assert {outcome.outcome for outcome in outcomes.values()} == {OK}
    assert site.at_once == 2
