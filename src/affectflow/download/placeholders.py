"""Tell the images that sites show in place of removed ones from the images themselves."""

from __future__ import annotations

import re
from array import array
from typing import Any

from affectflow.download.address import Address
from affectflow.download.outcomes import STORED, Failed
from affectflow.media import file_names as names

_REDIRECTED_TO_ONE = 3  # URLs from which the image at their common target counts as a placeholder
_KNOWN = re.compile(
    r"//s\.yimg\.com/pw/images/.*photo_unavailable"  # Flickr
    r"|//(i\.)?imgur\.com/removed\.(png|jpg)"  # Imgur
    r"|/photo_unavailable(_\w+)?\.(gif|png|jpg)$"
)
KNOWN_ADDRESS = "the address of a known placeholder"

LedgerRow = dict[str, Any]


def is_placeholder(final_url: str) -> bool:
    """Check whether an address is a known placeholder's."""
    return _KNOWN.search(final_url) is not None


class Placeholders:
    """Finds images that sites show in place of removed ones.

    These have a known address, or several URLs are redirected to them. The latter are known after a first pass over
    all rows; ``shared`` gives them to a second one.
    """

    def __init__(self, shared: dict[int, int]) -> None:
        self._shared = shared
        self._targets = array("Q")  # 8 bytes for each redirected row

    def checked(self, row: LedgerRow) -> LedgerRow:
        """Return the row, with outcome ``placeholder`` if its image is one and not the image that the list expects."""
        if row["outcome"] not in STORED or row.get("expected_sha256"):
            return row
        if _is_redirected(row):
            key = names.key(names.url_digest(row["final_url"]))
            self._targets.append(key)
            if key in self._shared:
                return _as_placeholder(row, f"{self._shared[key]} URLs are redirected to this image")
        if is_placeholder(row["final_url"]):
            return _as_placeholder(row, KNOWN_ADDRESS)
        return row

    def shared_targets(self) -> dict[int, int]:
        """Count the rows that are redirected to the same address, by the address's key."""
        import numpy as np

        keys, counts = np.unique(np.frombuffer(self._targets, np.uint64), return_counts=True)
        often = counts >= _REDIRECTED_TO_ONE
        return dict(zip(keys[often].tolist(), counts[often].tolist(), strict=True))


def _as_placeholder(row: LedgerRow, reason: str) -> LedgerRow:
    return {**row, "outcome": "placeholder", "detail": reason}


def _is_redirected(row: LedgerRow) -> bool:
    if row["final_url"] in (row["url"], row["url_orig"]):
        return False
    return row["final_url"] not in (_requested(row["url"]), _requested(row["url_orig"]))


def _requested(url: str) -> str:
    """Return the form in which a URL is requested."""
    try:
        return str(Address.parse(url))
    except Failed:
        return url
