"""Web application of the annotation page: requests, responses and access control.

Everybody with the token has access: loopback is shared by all accounts of a machine. Pages of other sites cannot write:
the body must be JSON, which browsers send to another site only after a preflight request, and the origin must be this
server. On loopback, other host names that resolve to this machine (DNS rebinding) are refused.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError

from affectflow.annotation.server.media import Image
from affectflow.annotation.server.overview import compare, progress_of_all
from affectflow.annotation.server.session import INFORMATIVE, Session, Sessions
from affectflow.annotation.videos import video_name
from affectflow.core.errors import UserError
from affectflow.core.palette import PALETTE
from affectflow.media import jpeg
from affectflow.media.image_store import read_image
from affectflow.media.images import ImageError, decode_rgb

_FILES = Path(__file__).parent / "page"
_CONTENT_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_JPEG_QUALITY = 92
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens, and the token that a request needs."""

    host: str
    port: int
    is_loopback: bool
    token: str

    @property
    def address(self) -> str:
        """The URL to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/?token={self.token}"


def make_app(
    sessions: Sessions, images: Path, place: Place, annotator: str, annotation_video: int | None
) -> web.Application:
    """Create the application.

    Args:
        sessions: What is annotated, and the logs.
        images: Folder of the image store.
        place: Where the server listens.
        annotator: Name to begin with; if empty, the page asks for it.
        annotation_video: Number of the annotation video to begin with; None for the first that is not done.
    """
    page = _Page(sessions, images, place, annotator, annotation_video)
    app = web.Application(middlewares=[page.guard], client_max_size=64 * 1024)
    app.add_routes(
        [
            web.get("/", page.file),
            web.get("/{name:(?:page|palette)\\.css|(?:page|common|agreement|trace)\\.js}", page.file),
            web.get("/agreement", page.file),
            web.get("/trace", page.file),
            web.get("/video/{number:\\d+}/{digest:[0-9a-f]+}", page.video),
            web.get("/api/video", page.video_state),
            web.post("/api/trace", page.trace),
            web.get("/api/agreement", page.agreement),
            web.get("/image/{annotation_video:\\d+}/{frame:\\d+}/{sha256:[0-9a-f]*}", page.image),
            web.get("/api/state", page.state),
            web.post("/api/rate", page.rate),
            web.post("/api/undo", page.undo),
            web.post("/api/prediction", page.prediction),
        ]
    )
    return app


_MISTAKES = (
    *(UserError, ValueError, TypeError, LookupError, OverflowError, RecursionError),
    *(web.RequestPayloadError, HttpProcessingError, PayloadEncodingError, zlib.error),
)
"""What a request that is not as it should be raises, in the handlers or in aiohttp."""


class _Page:
    def __init__(
        self, sessions: Sessions, images: Path, place: Place, annotator: str, annotation_video: int | None
    ) -> None:
        self._sessions, self._images, self._place = sessions, images, place
        self._annotator, self._annotation_video = annotator, annotation_video
        self._cookie = f"affectflow-token-{place.port}"  # browsers share cookies between ports

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests without access, and report errors as a sentence."""
        try:
            if (refusal := self._refusal(request)) is not None:
                if not request.path.startswith("/api/"):  # somebody reads it
                    return web.Response(text=refusal, status=403, headers=_HEADERS)
                return web.json_response({"error": refusal}, status=403, headers=_HEADERS)
            response = await handler(request)
        except web.HTTPException as error:  # a redirect, or a page that does not exist
            response = error
        except _MISTAKES as error:
            response = web.json_response({"error": str(error) or "the request is invalid"}, status=400)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.set_cookie(self._cookie, self._place.token, httponly=True, samesite="Strict")
        return response

    def _refusal(self, request: web.Request) -> str | None:
        """Return why a request is refused, None if it is not."""
        given = request.query.get("token") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._place.token.encode()):
            return "The address has no valid token; open the address that the server printed."
        known = ("localhost", "127.0.0.1", "::1", self._place.host)
        if self._place.is_loopback and urlsplit(f"//{request.host}").hostname not in known:
            return "The host name is not this server's; open the address that the server printed."
        # A link to this page, for example in a message, may be followed from any site.
        followed = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
        if not followed and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return "Other sites may not read or write here."
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return "Other sites may not write here."
        if request.method == "POST" and request.content_type != "application/json":
            return "The content type must be application/json."
        return None

    async def file(self, request: web.Request) -> web.Response:
        """Send a file of the page."""
        if request.path == "/" and not self._sessions.images:
            raise web.HTTPFound("/trace")
        name = request.match_info.get("name") or f"{request.path.strip('/') or 'index'}.html"
        file = PALETTE if name == PALETTE.name else _FILES / name
        return web.Response(text=file.read_text(encoding="utf-8"), content_type=_CONTENT_TYPES[file.suffix])

    async def agreement(self, request: web.Request) -> web.Response:
        """Send progress and agreement of all annotators, including those of other servers on the same folder."""
        recorded, traced = self._sessions.recorded_ratings(), self._sessions.recorded_traces()
        found = await asyncio.to_thread(compare, recorded, traced, self._sessions.images)
        progress = progress_of_all(recorded, traced, self._sessions.images)
        return web.json_response({"progress": progress, **found})

    async def state(self, request: web.Request) -> web.Response:
        """Send an annotator's state for an annotation video; without a name, the annotator to begin with."""
        annotator = request.query.get("annotator", "")
        if not annotator:
            return web.json_response({"annotator": self._annotator})
        session = self._sessions.session(annotator)
        asked = request.query.get("annotation_video", "")
        selected = asked if asked == INFORMATIVE else int(asked) if asked.isdecimal() else self._first()
        requested = (request.query.get("sha256", ""), request.query.get("is_repeat") == "true")
        found = await asyncio.to_thread(session.state, selected, requested)
        return web.json_response({"annotator": annotator, **found})

    def _first(self) -> int | str | None:
        """Return what the page begins with."""
        return self._annotation_video or (INFORMATIVE if self._sessions.predictions.model else None)

    async def rate(self, request: web.Request) -> web.Response:
        """Record a rating."""
        data = await _json(request)
        self._session(data).rate(data)
        return web.json_response({})

    async def undo(self, request: web.Request) -> web.Response:
        """Undo the last rating, and send the image to rate again; null if there is none."""
        data = await _json(request)
        return web.json_response({"undone": self._session(data).undo()})

    async def prediction(self, request: web.Request) -> web.Response:
        """Send the model prediction for an image, and record that it was shown."""
        data = await _json(request)
        return web.json_response({"point": self._session(data).prediction(data)})

    def _session(self, data: dict[str, object]) -> Session:
        return self._sessions.session(str(data.get("annotator", "")))

    async def video_state(self, request: web.Request) -> web.Response:
        """Send an annotator's state for a video, which may be converted first."""
        first = video_name(self._annotation_video) if self._annotation_video else self._sessions.videos[0].name
        annotator, name = request.query.get("annotator", ""), request.query.get("video", "") or first
        video = self._sessions.video(name)
        await asyncio.to_thread(lambda: video.playable)
        return web.json_response(self._sessions.video_state(annotator, name))

    async def trace(self, request: web.Request) -> web.Response:
        """Record a segment of a trace."""
        data = await _json(request)
        name, points = data.get("video"), data.get("points")
        if not isinstance(name, str) or not isinstance(points, list):
            raise ValueError("the video or the points are invalid")
        video = self._sessions.video(name)
        await asyncio.to_thread(lambda: video.playable)
        self._sessions.trace(str(data.get("annotator", "")), name, points)
        return web.json_response({})

    async def video(self, request: web.Request) -> web.StreamResponse:
        """Send one of the videos, or the part that the browser requests, and no other file."""
        number = int(request.match_info["number"])
        if number >= len(self._sessions.videos):
            raise web.HTTPNotFound
        playable = await asyncio.to_thread(lambda: self._sessions.videos[number].playable)
        if playable.digest != request.match_info["digest"] or not playable.path.is_file():
            raise web.HTTPNotFound
        # Browsers recognize the container by its content, whatever type is sent.
        return web.FileResponse(playable.path, headers={"Content-Type": "video/mp4"})

    async def image(self, request: web.Request) -> web.Response:
        """Send one of the images, upright and encoded anew as JPEG, and no other file."""
        number, frame = int(request.match_info["annotation_video"]), int(request.match_info["frame"])
        images = (image for image in self._sessions.images.get(number, ()) if image.frame == frame)
        image = next(images, None)
        if image is None or image.image_sha256 != request.match_info["sha256"]:
            raise web.HTTPNotFound
        data = await asyncio.to_thread(self._encoded, image)
        return web.Response(
            body=data, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"}
        )

    def _encoded(self, image: Image) -> bytes:
        try:
            pixels = decode_rgb(read_image(self._images, image.file_name, image.image_sha256)).pixels
        except ImageError as error:
            raise UserError(f"{image.file_name} cannot be decoded ({error}).") from None
        return jpeg.encode(pixels, _JPEG_QUALITY, "4:4:4")


async def _json(request: web.Request) -> dict[str, object]:
    try:
        data = await request.json()
    except json.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("the body is not a JSON object")
    return data
