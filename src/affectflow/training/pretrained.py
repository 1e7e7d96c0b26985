"""ImageNet weights as an input of the pipeline: fetched once, checked against the MD5 that Keras pins."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from affectflow.errors import UserError
from affectflow.tables import whole
from affectflow.training.backbones import BACKBONES

_TIMEOUT_S = 60


def fetch_weights(backbone: str, base_url: str, out: Path) -> None:
    """Fetch a backbone's weights without top. Raises :class:`UserError`, saying which file to put where, when they
    cannot be had or are not the published ones."""
    wanted = BACKBONES[backbone]
    url = f"{base_url.rstrip('/')}/{wanted.weights_path}"
    remedy = f"fetch {url} elsewhere (MD5 {wanted.weights_md5}) and set models.<name>.weights to its path"
    try:
        with whole(out) as partial:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response, partial.open("wb") as stream:
                shutil.copyfileobj(response, stream)
            with partial.open("rb") as stream:
                found = hashlib.file_digest(stream, "md5").hexdigest()
            if found != wanted.weights_md5:
                raise UserError(f"{url} has the MD5 {found}, not {wanted.weights_md5}; {remedy}.")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{url} cannot be fetched ({reason}); {remedy}.") from None
