"""Parts of an HTML page that needs no other file."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem }
h1 { font-size: 1.7rem; margin-bottom: .3rem }
h2 { font-size: 1.25rem; border-bottom: 1px solid #d5dbe1; padding-bottom: .2rem; margin-top: 2.6rem }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .4rem }
table { border-collapse: collapse; font-size: .84rem; margin: .8rem 0; display: block; overflow-x: auto }
th, td { padding: .22rem .6rem; text-align: left; border-bottom: 1px solid #e5e9ed; white-space: nowrap }
th { font-weight: 600 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 1rem 0 } figure img { max-width: 100%; height: auto }
figcaption, .note { color: #55616e; font-size: .85rem }
.warning { background: #fff3d6; border-left: 4px solid #d9822b; padding: .5rem .9rem; margin: .8rem 0 }
nav a { margin-right: 1rem } code { font-size: .92em }
"""
_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def page(title: str, sections: Sequence[tuple[str, str, Iterable[str]]]) -> str:
    """Return a page.

    Args:
        title: of the page.
        sections: anchor, heading and parts in HTML of each.
    """
    links = "".join(f'<a href="#{anchor}">{html.escape(heading)}</a>' for anchor, heading, _ in sections)
    body = "\n".join(
        f'<section id="{anchor}">\n<h2>{html.escape(heading)}</h2>\n' + "\n".join(parts) + "\n</section>"
        for anchor, heading, parts in sections
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style></head>\n'
        f"<body>\n<h1>{html.escape(title)}</h1>\n<nav>{links}</nav>\n{body}\n</body>\n</html>\n"
    )


def text(content: str, kind: str = "") -> str:
    """Return a paragraph of plain text; ``kind`` is empty, ``note`` or ``warning``."""
    return f'<p class="{kind}">{html.escape(content)}</p>' if kind else f"<p>{html.escape(content)}</p>"


def heading(content: str) -> str:
    """Return a heading within a section."""
    return f"<h3>{html.escape(content)}</h3>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """Return a table of plain text; numbers are aligned to the right, None is shown as a dash."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"


def _cell(value: str | float | None) -> str:
    match value:
        case None:
            return '<td class="n">-</td>'
        case str():
            return f"<td>{html.escape(value)}</td>"
        case int():
            return f'<td class="n">{value:,}</td>'
    return f'<td class="n">{value:.3f}</td>'


def figure(path: Path, caption: str) -> str:
    """Return an SVG or PNG file embedded in the page, with a caption."""
    data = base64.b64encode(path.read_bytes()).decode()
    source = f"data:{_MEDIA_TYPES[path.suffix]};base64,{data}"
    text = html.escape(caption)
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'
