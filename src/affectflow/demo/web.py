"""Serve the demo's web on loopback, with faults at the socket, and the name server that resolves its hosts.

``python -m affectflow.demo.web`` serves until its standard input ends, so that it does not outlive the process that
started it. It listens only on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import socket
import ssl
import struct
import sys
import tempfile
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from affectflow.demo.web_plan import DOMAIN

_ADDRESS = "127.0.0.1"


class DrawnWeb:
    """A request handler for the routes of a plan.

    The route ``file:N`` serves an image. All others are faults: ``status:N`` gives an HTTP status (3xx without a
    target), ``silent`` never a response, ``reset`` a TCP reset, ``html`` a page with status 200, ``half`` half an
    image, ``empty`` no bytes, ``drip-cut`` fewer bytes than announced.
    """

    def __init__(self, routes: Path, files: Path) -> None:
        self._routes_path = routes
        self._files = files
        self._routes: dict[str, str] = {}
        self._loaded: float = 0.0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond as the route of the request's path says."""
        action, _, argument = self._route(request.rel_url.human_repr()).partition(":")
        match action:
            case "file":
                return web.Response(body=(self._files / argument).read_bytes(), content_type="image/jpeg")
            case "status":
                return web.Response(status=int(argument), text="gone")
            case "html":
                return web.Response(text="<html><body>This photo is no longer available.</body></html>")
            case "half":
                body = (self._files / "0").read_bytes()
                return web.Response(body=body[: len(body) // 2], content_type="image/png")
            case "empty":
                return web.Response(body=b"", content_type="image/jpeg")
            case "drip-cut":
                response = web.StreamResponse(headers={"Content-Length": "100000", "Content-Type": "image/jpeg"})
                await response.prepare(request)
                await response.write(b"\xff\xd8\xff\xe0" + bytes(2000))
                _close(request, reset=False)
                return response
            case "silent":
                await asyncio.sleep(3600)
            case "reset":
                _close(request, reset=True)
        return web.Response(status=404)

    def _route(self, path: str) -> str:
        with contextlib.suppress(OSError):
            changed = self._routes_path.stat().st_mtime
            if changed != self._loaded:  # the web starts before its images are drawn
                self._routes = json.loads(self._routes_path.read_text(encoding="utf-8"))
                self._loaded = changed
        return self._routes.get(path, "status:404")


def _close(request: web.BaseRequest, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if reset:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()


class NameServer(asyncio.DatagramProtocol):
    """A DNS server that resolves every name of the demo's domain to loopback, except names in ``gone``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        with contextlib.suppress(dns.exception.DNSException):
            query = dns.message.from_wire(data)
            response = dns.message.make_response(query)
            response.flags |= dns.flags.AA
            question = query.question[0]
            name = question.name.to_text(omit_final_dot=True).lower()
            if not name.endswith(f".{DOMAIN}") or name.endswith(f".gone.{DOMAIN}"):
                response.set_rcode(dns.rcode.NXDOMAIN)
            elif question.rdtype == dns.rdatatype.A:
                response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", _ADDRESS))
            self._transport.sendto(response.to_wire(), address)


def self_signed() -> ssl.SSLContext:
    """Return a server context with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"*.{DOMAIN}")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{DOMAIN}")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "server.pem")
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)
    return context


async def serve(routes: Path, files: Path, web_port: int, name_server_port: int, until: asyncio.Event) -> None:
    """Serve HTTP at ``web_port``, HTTPS at the next port, refuse connections at the one after, and serve DNS over UDP.

    Args:
        routes: JSON file with the route of each path.
        files: Folder of the images.
        web_port: First of three TCP ports.
        name_server_port: UDP port.
        until: Ends the service when set.
    """
    runner = web.ServerRunner(web.Server(DrawnWeb(routes, files).handle), shutdown_timeout=0.1)
    await runner.setup()
    closed = socket.socket()
    transport: asyncio.DatagramTransport | None = None
    try:
        await web.TCPSite(runner, _ADDRESS, web_port, backlog=1024).start()
        await web.TCPSite(runner, _ADDRESS, web_port + 1, ssl_context=self_signed()).start()
        closed.bind((_ADDRESS, web_port + 2))  # bound but not listening, so that connections are refused
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=(_ADDRESS, name_server_port))
        print("ready", flush=True)
        await until.wait()
    finally:
        if transport is not None:
            transport.close()
        closed.close()
        await runner.cleanup()


async def _until_input_ends(done: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.buffer.read)
    done.set()


async def _main(options: argparse.Namespace) -> None:
    done = asyncio.Event()
    watcher = asyncio.create_task(_until_input_ends(done))
    try:
        await serve(options.routes, options.files, options.web_port, options.name_server_port, done)
    except OSError as error:
        print(
            f"The demo's web cannot listen on the loopback ports {options.web_port} to {options.web_port + 2} "
            f"and {options.name_server_port} ({error.strerror}); set demo.web_port and demo.name_server_port "
            "(and download.nameservers) to free ones.",
            flush=True,
        )
        sys.stdout.flush()
        os._exit(1)  # the thread that watches standard input cannot be interrupted
    await watcher


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=Path, required=True)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    parser.add_argument("--name-server-port", type=int, required=True)
    with contextlib.suppress(KeyboardInterrupt):  # the terminal's Ctrl-C ends the workflow, and this with it
        asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
