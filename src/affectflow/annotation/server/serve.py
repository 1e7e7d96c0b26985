"""Running the page until Ctrl-C."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from affectflow.annotation.model_predictions import ModelPredictions
from affectflow.annotation.server.app import Place, make_app
from affectflow.annotation.server.image import images_of, read_images
from affectflow.annotation.server.session import Sessions
from affectflow.annotation.server.video import batch_videos, own_videos
from affectflow.annotation.trace_log import OwnVideoTraceLog
from affectflow.core.errors import UserError

_LAST_PORT = 65535
_CONVERTED = ".videos"
"""Within the folder of annotations; traces are not looked for there."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where and for whom the page is opened; an empty ``annotator`` is asked for, and port 0 is any that is free."""

    annotator: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    open_browser: bool = True


def serve(
    manifest: Path,
    images: Path,
    folder: Path,
    frame_rate: float,
    repeats: float,
    predictions: ModelPredictions | None,
    batch: int | None,
    at: Entrance,
) -> None:
    """Serve the images of a manifest; journals lie in ``folder``, one folder an annotator.

    ``repeats`` is the share of images that are shown twice; with ``predictions`` the most informative come first.
    Elsewhere than on loopback only who has the address with its token may come in. Raises :class:`UserError` where the
    address cannot be listened on, or there is nothing to annotate.
    """
    batches = read_images(manifest)
    if not batches:
        raise UserError("The manifest has no image; download some first.")
    if batch is not None:
        images_of(batches, batch)
    videos = batch_videos(batches, manifest.parent, frame_rate)
    _serve(Sessions(folder, batches, videos, repeats, predictions), images, folder, at, batch)


def serve_videos(videos: Path, folder: Path, at: Entrance) -> None:
    """Serve the videos of a folder, likewise."""
    from affectflow.annotation.own_videos import find_videos  # imports the decoder

    found = own_videos(find_videos(videos).items(), folder / _CONVERTED)
    _serve(Sessions(folder, {}, found, kind=OwnVideoTraceLog), videos, folder, at, None)


def _serve(sessions: Sessions, images: Path, folder: Path, at: Entrance, batch: int | None) -> None:
    if at.annotator:
        sessions.of(at.annotator)  # what is wrong with the name is told before anything is served
    host = at.host
    listener = _listener(host, at.port)
    # Of all addresses of this machine, others need its name.
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else host
    place = Place(shown, listener.getsockname()[1], "" if _is_loopback(host) else secrets.token_urlsafe(24))
    print(f"Annotate at {place.address} (Ctrl-C ends; everything is kept as it is made in {folder}).", flush=True)
    if at.open_browser:
        # Some browsers end only when they are closed.
        threading.Thread(target=webbrowser.open, args=[place.address], daemon=True).start()
    try:
        web.run_app(make_app(sessions, images, place, at.annotator, batch), sock=listener, print=None)
    finally:
        sessions.close()


def _listener(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise UserError(f"{host}, port {port} cannot be listened on; choose one up to {_LAST_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # so that the address is good as soon as it is told
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such host"
        raise UserError(f"{host}, port {port} cannot be listened on ({reason}); choose another.") from None
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
