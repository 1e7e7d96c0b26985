"""``affectflow download``, as a user types it."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from affectflow.cli import main
from affectflow.demo.web_plan import DOMAIN
from tests.loopback import Web

Run = Callable[..., Counter[str]]


@pytest.fixture
def urls(site: Web) -> list[str]:
    bad = ["/status/404", "/none/silent", "/body/html"]
    return [*(site.url(f"/ok/{i}") for i in range(12)), *map(site.url, bad), "=cmd|'/c calc'!A1", "\x1b[31mred"]


@pytest.fixture
def run(tmp_path: Path, site: Web, urls: list[str]) -> Run:
    """Run the command on the list; returns the requests that arrived."""
    (tmp_path / "urls.txt").write_text("\n".join(urls) + "\n")
    settings = {
        "timeout_s": 0.4,
        "retries": 0,
        "rate_per_host": 0,
        "nameservers": f"[127.0.0.1:{site.name_port}]",
        "allow_private_hosts": f"['*.{DOMAIN}']",
    }

    def go(*options: str, urls: bool = True, **changes: object) -> Counter[str]:
        site.hits.clear()
        pairs = [word for key, value in {**settings, **changes}.items() for word in ("--set", f"{key}={value}")]
        listed = [str(tmp_path / "urls.txt")] if urls else []
        main(["download", *listed, str(tmp_path / "out"), *pairs, *options])
        return Counter(site.hits)

    return go


def serve(image: bytes) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=image)

    return answer


def redirect(target: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    return answer


def ledger(tmp_path: Path) -> dict[str, str]:
    table = pq.read_table(tmp_path / "out" / "ledger.parquet").to_pylist()
    return {row["url"]: row["outcome"] for row in table}


def test_a_list_becomes_a_folder(run: Run, tmp_path: Path, urls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run().total() == 15
    outcomes = ["ok"] * 12 + ["not_found", "timeout", "not_an_image", "bad_url", "bad_url"]
    assert list(ledger(tmp_path).items()) == list(zip(urls, outcomes, strict=True))
    assert len([path for path in (tmp_path / "out" / "images").rglob("*") if path.is_file()]) == 12
    said = capsys.readouterr().out
    assert "ok" in said and "5 failures" in said and "\x1b" not in said
    with (tmp_path / "out" / "errors.csv").open(newline="") as stream:
        errors = list(csv.DictReader(stream))
    assert [row["url"] for row in errors[-2:]] == ["'=cmd|'/c calc'!A1", "\\x1b[31mred"]
    assert not run()


def test_two_processes_do_the_same(run: Run, tmp_path: Path, urls: list[str]) -> None:
    assert run("--processes", "2").total() == 15
    assert list(ledger(tmp_path)) == urls and Counter(ledger(tmp_path).values())["ok"] == 12
    assert not run("--processes", "1")


def test_failures_are_tried_again_when_asked(run: Run, tmp_path: Path, site: Web) -> None:
    run()
    assert run("--retry", "timeout,dns") == {"/none/silent": 1}
    assert not run("--retry-older-than", "1h")
    assert sorted(run("--retry", "all")) == ["/body/html", "/none/silent", "/status/404"]
    site.answers["/none/silent"] = site._ok
    assert sorted(run("--retry-older-than", "0s")) == ["/body/html", "/none/silent", "/status/404"]
    assert ledger(tmp_path)[site.url("/none/silent")] == "ok"
    assert run("--resume", "no").total() == 15


def test_an_archive_is_asked_afterwards(run: Run, tmp_path: Path, site: Web, urls: list[str]) -> None:
    gone = site.url("/status/404")
    listed = f'[["timestamp", "original", "digest"], ["20160601000000", "{gone}", "X"]]'

    async def index(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=listed if request.query["url"] == gone else "[]")

    site.answers["/cdx/search/cdx"] = index
    site.answers[f"/web/20160601000000id_/{gone}"] = serve(site.image)
    run()
    how = {"archive.server": site.url(""), "archive.date": "2016-05-31", "archive.searches_per_minute": 6000}
    assert run("--retry", "all", **how)["/cdx/search/cdx"] == 3  # of three failures; two rows are not URLs
    assert Counter(ledger(tmp_path).values()) == {
        "ok": 12,
        "archived": 1,
        "timeout": 1,
        "not_an_image": 1,
        "bad_url": 2,
    }
    assert not run(**how)


def test_images_need_not_be_decoded(run: Run, tmp_path: Path, site: Web) -> None:
    run(decode="false")
    row = pq.read_table(tmp_path / "out" / "ledger.parquet").to_pylist()[0]
    assert (row["format"], row["width"], row["bytes"]) == ("JPEG", None, len(site.image))
    assert len(row["sha256"]) == 64


def test_a_snapshot_is_reproduced_or_the_difference_is_told(
    run: Run,
    tmp_path: Path,
    site: Web,
    jpeg: Callable[..., bytes],
    rows_of: Callable[[Path], list[dict[str, str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.answers["/ok/1"] = serve(jpeg(7, 64))
    run()
    taken = tmp_path / "taken"  # by its content it is told what it is
    main(["snapshot", str(tmp_path / "out" / "ledger.parquet"), "--out", str(taken)])
    identity = capsys.readouterr().out.splitlines()[-1].split()[1].rstrip(":")
    (tmp_path / "out").rename(tmp_path / "first")

    assert run("--snapshot", str(taken), urls=False).total() == 12
    assert capsys.readouterr().out.splitlines()[-1] == f"snapshot {identity}: 2 of 2 images are there"
    again = tmp_path / "again"
    main(["snapshot", str(tmp_path / "out" / "ledger.parquet"), "--out", str(again)])
    assert again.read_bytes() == taken.read_bytes()
    assert not run("--snapshot", str(taken), urls=False)

    (tmp_path / "out").rename(tmp_path / "second")
    site.answers["/ok/1"] = serve(jpeg(8, 64))
    site.answers["/ok/2"] = site._status_404
    with pytest.raises(SystemExit) as caught:
        run("--snapshot", str(taken), urls=False)
    assert caught.value.code == 1
    assert "1 images are lost" in capsys.readouterr().err
    rows = {row["url"]: row for row in rows_of(tmp_path / "out" / "snapshot_difference.csv")}
    assert {url: (row["outcome"], row["image"]) for url, row in rows.items()} == {
        site.url("/ok/1"): ("changed", "lost"),
        site.url("/ok/2"): ("not_found", "came by another URL"),
    }
    assert ledger(tmp_path)[site.url("/ok/1")] == "changed"
    stored = [path.read_bytes() for path in (tmp_path / "out" / "images").rglob("*") if path.is_file()]
    assert stored == [site.image] * 10


def test_options_may_stand_anywhere(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["download", str(tmp_path / "nowhere"), "--processes", "1", str(tmp_path / "out")])
    assert caught.value.code == 1  # and not argparse's 2
    with pytest.raises(SystemExit) as caught:
        main(["download", "--snapshot", str(tmp_path / "nowhere"), "--processes", "1", str(tmp_path / "out")])
    assert caught.value.code == 1


def test_a_wanted_image_is_no_placeholder(run: Run, tmp_path: Path, site: Web) -> None:
    (tmp_path / "urls.txt").write_text("".join(f"{site.url(f'/ok/{i}')}\n" for i in range(3)))
    run()
    main(["snapshot", str(tmp_path / "out/ledger.parquet"), "--out", str(tmp_path / "taken")])
    (tmp_path / "out").rename(tmp_path / "first")
    for i in range(3):
        site.answers[f"/ok/{i}"] = redirect(site.url("/ok/canon"))
    run("--snapshot", str(tmp_path / "taken"), urls=False)
    assert set(ledger(tmp_path).values()) == {"ok"}
    (tmp_path / "out").rename(tmp_path / "second")
    with pytest.raises(SystemExit):  # the same without knowing what is wanted
        run()
    assert set(ledger(tmp_path).values()) == {"placeholder"}


def test_an_empty_list_is_one_sentence(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "urls.txt").write_text("\n")
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 1 and "holds no URL" in capsys.readouterr().err


def test_the_difference_is_told_when_nothing_came(
    run: Run, tmp_path: Path, site: Web, rows_of: Callable[[Path], list[dict[str, str]]]
) -> None:
    (tmp_path / "urls.txt").write_text(site.url("/ok/1") + "\n")
    run()
    main(["snapshot", str(tmp_path / "out/ledger.parquet"), "--out", str(tmp_path / "taken")])
    (tmp_path / "out").rename(tmp_path / "first")
    site.answers["/ok/1"] = site._status_404
    with pytest.raises(SystemExit):
        run("--snapshot", str(tmp_path / "taken"), urls=False)
    (row,) = rows_of(tmp_path / "out/snapshot_difference.csv")
    assert (row["outcome"], row["image"]) == ("not_found", "lost")
    site.answers.clear()
    run("--retry", "all")
    assert not (tmp_path / "out/snapshot_difference.csv").exists()


def test_the_wanted_image_is_looked_for_at_the_second_url_too(
    run: Run, tmp_path: Path, site: Web, jpeg: Callable[..., bytes]
) -> None:
    site.answers["/ok/new"] = serve(jpeg(7, 64))
    (tmp_path / "out").mkdir()
    wanted = hashlib.sha256(site.image).hexdigest()
    urls = tmp_path / "urls.txt"
    urls.write_text(f"url,url_orig\n{site.url('/ok/new')},{site.url('/ok/old')}\n")
    assert run() == {"/ok/new": 1}
    urls.write_text(f"url,url_orig,sha256\n{site.url('/ok/new')},{site.url('/ok/old')},{wanted}\n")
    assert run() == {"/ok/new": 1, "/ok/old": 1}
    assert ledger(tmp_path) == {site.url("/ok/new"): "ok"}
    assert not run()
    site.answers["/ok/old"] = site._status_404
    urls.write_text(f"url,url_orig,sha256\n{site.url('/ok/new')},{site.url('/ok/old')},{'0' * 64}\n")
    with pytest.raises(SystemExit):
        run()
    urls.write_text(f"url,url_orig\n{site.url('/ok/new')},{site.url('/ok/old')}\n")
    assert run() == {"/ok/new": 1}
    assert ledger(tmp_path) == {site.url("/ok/new"): "ok"}


@pytest.mark.parametrize(
    "options, named",
    [
        (["--retry", "timeouts"], "timeouts"),
        (["--retry-older-than", "30"], "30d"),
        (["--set", "timeout=3"], "timeout_s"),
        (["--set", "timeout_s"], "key=value"),
        (["--set", "retries=many"], "retries"),
        (["--set", "allow_private_hosts=[300.0.0.0/8]"], "network"),
        (["--configfile", "nowhere.yaml"], "nowhere.yaml"),
        (["--set", "archive.server=https://web.archive.org"], "date"),
        (["--set", "archive.server=web.archive.org", "--set", "archive.date='2016-05-31'"], "archive.server"),
        (["--set", "archive.server=https://x.test", "--set", "archive.date='2016-02-31'"], "archive.date"),
        (["--set", "archive.servers=https://x.test"], "archive.server"),
    ],
)
def test_mistakes_are_one_sentence(
    run: Run, options: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*options)
    assert caught.value.code == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("affectflow: ") and named in said


@pytest.mark.usefixtures("interruptible")
def test_stopping_it_is_no_traceback(run: Run, tmp_path: Path, site: Web, capsys: pytest.CaptureFixture[str]) -> None:
    async def stop(request: web.BaseRequest) -> web.StreamResponse:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0.5)  # or on a busy machine the download would be over before it hears of it
        return await site._ok(request)

    site.answers["/ok/5"] = stop
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 130
    assert "stopped" in capsys.readouterr().err and not (tmp_path / "out" / "ledger.parquet").exists()
    site.answers.clear()
    run()
    assert Counter(ledger(tmp_path).values())["ok"] == 12


def test_a_list_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["download", str(tmp_path / "none.csv"), str(tmp_path)])
    assert "none.csv does not exist" in capsys.readouterr().err


def test_images_that_stand_for_removed_ones(run: Run, tmp_path: Path, site: Web, urls: list[str]) -> None:
    gone = [site.url(f"/to/{i}?url=/ok/removed") for i in range(3)]
    moved = [site.url("/to/4?url=/ok/moved")]
    (tmp_path / "urls.txt").write_text("\n".join([*urls, *gone, *moved]))
    run()
    outcomes = ledger(tmp_path)
    assert [outcomes[url] for url in [*gone, *moved]] == ["placeholder"] * 3 + ["ok"]
    assert not run()
