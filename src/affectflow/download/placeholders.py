"""Pictures that stand in place of removed ones.

A site whose picture is gone may answer 200 with a picture that says so. It gives itself away: its address is known,
or URLs of different pictures are redirected to one and the same address.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from affectflow import names
from affectflow.download.client import parse_url
from affectflow.download.outcomes import OK, Failed

_REDIRECTED_TO_ONE = 3
_KNOWN = re.compile(
    r"//s\.yimg\.com/pw/images/.*photo_unavailable"  # Flickr
    r"|//(i\.)?imgur\.com/removed\.(png|jpg)"  # Imgur
    r"|/photo_unavailable(_\w+)?\.(gif|png|jpg)$"
)

Row = dict[str, Any]


class Placeholders:
    """Finds stand-ins among the rows of a ledger; needs to have seen all of them once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        targets = array("Q", (_key(row["final_url"]) for row in rows if _redirected(row)))  # 8 bytes each
        keys, counts = np.unique(np.frombuffer(targets, np.uint64), return_counts=True)
        often = counts >= _REDIRECTED_TO_ONE
        self._shared = dict(zip(keys[often].tolist(), counts[often].tolist(), strict=True))

    def marked(self, row: Row) -> Row:
        """The row, with outcome ``placeholder`` and the reason where it is one."""
        if row["outcome"] != OK:
            return row
        if _redirected(row) and (count := self._shared.get(_key(row["final_url"]))):
            reason = f"{count} URLs are redirected to this picture"
        elif _KNOWN.search(row["final_url"]):
            reason = "the address of a known stand-in"
        else:
            return row
        return {**row, "outcome": "placeholder", "detail": reason}


def _key(url: str) -> int:
    return names.key(names.url_digest(url))


def _redirected(row: Row) -> bool:
    if row["outcome"] != OK or row["final_url"] in (row["url"], row["url_orig"]):
        return False
    return row["final_url"] not in (_as_asked(row["url"]), _as_asked(row["url_orig"]))


def _as_asked(url: str) -> str:
    """How a URL comes back in ``final_url`` when it was not redirected."""
    try:
        return str(parse_url(url))
    except Failed:
        return url
