"""The annotation server as other programs meet it: what it keeps, and whom it refuses."""

from __future__ import annotations

import csv
import http.client
import json
import math
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.annotation.consensus import MergeOptions
from affectflow.annotation.merge import Outputs, merge_traces
from affectflow.annotation.rating_log import Rating, RatingLog
from affectflow.annotation.server.media import Image
from affectflow.annotation.server.session import Sessions
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import write_csv
from tests.annotation.server.conftest import Desk
from tests.conftest import ROOT

JSON = {"Content-Type": "application/json"}


def ask(
    address: str, path: str, facts: object = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, body (of JSON its content) and headers of an answer."""
    place = urlsplit(address)
    if place.query:  # the token, as a browser sends it once it has opened the printed address
        token = place.query.removeprefix("token=")
        headers = {"Cookie": f"affectflow-token-{place.port}={token}", **(headers or {})}
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    if facts is None:
        connection.request("GET", path, headers=headers or {})
    else:
        connection.request("POST", path, json.dumps(facts), headers={**JSON, **(headers or {})})
    answer = connection.getresponse()
    body = answer.read()
    kind = answer.getheader("Content-Type", "")
    return answer.status, json.loads(body) if "json" in kind else body, dict(answer.getheaders())


def rating(frame: int, valence: float | None = 0.5, arousal: float | None = -0.5, **more: object) -> dict[str, object]:
    return {"annotator": "anna", "annotation_video": 1, "frame": frame, "valence": valence, "arousal": arousal, **more}


def ratings_shown(address: str) -> dict[int, dict[str, object]]:
    """What the page shows of each frame that anna has rated."""
    images = ask(address, "/api/state?annotator=anna")[1]["images"]
    return {one["frame"]: one["rating"] for one in images if "rating" in one}


def test_ratings_survive_a_kill(desk: Desk) -> None:
    address = desk.start()
    assert ask(address, "/api/rate", rating(1, note="<b>so</b>"))[0] == 200
    assert ask(address, "/api/rate", rating(2, None, None, skip_reason="not_a_face"))[0] == 200
    assert ask(address, "/api/rate", rating(1, 1, 0.25))[0] == 200
    desk.kill()
    with desk.log("anna").open("a") as stream:
        stream.write('{"kind": "rate", "annotation_video": 1, "fra')  # what a lost power supply leaves
    assert [row["valence"] for row in desk.merged()][:3] == ["1.000000", "", ""]
    rated = ratings_shown(desk.start())
    assert rated[1] == {"valence": 1, "arousal": 0.25, "skip_reason": "", "note": ""}
    assert rated[2]["skip_reason"] == "not_a_face" and len(rated) == 2
    for frame in (1, 2, 1, None):
        undone = ask(desk.address, "/api/undo", {"annotator": "anna"})[1]["undone"]
        assert undone is None if frame is None else (undone["annotation_video"], undone["frame"]) == (1, frame)
    assert ratings_shown(desk.address) == {}


@pytest.mark.parametrize(
    "facts",
    [
        rating(1, 1.5),
        rating(1, None),
        rating(1, None, None),
        rating(1, "0.5"),  # type: ignore[arg-type]
        rating(1, True),
        rating(1, 0.5, 0.5, skip_reason="not_a_face"),
        rating(1, None, None, skip_reason="ugly"),
        rating(1, note="x" * 1001),
        rating(41),
        rating(1) | {"annotation_video": 2},
        rating(1) | {"annotation_video": "1"},
        rating(1) | {"annotator": "../anna"},
        rating(1) | {"annotator": ""},
        rating(1) | {"annotator": ".hidden"},
        [1],
        "text",
    ],
)
def test_invalid_ratings_are_refused(desk: Desk, facts: object) -> None:
    status, answer, _ = ask(desk.start(), "/api/rate", facts)
    assert status == 400 and answer["error"]
    assert not list(desk.folder.rglob("*hidden*")) and not (desk.folder / "anna").exists()
    assert not desk.log("anna").exists()


def test_two_annotators_do_not_meet(desk: Desk) -> None:
    address = desk.start()
    ask(address, "/api/rate", rating(1, 1, 1))
    ask(address, "/api/rate", rating(1, -1, 0) | {"annotator": "Ben B."})
    row = desk.merged()[0]
    assert (row["valence"], row["valence_sd"], row["arousal"]) == ("0.000000", "1.000000", "0.500000")
    assert row["valence_sources"] == "Ben B.;anna"


def test_agreement_is_that_of_the_ratings(desk: Desk) -> None:
    """Of annotators on another server too, and with the images that they are furthest apart on first."""
    with_anna = [(1, 0.5, 0.0), (2, -0.5, 0.25), (3, 0.0, 1.0), (4, 1.0, -1.0)]
    with_ben = [(1, 0.25, 0.0), (2, -0.75, 0.25), (3, -0.25, 0.0), (5, 0.0, 0.0)]
    address = desk.start()
    for frame, valence, arousal in with_anna:
        ask(address, "/api/rate", rating(frame, valence, arousal))
    ask(address, "/api/rate", rating(6, None, None, skip_reason="cannot_say"))
    desk.kill()
    address = desk.start()
    for frame, valence, arousal in with_ben:
        ask(address, "/api/rate", rating(frame, valence, arousal) | {"annotator": "ben"})
    _, found, _ = ask(address, "/api/agreement")
    of_anna, of_ben = found["progress"]
    assert (of_anna["annotator"], of_anna["rated"]) == ("anna", 5)
    assert of_ben["started"] == [{"title": "images of video 1", "done": 4, "total": 40}] and of_ben["seconds"] is None
    pairs = {pair["dimension"]: pair for pair in found["pairs"]}
    assert pairs["valence"]["count"] == 3 and pairs["valence"]["pcc"] == pairs["valence"]["icc"] == 1.0
    variance = np.var([0.5, -0.5, 0.0])
    assert pairs["valence"]["ccc"] == pytest.approx(2 * variance / (2 * variance + 0.25**2), abs=0.001)
    shown = [(one["frame"], one["distance"]) for one in found["images"]]
    assert shown[0] == (3, pytest.approx(math.hypot(0.25, 1.0), abs=0.001)) and {f for f, _ in shown} == {1, 2, 3}
    assert found["images"][0]["points"] == {"anna": [0.0, 1.0], "ben": [-0.25, 0.0]}
    assert ask(address, found["images"][0]["image"])[0] == 200


def test_other_sites_and_other_names_are_refused(desk: Desk) -> None:
    address = desk.start()
    port = urlsplit(address).port
    for headers in (
        {"Origin": "http://evil.test"},
        {"Origin": f"http://localhost:{(port or 0) + 1}"},
        {"Origin": "null"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Host": f"evil.test:{port}"},  # a name that leads here by DNS
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
    ):
        assert ask(address, "/api/rate", rating(1), headers)[0] == 403, headers
    assert ask(address, "/api/state?annotator=anna", headers={"Host": f"evil.test:{port}"})[0] == 403
    assert not desk.log("anna").exists()
    assert ask(address, "/api/rate", rating(1), {"Origin": f"http://127.0.0.1:{port}"})[0] == 200


def test_nothing_but_the_images_can_be_read(desk: Desk) -> None:
    address = desk.start()
    (desk.folder / "secret.txt").write_text("secret")
    image = ask(address, "/api/state?annotator=anna")[1]["images"][0]["image"]
    status, body, headers = ask(address, image)
    assert status == 200 and body[:2] == b"\xff\xd8" and headers["X-Content-Type-Options"] == "nosniff"
    for path in (
        *("/page.css/../../../secret.txt", "/..%2f..%2fsecret.txt", "/../secret.txt", "/secret.txt", "/page.py"),
        *("/image/1/41/", "/image/2/1/", "/image/1/1/", "/image/1/1/" + "0" * 64, "/image/1/..%2f1/00"),
    ):
        status, body, _ = ask(address, path)
        assert status == 404 and b"secret" not in (body if isinstance(body, bytes) else b""), path


@pytest.mark.parametrize("options", [(), ("--host", "0.0.0.0")], ids=["loopback", "all addresses"])
def test_a_token_is_needed(desk: Desk, options: tuple[str, ...]) -> None:
    """On loopback, too, which other accounts of the machine reach; asked for through loopback."""
    told = urlsplit(desk.start(*options))
    address, token = f"http://127.0.0.1:{told.port}/", told.query
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert ask(address, f"/?{token}", headers={**elsewhere, "Sec-Fetch-Dest": "document"})[0] == 200  # a link in a mail
    assert ask(address, f"/?{token}", headers={**elsewhere, "Sec-Fetch-Dest": "image"})[0] == 403
    for path in ("/", "/page.js", "/api/state?annotator=anna", "/api/state?annotator=anna&token=wrong", "/?token=%ff"):
        assert ask(address, path)[0] == 403
    assert ask(address, "/")[1].startswith(b"The address has no valid token; open the address that the server printed.")
    assert ask(address, "/api/rate", rating(1))[0] == 403 and not desk.log("anna").exists()
    status, _, headers = ask(address, f"/?{token}")
    assert status == 200 and "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
    cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    assert ask(address, "/api/state?annotator=anna", headers=cookie)[0] == 200


def test_a_token_is_kept_from_others_and_over_restarts(desk: Desk) -> None:
    first = desk.start()
    (file,) = desk.folder.rglob(".token")
    assert file.stat().st_mode & 0o777 == 0o600 and first.endswith(file.read_text())
    desk.kill()
    assert desk.start() == first
    desk.kill()
    file.chmod(0o644)  # another account may have read it
    assert desk.start() != first and file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["/nothing", "/image/1/1/00", "/api/rate", "/video/9/00"])
def test_errors_carry_the_security_headers(desk: Desk, path: str) -> None:
    status, _, headers = ask(desk.start(), path)
    assert status in (404, 405)
    assert headers["X-Content-Type-Options"] == "nosniff" and "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_not_compressed_as_it_says_is_refused(desk: Desk, encoding: str) -> None:
    place = urlsplit(desk.start())
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    headers = {**JSON, "Content-Encoding": encoding}
    connection.request("POST", f"/api/rate?{place.query}", b'{"frame": 1}', headers=headers)
    response = connection.getresponse()
    assert response.status == 400


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b"\xff", b'{"frame": ' + b"9" * 5000 + b"}", b'{"annotator": "\\ud800"}']
)
@pytest.mark.parametrize("path", ["/api/rate", "/api/undo", "/api/prediction", "/api/trace"])
def test_bodies_that_upset_a_parser_are_refused(desk: Desk, path: str, body: bytes) -> None:
    place = urlsplit(desk.start())
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    connection.request("POST", f"{path}?{place.query}", body, headers=JSON)
    assert connection.getresponse().status == 400


def test_a_folder_that_is_moved_is_noticed_before_a_rating_is_kept(desk: Desk) -> None:
    address = desk.start()
    assert ask(address, "/api/rate", rating(1))[0] == 200
    desk.log("anna").parent.rename(desk.folder / "moved")
    status, answer, _ = ask(address, "/api/rate", rating(2))
    assert status == 400 and "was moved or deleted while it was open" in answer["error"]


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--annotation-video", "7"], "There is no annotation video 7; there are 1."),
        (["--annotator", "a/b"], "'a/b' cannot be a name"),
        (["--port", "99999"], "is not available"),
        (["--host", "203.0.113.7"], "203.0.113.7, port 0 is not available"),
        (["--host", "a..b"], "a..b, port 0 is not available"),
        ([], "results/demo/annotations belongs to the demo"),
    ],
)
def test_mistakes_are_one_sentence(desk: Desk, options: list[str], sentence: str) -> None:
    words = [sys.executable, "-m", "affectflow.cli", "annotate", "--configfile", str(ROOT / "config/config.yaml")]
    words += ["--no-browser", *(["--out", "ratings"] if options else []), *options]
    result = subprocess.run(words, cwd=desk.folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and sentence in result.stderr and "Traceback" not in result.stderr


def test_no_manifest_yet(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "affectflow.cli", "annotate", "--configfile", str(ROOT / "config/config.yaml")]
    result = subprocess.run([*words, "--out", "mine"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and "run snakemake results/annotation/manifest.csv first" in result.stderr


def test_a_log_belongs_to_one_process(tmp_path: Path) -> None:
    first = RatingLog(tmp_path / "images.jsonl", "anna")
    first.rate(Rating(1, 1, "a", "sha", -0.5, 0.5))
    with pytest.raises(UserError, match="being written by another"):
        RatingLog(tmp_path / "images.jsonl", "anna")
    first.rate(Rating(1, 1, "a", "sha", 0.5, 0.5, note="a\u2028b"))
    first.close()
    second = RatingLog(tmp_path / "images.jsonl", "anna")
    assert second.recorded.by_image["sha"].valence == 0.5 and second.recorded.by_image["sha"].note == "a\u2028b"
    second.close()
    (tmp_path / "images.jsonl").write_text('{"affectflow-annotation": 1}\n{"kind": "undo"}\n')
    with pytest.raises(UserError, match="line 2"):
        RatingLog(tmp_path / "images.jsonl", "anna")


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    """A rating that could not be saved does not appear when a later one is saved."""
    log = RatingLog(tmp_path / "images.jsonl", "anna")
    log.rate(Rating(1, 1, "a", "one", 0.5, 0.5))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "images.jsonl").stat().st_size + 20, hard))
    try:
        with pytest.raises(UserError, match="cannot be written"):
            log.rate(Rating(1, 2, "b", "two", 0.5, 0.5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    log.rate(Rating(1, 3, "c", "three", 0.5, 0.5))
    assert set(log.recorded.by_image) == {"one", "three"}
    log.close()
    assert set(RatingLog(tmp_path / "images.jsonl", "anna").recorded.by_image) == {"one", "three"}


def test_an_image_that_changed_is_rated_again(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, {1: [Image(1, 1, "a.jpg", "old")], 2: [Image(2, 1, "a.jpg", "new")]}, [])
    sessions.session("anna").rate({"annotation_video": 1, "frame": 1, "valence": 1.0, "arousal": 0.0})
    assert [one["done"] for one in sessions.session(" anna ").state(None)["progress"]] == [1, 0]
    sessions.close()
    rows = [(b, 1, "", "0.0000", "a.jpg", "", sha) for b, sha in ((1, "old"), (2, "new"))]
    write_csv(tmp_path / "manifest.csv", MANIFEST_COLUMNS, rows)
    outputs = Outputs(*(tmp_path / f"{name}.csv" for name in ("merged", "agreement", "annotators")))
    (tmp_path / "manifest.csv").rename(tmp_path.parent / f"{tmp_path.name}.csv")
    merge_traces(tmp_path, tmp_path.parent / f"{tmp_path.name}.csv", outputs, MergeOptions(1.0, 0.0, 3.0, None))
    with outputs.merged.open(newline="") as stream:
        assert [row["valence"] for row in csv.DictReader(stream)] == ["1.000000", ""]
