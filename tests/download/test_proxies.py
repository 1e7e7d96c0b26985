"""HTTP_PROXY and NO_PROXY, with a proxy on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from affectflow.core.errors import UserError
from affectflow.download.address import Address
from affectflow.download.client import Client, Proxies, Response
from affectflow.download.outcomes import Failed
from affectflow.download.resolver import Resolver
from affectflow.download.settings import Settings


class Proxy:
    """Answers every request itself, with one image, and remembers what it was asked for."""

    def __init__(self, image: bytes) -> None:
        self.asked: list[str] = []
        self._image = image
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode())
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(self._image))
        writer.write(self._image)
        await writer.drain()
        writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def proxy(jpeg: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    running = Proxy(jpeg())
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{running.port}")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    yield running
    running.stop()


def attempt(url: str) -> bytes:
    async def go() -> bytes:
        async with Client(Settings(timeout_s=2)) as client:
            answer = await client.attempt(Address.parse(url))
            assert isinstance(answer, Response)
            return answer.body

    return asyncio.run(go())


def test_the_proxy_is_asked_by_name(proxy: Proxy, jpeg: Callable[..., bytes]) -> None:
    assert attempt("http://user:secret@images.invalid/1.jpg") == jpeg()
    (head,) = proxy.asked
    assert head.startswith("GET http://images.invalid/1.jpg HTTP/1.1\r\n")
    assert "secret" not in head and "Authorization" not in head and "Cookie" not in head


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "10.0.0.1", "[::1]", "0x7f.1"])
def test_nobody_gets_in_through_the_proxy(proxy: Proxy, host: str) -> None:
    with pytest.raises(Failed) as caught:
        attempt(f"http://{host}:{proxy.port}/")
    assert caught.value.outcome == "blocked_address"
    assert not proxy.asked


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "http://[::1", "http://a:b:c", "http://x:99999", "://", "x y:80"]
)
def test_what_is_no_http_proxy_is_one_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(UserError, match="HTTPS_PROXY"):
        Proxies.of_environment()


def test_a_name_server_without_a_port_that_exists_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"download.nameservers: '127.0.0.1:99999' has no port that exists"):
        Resolver(["127.0.0.1:99999"], [], 1.0, lambda host: None)
