"""A loopback web on which every failure is real at the socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from affectflow.demo.web import NameServer, self_signed
from affectflow.demo.web_plan import DOMAIN
from affectflow.download.settings import Settings

TIMEOUT_S = 0.4
MAX_BYTES = 20_000
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Names(NameServer):
    """A name server that can fall silent."""

    def __init__(self, site: Web) -> None:
        self._site = site

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if not self._site.names_lost:
            super().datagram_received(data, address)


class Web:
    """A loopback web in a thread of its own: http, https with a self-signed certificate, raw answers, names."""

    def __init__(self, image: bytes) -> None:
        self.hits: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.image = image
        self.answers: dict[str, Answer] = {}
        self.raw: dict[str, bytes] = {}
        self.names_lost = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        for context in (None, self_signed()):
            await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.port, self.tls_port = (address[1] for address in self._runner.addresses)
        self._raw = await asyncio.start_server(self._answer_raw, "127.0.0.1", 0)
        self.raw_port = self._raw.sockets[0].getsockname()[1]
        self._names, _ = await self._loop.create_datagram_endpoint(lambda: _Names(self), local_addr=("127.0.0.1", 0))
        self.name_port = self._names.get_extra_info("sockname")[1]
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))  # never listens
        self.closed_port = self._closed.getsockname()[1]

    async def _answer_raw(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bytes as they are, and the end of the connection; without any, silence."""
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        writer.write(self.raw.get(path, b"this is no HTTP\r\n\r\n"))
        await writer.drain()
        if path.startswith("/silent"):
            await reader.read()
        writer.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        self.agents.add(request.headers.get("User-Agent", ""))
        if path == "/":  # a look whether the site is there
            return await self.answers.get(path, self._status_404)(request)
        self.hits[path] += 1
        action = path.split("/")[1]
        return await (self.answers.get(path) or getattr(self, f"_{action}".replace("_loop", "_loop_")))(request)

    async def _status_404(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404)

    async def _ok(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=self.image, content_type="text/plain")  # what a header says does not count

    async def _status(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=int(request.path.split("/")[2]), text="gone")

    async def _to(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.query["url"]})

    async def _loop_(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.path})

    async def _many(self, request: web.BaseRequest) -> web.StreamResponse:
        left = int(request.path.split("/")[2])
        return web.Response(status=301, headers={"Location": f"/many/{left - 1}" if left else "/ok/end"})

    async def _body(self, request: web.BaseRequest) -> web.StreamResponse:
        bodies = {"html": b"<html>gone</html>", "empty": b"", "half": self.image[:1200], "big": bytes(MAX_BYTES + 1)}
        return web.Response(body=bodies[request.path.split("/")[2]], content_type="image/jpeg")

    async def _part(self, request: web.BaseRequest) -> web.StreamResponse:
        """A body that breaks off (``close``, ``reset``) or never goes on (``silent``)."""
        response = web.StreamResponse(headers={"Content-Length": "9000", "Content-Type": "image/jpeg"})
        await response.prepare(request)
        await response.write(self.image[:500])
        return await self._end(request, response)

    async def _none(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._end(request, web.StreamResponse())

    async def _drip(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "9000"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for byte in self.image[:200]:
                await response.write(bytes([byte]))
                await asyncio.sleep(TIMEOUT_S / 4)
        return response

    async def _end(self, request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
        assert request.transport is not None
        match request.path.split("/")[2]:
            case "silent":
                await asyncio.sleep(10 * TIMEOUT_S)
            case "reset":
                linger = struct.pack("ii", 1, 0)
                request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                request.transport.abort()
        request.transport.close()
        return response

    def count_at_once(self, paths: list[str], seconds: float) -> None:
        """Answer ``paths`` slowly, and remember in ``at_once`` how many were open together at most."""
        self.at_once = now = 0

        async def answer(_: web.BaseRequest) -> web.StreamResponse:
            nonlocal now
            now += 1
            self.at_once = max(self.at_once, now)
            await asyncio.sleep(seconds)
            now -= 1
            return web.Response(body=self.image)

        self.answers.update(dict.fromkeys(paths, answer))

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._names.close()
        self._raw.close()
        self._closed.close()
        await self._runner.cleanup()
        answering = asyncio.all_tasks() - {asyncio.current_task()}
        for task in answering:  # to those who never read on
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)

    def url(self, path: str, host: str = f"web.{DOMAIN}") -> str:
        return f"http://{host}:{self.port}{path}"

    def settings(self, **changes: object) -> Settings:
        base = Settings(
            concurrency=8,
            per_host=8,
            rate_per_host=0,
            timeout_s=TIMEOUT_S,
            retries=0,
            nameservers=(f"127.0.0.1:{self.name_port}",),
            allow_private_hosts=(f"*.{DOMAIN}",),
            max_bytes=MAX_BYTES,
            max_pixels=100 * 100,
            contact="who@example.test",
        )
        return replace(base, **changes)  # type: ignore[arg-type]
