"""Running the annotation server until Ctrl-C."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import threading
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from affectflow.annotation.model_predictions import ModelPredictions
from affectflow.annotation.server.app import Place, make_app
from affectflow.annotation.server.media import annotation_videos, images_of, own_videos, read_images
from affectflow.annotation.server.session import Sessions
from affectflow.annotation.trace_log import OwnVideoTraceLog
from affectflow.core.errors import UserError

_MAX_PORT = 65535
_TOKEN = ".token"
_CONVERTED = ".videos"
"""Folder of converted videos in the folder of annotations; hidden folders are not searched for traces."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of the server.

    Attributes:
        annotator: Name to begin with; if empty, the page asks for it.
        host: Address to listen on.
        port: Port to listen on; 0 for any free port.
        open_browser: Whether to open the page in a browser.
    """

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
    annotation_video: int | None,
    at: ServerOptions,
) -> None:
    """Serve the images and the annotation videos of a manifest.

    Only those with the token in the printed address have access, also on loopback, which all accounts of a machine
    share.

    Args:
        manifest: The manifest; the videos are in its folder.
        images: Folder of the image store.
        folder: Folder of the logs, with a sub-folder for each annotator.
        frame_rate: Frames per second of the annotation videos.
        repeats: Share of the images that are shown twice, in [0, 1].
        predictions: Model predictions; with them, the most informative images come first.
        annotation_video: Number of the annotation video to begin with; None for the first that is not done.
        at: Options of the server.

    Raises:
        UserError: The address is not available, or there is nothing to annotate.
    """
    by_video = read_images(manifest)
    if not by_video:
        raise UserError(f"{manifest} has no images; download some first.")
    if annotation_video is not None:
        images_of(by_video, annotation_video)
    videos = annotation_videos(by_video, manifest.parent, frame_rate)
    _serve(Sessions(folder, by_video, videos, repeats, predictions), images, folder, at, annotation_video)


def serve_videos(videos: Path, folder: Path, at: ServerOptions) -> None:
    """Serve the user's own videos in a folder.

    Args:
        videos: The folder of videos.
        folder: Folder of the logs, with a sub-folder for each annotator.
        at: Options of the server.

    Raises:
        UserError: The address is not available, or there are no videos.
    """
    from affectflow.annotation.own_videos import find_videos  # imports the video decoder

    found = own_videos(find_videos(videos), folder / _CONVERTED)
    _serve(Sessions(folder, {}, found, trace_log=OwnVideoTraceLog), videos, folder, at, None)


def _serve(
    sessions: Sessions, images: Path, folder: Path, options: ServerOptions, annotation_video: int | None
) -> None:
    if options.annotator:
        sessions.session(options.annotator)  # reports an invalid name before the server starts
    host = options.host
    listener = _listen(host, options.port)
    # If the server listens on all addresses of this machine, other machines need its name.
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else host
    place = Place(shown, listener.getsockname()[1], _is_loopback(host), _token(folder))
    print(f"Annotate at {place.address} (Ctrl-C ends; each rating and trace is saved at once in {folder}).", flush=True)
    if options.open_browser:
        # In a thread, because some browsers return only when they are closed.
        threading.Thread(target=webbrowser.open, args=[place.address], daemon=True).start()
    try:
        app = make_app(sessions, images, place, options.annotator, annotation_video)
        web.run_app(app, sock=listener, print=None)
    finally:
        sessions.close()


def _token(folder: Path) -> str:
    """Return the folder's token, which only this account can read: open pages outlive a restart of the server."""
    file = folder / _TOKEN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        status = file.stat()
        if status.st_uid == os.getuid() and not status.st_mode & 0o077 and (token := file.read_text().strip()):
            return token
        file.unlink()
    except FileNotFoundError:
        pass
    except OSError:
        return secrets.token_urlsafe(24)
    token = secrets.token_urlsafe(24)
    with suppress(OSError), os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(token)
    return token


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:
        raise UserError(f"{host}, port {port} is not available; choose a port up to {_MAX_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # so that the address works as soon as it is printed
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "unknown host"
        raise UserError(f"{host}, port {port} is not available ({reason}); choose another.") from None
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
