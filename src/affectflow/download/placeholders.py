"""Pictures that stand in place of removed ones.

A site whose picture is gone may answer 200 with a picture that says so. It gives itself away: its address is known,
or URLs of different pictures are redirected to one and the same address.
"""

from __future__ import annotations

import re
from array import array
from typing import Any

import numpy as np

from affectflow import names
from affectflow.download.outcomes import OK, Failed
from affectflow.download.urls import parse_url

_REDIRECTED_TO_ONE = 3
_KNOWN = re.compile(
    r"//s\.yimg\.com/pw/images/.*photo_unavailable"  # Flickr
    r"|//(i\.)?imgur\.com/removed\.(png|jpg)"  # Imgur
    r"|/photo_unavailable(_\w+)?\.(gif|png|jpg)$"
)

Row = dict[str, Any]


class Placeholders:
    """Finds stand-ins among the rows of a ledger, given how many URLs are ``shared``: redirected to the same address.

    Which these are is known in :meth:`seen` when all rows have passed.
    """

    def __init__(self, shared: dict[int, int]) -> None:
        self._shared = shared
        self._targets = array("Q")  # 8 bytes for each redirected row

    def marked(self, row: Row) -> Row:
        """The row, with outcome ``placeholder`` and the reason where it is one.

        An image that has the SHA-256 which its list wanted is none.
        """
        if row["outcome"] != OK or row.get("wanted"):
            return row
        if _redirected(row):
            key = names.key(names.url_digest(row["final_url"]))
            self._targets.append(key)
            if key in self._shared:
                return _stand_in(row, f"{self._shared[key]} URLs are redirected to this picture")
        return _stand_in(row, "the address of a known stand-in") if _KNOWN.search(row["final_url"]) else row

    def seen(self) -> dict[int, int]:
        """Keys of addresses to which several rows were redirected, and how many."""
        keys, counts = np.unique(np.frombuffer(self._targets, np.uint64), return_counts=True)
        often = counts >= _REDIRECTED_TO_ONE
        return dict(zip(keys[often].tolist(), counts[often].tolist(), strict=True))


def _stand_in(row: Row, reason: str) -> Row:
    return {**row, "outcome": "placeholder", "detail": reason}


def _redirected(row: Row) -> bool:
    if row["final_url"] in (row["url"], row["url_orig"]):
        return False
    return row["final_url"] not in (_as_asked(row["url"]), _as_asked(row["url_orig"]))


def _as_asked(url: str) -> str:
    """How a URL comes back in ``final_url`` when it was not redirected."""
    try:
        return str(parse_url(url))
    except Failed:
        return url
