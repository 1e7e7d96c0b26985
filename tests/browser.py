"""A real browser, without a window, that keeps what went wrong on a page and never leaves this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, sync_playwright

CHROMIUM = shutil.which("chromium")
MISSING = "Chromium is not installed (Debian: chromium)"
_OWN = ("file", "data", "blob")


@dataclass
class Visit:
    """A page, and sentences about what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list)


@contextmanager
def visit(path: Path, width: int = 1280, height: int = 720, dark: bool = False) -> Iterator[Visit]:
    """Open a file; whatever asks for anything but files is refused and told."""
    with sync_playwright() as playwright:
        # Without a sandbox, which containers do not allow; only pages of our own are opened.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        seen = Visit(page)

        def check(route: Route) -> None:
            if urlsplit(route.request.url).scheme in _OWN:
                route.continue_()
            else:
                seen.problems.append(f"asks for {route.request.url}")
                route.abort()

        page.route("**/*", check)
        page.on("pageerror", lambda error: seen.problems.append(str(error)))
        page.on("requestfailed", lambda request: seen.problems.append(f"{request.url[:200]} failed"))
        page.on("console", lambda message: seen.problems.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        yield seen
        browser.close()


def broken_images(page: Page) -> list[str]:
    """Images of a page that show nothing."""
    found: list[str] = page.evaluate(
        "Promise.all([...document.images].map(image => image.decode().catch(() => 0)))"
        ".then(() => [...document.images].filter(image => !image.naturalWidth).map(image => image.alt))"
    )
    return found
