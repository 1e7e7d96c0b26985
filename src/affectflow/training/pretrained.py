"""ImageNet weights as an input of the pipeline, checked against the digest that Keras pins."""

from __future__ import annotations

from pathlib import Path

from affectflow.errors import UserError
from affectflow.fetched import fetch_file
from affectflow.fingerprint import file_sha256
from affectflow.tables import whole
from affectflow.training.backbones import find_backbone

_KEY = "models.<name>.weights"


def fetch_weights(backbone: str, base_url: str, out: Path, record: Path) -> None:
    """Fetch a backbone's weights without top, and write down their SHA-256 under ``record`` at the first time.

    Raises :class:`UserError` as :func:`affectflow.fetched.fetch_file`, and where a later file is another than the
    first.
    """
    wanted = find_backbone(backbone)
    url = f"{base_url.rstrip('/')}/{wanted.weights}"
    known = record.read_text(encoding="ascii").strip() if record.is_file() else None
    if known is not None:
        fetch_file(url, "sha256", known, _KEY, out)
        return
    fetch_file(url, wanted.algorithm, wanted.digest or None, _KEY, out)
    with whole(record) as partial:
        partial.write_text(f"{file_sha256(out)}\n", encoding="ascii")


def check_weights(path: Path, key: str) -> None:
    """Raise :class:`UserError` where a file of one's own is not there."""
    if not path.is_file():
        raise UserError(f"{path} does not exist; put the weights file (without top) there or correct {key}.")
