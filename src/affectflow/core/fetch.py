"""Files that others publish, as inputs of the pipeline: fetched once, checked against a known digest."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError

_TIMEOUT_S = 60


def fetch_file(url: str, algorithm: str, digest: str | None, otherwise: str, out: Path) -> None:
    """Fetch a file and check its digest.

    Args:
        url: Address of the file.
        algorithm: Algorithm of the digest, as :mod:`hashlib` names it.
        digest: The known digest in hex, None to accept any content.
        otherwise: What to do with a file that was fetched elsewhere, for messages.
        out: The file to write.

    Raises:
        UserError: If the file cannot be fetched or has another digest.
    """
    name = algorithm.upper().replace("SHA", "SHA-")
    pinned = f" ({name} {digest})" if digest is not None else ""
    remedy = f"fetch {url} elsewhere{pinned} and {otherwise}"
    request = urllib.request.Request(url, headers={"User-Agent": "affectflow"})  # some sites refuse Python's own
    try:
        with atomic_write(out) as partial:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response, partial.open("wb") as stream:
                shutil.copyfileobj(response, stream)
                announced = response.headers.get("Content-Length")
            if announced is not None and (size := partial.stat().st_size) != int(announced):
                raise ConnectionError(f"{size:,} of {int(announced):,} bytes came")
            with partial.open("rb") as stream:
                found = hashlib.file_digest(stream, algorithm).hexdigest()
            if digest is not None and found != digest:
                raise UserError(f"{url} has the {name} {found}, not {digest}; {remedy}.")
    except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{url} cannot be fetched ({reason}); {remedy}.") from None
