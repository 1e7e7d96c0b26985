"""Plan the drawn EmotioNet: what each URL serves, with failures in the proportions of the 2017 report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from affectflow.download.outcomes import REPORT_CLASSES

DOMAIN = "drawn-faces.test"
_HOSTS = 24
_REPORT_DOWNLOADED = 25_000 - 2_760

# Shares of encodings among the images that are served; the rest are JPEGs.
_ENCODINGS = (
    ("png", 0.03),
    ("gif", 0.01),
    ("animated-gif", 0.005),
    ("webp", 0.01),
    ("bmp", 0.005),
    ("cmyk-jpeg", 0.005),
    ("rotated-jpeg", 0.01),
)
_DUPLICATES = 0.01  # share of images also served under a second URL


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the spreadsheet: its two URLs, and the number of the drawn face, or None where the URL is dead."""

    url: str
    url_orig: str
    image: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows, the encoding of each image, and the route of each path (see :mod:`affectflow.demo.web`)."""

    entries: tuple[Entry, ...]
    encodings: tuple[str, ...]
    routes: dict[str, str]


def make_plan(seed: int, images: int, port: int, cache_key: str) -> Plan:
    """Make a plan; the same arguments give the same plan.

    Args:
        seed: Seed of all random choices.
        images: Number of images. Failures are scaled to it from the report's counts.
        port: Port of the web server.
        cache_key: Text in every URL of an image, so that images that are drawn differently have other URLs.
    """
    rng = np.random.default_rng([seed, 0])
    names = [name for name, _ in _ENCODINGS]
    shares = [share for _, share in _ENCODINGS]
    kinds = rng.choice(["jpeg", *names], size=images, p=[1 - sum(shares), *shares])
    # Every encoding occurs, however small the demo is.
    kinds[: len(names)] = names
    routes: dict[str, str] = {}
    entries: list[Entry] = []
    for number in range(images):
        url = _image_url(rng, number, port, f"/{cache_key}")
        routes[_path(url)] = f"file:{number}"
        backup = _url("archive", port, f"/{cache_key}/o/{number}.jpg")
        if rng.random() < 0.3:
            routes[_path(backup)] = f"file:{number}"
            if rng.random() < 0.02:
                routes[_path(url)] = "status:404"  # dead, but the original URL works
        else:
            backup = url
        entries.append(Entry(url, backup, number))
    for number in rng.choice(images, max(1, round(_DUPLICATES * images)), replace=False):
        url = _url("mirror", port, f"/{cache_key}/copy/{number}.jpg")
        routes[_path(url)] = f"file:{number}"
        entries.append(Entry(url, "", int(number)))
    repeated = [entries[i] for i in rng.choice(images, max(1, images // 500), replace=False)]
    dead = [Entry(url, "", None) for url in _dead_urls(images, port, routes)]
    entries += repeated + dead
    order = rng.permutation(len(entries))
    return Plan(tuple(entries[i] for i in order), tuple(str(kind) for kind in kinds), routes)


def _image_url(rng: np.random.Generator, number: int, port: int, folder: str) -> str:
    """Return a URL with irregularities like those of the real list."""
    host = f"img{rng.integers(_HOSTS)}"
    style = rng.random()
    if style < 0.05:
        return _url(host, port, f"{folder}/photos/{number},smile,{rng.integers(99)}.jpg")
    if style < 0.07:
        return _url(host, port, f"{folder}/b/it's_{number}.jpg")
    if style < 0.09:
        return _url(host, port, f"{folder}/a b/face {number}.png")
    if style < 0.11:
        return _url(host, port, f"{folder}/gesicht-{number}-lächeln.jpg")
    if style < 0.13:
        return _url(host, port, f"{folder}/view?id={number}&size=large")
    if style < 0.14:
        return _url(host, port, f"{folder}/{'deep/' * 60}{number}.jpg")  # longer than 250 characters
    return _url(host, port, f"{folder}/{number // 1000}/{number}.jpg")


def _dead_urls(images: int, port: int, routes: dict[str, str]) -> Iterator[str]:
    """Yield URLs that fail in the report's classes, by count, except ``no route``, which loopback cannot produce."""
    faults = {
        "404": ["status:404"],
        "400/401/403/410": ["status:400", "status:401", "status:403", "status:410"],
        "500/502/503/504": ["status:500", "status:502", "status:503", "status:504"],
        "301/302 left unresolved": ["status:301", "status:302"],
        "timed out": ["silent"],
        "connection reset": ["reset"],
        "other": ["html", "half", "empty", "drip-cut"],
    }
    for name, count in REPORT_CLASSES:
        for i in range(max(1, round(count * images / _REPORT_DOWNLOADED))):
            path = f"/lost/{name.split('/')[0].replace(' ', '-')}/{i}.jpg"
            if name in faults:
                routes[path] = faults[name][i % len(faults[name])]
                yield _url(f"img{i % _HOSTS}" if name != "timed out" else f"slow{i}", port, path)
            elif name == "name not known":
                yield _url(f"site{i}.gone", port, path)
            elif name == "connection refused":
                yield _url(f"closed{i}", port + 2, path)
            elif name == "certificate":
                yield f"https://secure{i}.{DOMAIN}:{port + 1}{path}"


def _url(host: str, port: int, path: str) -> str:
    return f"http://{host}.{DOMAIN}:{port}{path}"


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]
