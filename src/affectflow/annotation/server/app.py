"""The page's server: on loopback for everybody there, elsewhere for who has the token, and for no other site.

A page of another site cannot post here (the body must be JSON, which it may not send without being asked, and the
origin must be ours), and a name that leads here by DNS is not answered (the host must be ours).
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from affectflow.annotation.server.agreement import compare
from affectflow.annotation.server.image import Image
from affectflow.annotation.server.progress import progress_of_all
from affectflow.annotation.server.session import INFORMATIVE, Sessions
from affectflow.annotation.videos import video_name
from affectflow.core.errors import UserError
from affectflow.media import jpeg
from affectflow.media.image_store import read_image
from affectflow.media.images import ImageError, decode_rgb

_FILES = Path(__file__).parent / "page"
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_QUALITY = 92
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens; ``token`` is empty on loopback."""

    host: str
    port: int
    token: str = ""

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def make_app(sessions: Sessions, images: Path, place: Place, annotator: str, batch: int | None) -> web.Application:
    """``annotator`` and ``batch`` are what the page begins with; empty and None: it asks, and takes the first open."""
    page = _Page(sessions, images, place, annotator, batch)
    app = web.Application(middlewares=[page.guard], client_max_size=64 * 1024)
    app.add_routes(
        [
            web.get("/", page.file),
            web.get("/{name:page\\.(?:js|css)|(?:common|agreement|trace)\\.js}", page.file),
            web.get("/agreement", page.file),
            web.get("/trace", page.file),
            web.get("/video/{number:\\d+}/{cut:[0-9a-f]+}", page.video),
            web.get("/api/video", page.video_state),
            web.post("/api/sweep", page.sweep),
            web.get("/api/agreement", page.agreement),
            web.get("/image/{batch:\\d+}/{frame:\\d+}/{sha256:[0-9a-f]*}", page.image),
            web.get("/api/state", page.state),
            web.post("/api/judge", page.judge),
            web.post("/api/undo", page.undo),
            web.post("/api/prediction", page.prediction),
        ]
    )
    return app


class _Page:
    def __init__(self, sessions: Sessions, images: Path, place: Place, annotator: str, batch: int | None) -> None:
        self._sessions, self._images, self._place = sessions, images, place
        self._annotator, self._batch = annotator, batch
        self._cookie = f"affectflow-token-{place.port}"  # cookies know no ports

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse strangers, and say a mistake in a sentence."""
        try:
            if (refused := self._refusal(request)) is not None:
                return web.json_response({"error": refused}, status=403, headers=_HEADERS)
            response = await handler(request)
        except (UserError, ValueError) as error:
            response = web.json_response({"error": str(error)}, status=400)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if self._place.token:
            response.set_cookie(self._cookie, self._place.token, httponly=True, samesite="Strict")
        return response

    def _refusal(self, request: web.Request) -> str | None:
        if self._place.token:
            given = request.query.get("token") or request.cookies.get(self._cookie, "")
            if not hmac.compare_digest(given.encode(), self._place.token.encode()):
                return "The address lacks the token that the server printed."
        elif urlsplit(f"//{request.host}").hostname not in ("localhost", "127.0.0.1", "::1", self._place.host):
            return "This server answers to the address that it printed."
        # A link to here may be followed from anywhere, such as the message with the address.
        followed = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
        if not followed and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return "Another site may not read or write here."
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return "Another site may not write here."
        if request.method == "POST" and request.content_type != "application/json":
            return "Only the page itself may write here."
        return None

    async def file(self, request: web.Request) -> web.Response:
        if request.path == "/" and not self._sessions.batches:
            raise web.HTTPFound("/trace")
        name = request.match_info.get("name") or f"{request.path.strip('/') or 'index'}.html"
        file = _FILES / name
        return web.Response(text=file.read_text(encoding="utf-8"), content_type=_KINDS[file.suffix])

    async def agreement(self, request: web.Request) -> web.Response:
        """Of all annotators, those of other servers too."""
        known = (self._sessions.kept(), self._sessions.traced(), self._sessions.batches)
        found = await asyncio.to_thread(compare, *known)
        return web.json_response({"progress": progress_of_all(*known), **found})

    async def state(self, request: web.Request) -> web.Response:
        """Of an annotator and a batch; without a name, what to begin with."""
        annotator = request.query.get("annotator", "")
        if not annotator:
            return web.json_response({"annotator": self._annotator})
        session = self._sessions.of(annotator)
        asked = request.query.get("batch", "")
        batch = asked if asked == INFORMATIVE else int(asked) if asked.isdecimal() else self._first()
        wanted = (request.query.get("sha256", ""), request.query.get("again") == "true")
        found = await asyncio.to_thread(session.state, batch, wanted)
        return web.json_response({"annotator": annotator, **found})

    def _first(self) -> int | str | None:
        """What the page begins with."""
        return self._batch or (INFORMATIVE if self._sessions.predictions.model else None)

    async def judge(self, request: web.Request) -> web.Response:
        facts = await _json(request)
        self._sessions.of(str(facts.get("annotator", ""))).judge(facts)
        return web.json_response({})

    async def undo(self, request: web.Request) -> web.Response:
        """Says which image is to be judged again; null where nothing is left to take back."""
        facts = await _json(request)
        return web.json_response({"taken": self._sessions.of(str(facts.get("annotator", ""))).undo()})

    async def prediction(self, request: web.Request) -> web.Response:
        """What the model says of an image; that it was asked for is kept."""
        facts = await _json(request)
        return web.json_response({"point": self._sessions.of(str(facts.get("annotator", ""))).prediction(facts)})

    async def video_state(self, request: web.Request) -> web.Response:
        """Of an annotator and a video; it may have to be converted first."""
        first = video_name(self._batch) if self._batch else self._sessions.videos[0].name
        annotator, name = request.query.get("annotator", ""), request.query.get("video", "") or first
        video = self._sessions.video_of(name)
        await asyncio.to_thread(lambda: video.reel)
        return web.json_response(self._sessions.video(annotator, name))

    async def sweep(self, request: web.Request) -> web.Response:
        """Keep a part of a trace."""
        facts = await _json(request)
        name, points = facts.get("video"), facts.get("points")
        if not isinstance(name, str) or not isinstance(points, list):
            raise ValueError("the video or the points are none")
        video = self._sessions.video_of(name)
        await asyncio.to_thread(lambda: video.reel)
        self._sessions.sweep(str(facts.get("annotator", "")), name, points)
        return web.json_response({})

    async def video(self, request: web.Request) -> web.StreamResponse:
        """One of the videos and no other file; parts of it where the browser asks for them."""
        number = int(request.match_info["number"])
        if number >= len(self._sessions.videos):
            raise web.HTTPNotFound
        reel = await asyncio.to_thread(lambda: self._sessions.videos[number].reel)
        if reel.cut != request.match_info["cut"] or not reel.path.is_file():
            raise web.HTTPNotFound
        # The browser looks into the file whatever it is called.
        return web.FileResponse(reel.path, headers={"Content-Type": "video/mp4"})

    async def image(self, request: web.Request) -> web.Response:
        """An image of the batches and nothing else, upright, as a JPEG that we made."""
        batch, frame = int(request.match_info["batch"]), int(request.match_info["frame"])
        images = (one for one in self._sessions.batches.get(batch, ()) if one.frame == frame)
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
            raise UserError(f"{image.file_name} is broken ({error}).") from None
        return jpeg.encode(pixels, _QUALITY, "4:4:4")


async def _json(request: web.Request) -> dict[str, object]:
    try:
        facts = await request.json()
    except json.JSONDecodeError:
        raise ValueError("the body is no JSON") from None
    if not isinstance(facts, dict):
        raise ValueError("the body is no object")
    return facts
