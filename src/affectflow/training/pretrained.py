"""ImageNet weights as an input of the pipeline, checked against the MD5 that Keras pins."""

from __future__ import annotations

from pathlib import Path

from affectflow.fetched import fetch_file
from affectflow.training.backbones import BACKBONES


def fetch_weights(backbone: str, base_url: str, out: Path) -> None:
    """Fetch a backbone's weights without top; raises :class:`UserError` as :func:`affectflow.fetched.fetch_file`."""
    wanted = BACKBONES[backbone]
    url = f"{base_url.rstrip('/')}/{wanted.weights_path}"
    fetch_file(url, "md5", wanted.weights_md5, "models.<name>.weights", out)
