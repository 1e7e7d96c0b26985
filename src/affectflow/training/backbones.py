"""The networks below the heads by name, and where their ImageNet weights come from. Light: no tensor is touched."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.core.fetch import fetch_file
from affectflow.tables.csv_files import read_facts

_TABLE = Path(__file__).with_name("backbones.csv")
_COLUMNS = ("name", "weights", "digest", "scaling")


@dataclass(frozen=True, slots=True)
class Backbone:
    """A class of ``keras.applications`` or a baseline; see ``backbones.csv`` for the meaning of the others."""

    application: str
    weights: str
    digest: str
    scaling: str

    @property
    def name(self) -> str:
        """As files are named by it."""
        return _plain(self.application)

    @property
    def algorithm(self) -> str:
        """Of the digest, as :mod:`hashlib` names it."""
        return "sha256" if len(self.digest) == 64 else "md5"


_BASELINES = tuple(Backbone(name, weights="", digest="", scaling="tf") for name in ("Constant", "GreyPixels"))


def find_backbone(name: str) -> Backbone:
    """By the class's name, in any case and with or without underscores: ``resnet50v2``, ``ResNet50V2``.

    ``constant`` and ``grey_pixels`` are the baselines of :mod:`affectflow.training.network`. Raises
    :class:`UserError` for a network that ``keras.applications`` has not.
    """
    table = {**_table(), **{backbone.name: backbone for backbone in _BASELINES}}
    found = table.get(_plain(name))
    if found is None:
        near = difflib.get_close_matches(_plain(name), table, n=1)
        known = [table[key].application for key in near or table]
        hint = f"did you mean {known[0]}?" if near else f"known are {', '.join(known)}."
        raise UserError(f"There is no backbone {name!r}; {hint}")
    return found


def all_backbones() -> list[Backbone]:
    """All of ``keras.applications``."""
    return list(_table().values())


@cache
def _table() -> dict[str, Backbone]:
    rows = (Backbone(*(row[column] for column in _COLUMNS)) for row in read_facts(_TABLE, _COLUMNS))
    return {row.name: row for row in rows}


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


_KEY = "models.<name>.weights"


def fetch_weights(backbone: str, base_url: str, out: Path, record: Path) -> None:
    """Fetch a backbone's weights without top, and write down their SHA-256 under ``record`` at the first time.

    Raises :class:`UserError` as :func:`affectflow.core.fetch.fetch_file`, and where a later file is another than the
    first.
    """
    wanted = find_backbone(backbone)
    url = f"{base_url.rstrip('/')}/{wanted.weights}"
    known = record.read_text(encoding="ascii").strip() if record.is_file() else None
    if known is not None:
        fetch_file(url, "sha256", known, _KEY, out)
        return
    fetch_file(url, wanted.algorithm, wanted.digest or None, _KEY, out)
    with atomic_write(record) as partial:
        partial.write_text(f"{file_sha256(out)}\n", encoding="ascii")


def check_weights(path: Path, key: str) -> None:
    """Raise :class:`UserError` where a file of one's own is not there."""
    if not path.is_file():
        raise UserError(f"{path} does not exist; put the weights file (without top) there or correct {key}.")
