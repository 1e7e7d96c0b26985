"""Certificates that are verified to the end, through a proxy too."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from affectflow.core.errors import UserError
from affectflow.download.address import Address
from affectflow.download.client import Client, Response
from affectflow.download.outcomes import Failed
from affectflow.download.settings import Settings
from tests.authority import Authority

HOSTS = ("good.test", "expired.test", "other.test")


class Servers:
    """https servers with an image, each with a certificate of its own, and a proxy that connects to them by name."""

    def __init__(self, authority: Authority, image: bytes) -> None:
        self.connects: list[str] = []
        self.connect_answer = b"200 Connection established"
        self._image = image
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        contexts = {
            "good.test": authority.context("good.test"),
            "expired.test": authority.context("expired.test", days=-2),
            "other.test": authority.context("elsewhere.test"),
        }
        self.ports = {host: self._listen(self._serve, context) for host, context in contexts.items()}
        self.proxy_port = self._listen(self._tunnel, None)

    def _listen(self, answer: Callable[..., object], context: ssl.SSLContext | None) -> int:
        starting = asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)  # type: ignore[arg-type]
        server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(self._image))
        writer.write(self._image)
        await writer.drain()
        writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.connects.append(head.decode())
        writer.write(b"HTTP/1.1 %b\r\nX-Robots-Tag: noai\r\n\r\n" % self.connect_answer)
        if not self.connect_answer.startswith(b"200"):
            writer.close()
            return
        _, place, _ = head.split(None, 2)
        there, back = await asyncio.open_connection("127.0.0.1", int(place.rpartition(b":")[2]))
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        answering = asyncio.all_tasks() - {asyncio.current_task()}
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def servers(tmp_path: Path, jpeg: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trusted))
    running = Servers(authority, jpeg())
    yield running
    running.stop()


@pytest.fixture
def proxy(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Servers:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{servers.proxy_port}")
    return servers


def attempt(url: str, **settings: object) -> Response:
    async def go() -> Response:
        private = {"timeout_s": 3, "allow_private_hosts": ("*.test",)}
        async with Client(Settings(**{**private, **settings})) as client:  # type: ignore[arg-type]
            answer = await client.attempt(Address.parse(url))
            assert isinstance(answer, Response)
            return answer

    return asyncio.run(go())


def local_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def here(self: object, host: str, fresh: bool = False) -> tuple[str, ...]:
        return ("127.0.0.1",)

    monkeypatch.setattr("affectflow.download.resolver.Resolver.addresses", here)


def test_a_certificate_is_valid_for_its_time_and_its_name(
    servers: Servers, jpeg: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    local_names(monkeypatch)
    assert attempt(f"https://good.test:{servers.ports['good.test']}/1.jpg").body == jpeg()
    for host in ("expired.test", "other.test"):
        url = f"https://{host}:{servers.ports[host]}/1.jpg"
        with pytest.raises(Failed) as caught:
            attempt(url)
        assert caught.value.outcome == "certificate"
        lenient = attempt(url, tls_fallback=True)
        assert lenient.body == jpeg() and lenient.detail.startswith("certificate not verified")


def test_https_goes_through_the_proxy_unread(proxy: Servers, jpeg: Callable[..., bytes]) -> None:
    address = f"good.test:{proxy.ports['good.test']}"
    answer = attempt(f"https://user:secret@{address}/1.jpg")
    assert answer.body == jpeg() and answer.status == 200  # the proxy's own headers are not the site's
    (head,) = proxy.connects
    assert head.startswith(f"CONNECT {address} HTTP/1.1\r\n") and "secret" not in head and "jpg" not in head


@pytest.mark.parametrize("host", ["expired.test", "other.test"])
def test_certificates_are_verified_behind_the_proxy(proxy: Servers, host: str) -> None:
    with pytest.raises(Failed) as caught:
        attempt(f"https://{host}:{proxy.ports[host]}/1.jpg")
    assert caught.value.outcome == "certificate"


@pytest.mark.parametrize(
    "status, outcome", [(b"403 Forbidden", "refused"), (b"502 Bad Gateway", "no_route"), (b"504 Timeout", "no_route")]
)
def test_what_the_proxy_refuses_is_told_from_what_it_cannot_reach(proxy: Servers, status: bytes, outcome: str) -> None:
    proxy.connect_answer = status
    with pytest.raises(Failed) as caught:
        attempt("https://far.test/1.jpg")
    assert caught.value.outcome == outcome and "proxy" in caught.value.detail
    assert caught.value.http_status is None


def test_a_proxy_that_wants_a_password_is_one_sentence(proxy: Servers) -> None:
    proxy.connect_answer = b"407 Proxy Authentication Required"
    with pytest.raises(UserError, match="HTTPS_PROXY"):
        attempt("https://far.test/1.jpg")
