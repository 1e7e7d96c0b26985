"""Faces in anyone's images and videos: as a table, and as the crops that models are trained on."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from affectflow.core.atomic import atomic_write, check_not_read
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.datasets.face import Face
from affectflow.faces.crop import crop
from affectflow.faces.yunet import Detector
from affectflow.media.images import ImageError
from affectflow.media.sources import UNKNOWN_KIND, Shown, Source, find_sources
from affectflow.tables.csv_files import write_csv

NO_FACE = "no face"
_POINTS = tuple(f"{name}_{axis}" for name in ("eye_1", "eye_2", "nose", "mouth_1", "mouth_2") for axis in "xy")
FACE_COLUMNS = (
    "source",
    "frame",
    "time",
    "face",
    "score",
    "left",
    "top",
    "width",
    "height",
    *_POINTS,
    "turn",
    "problem",
)
"""A row for each face, from 1, the most prominent first, with its box and five points in pixels, and by how many
degrees the image must be turned counterclockwise so that the face is upright; one row with face 0 for an image without
a face, or with a problem."""
CROP_COLUMNS = ("source", "crop", "problem")
Row = dict[str, Any]


def find_faces_in(paths: Sequence[Path], detector: Detector, out: Path) -> int:
    """Write a table of all faces in images, folders and videos.

    Args:
        paths: Images, folders and videos.
        detector: The detector.
        out: A ``.csv``, ``.json`` or ``.parquet`` file, columns :data:`FACE_COLUMNS`.

    Returns:
        The number of faces.

    Raises:
        UserError: A path does not exist, or ``out`` has another suffix.
    """
    write = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}.get(out.suffix.lower())
    if write is None:
        raise UserError(f"{out} is not a .csv, .json or .parquet file; choose one of these.")
    rows = [row for shown in _shown(paths) for row in _face_rows(shown, detector)]
    write(out, rows)
    return sum(row["face"] > 0 for row in rows)


def crop_files(paths: Sequence[Path], detector: Detector, size: int, out: Path) -> tuple[int, int]:
    """Write the crop of the most prominent face of each image, as a PNG under the image's name.

    Args:
        paths: Images and folders of them.
        detector: The detector.
        size: Side of the crops in pixels.
        out: Folder of the crops, and of ``crops.csv`` with a row for each image: its crop, or why there is none.

    Returns:
        The number of crops, and of images without one.

    Raises:
        UserError: A path does not exist.
    """
    rows: list[Row] = []
    sources = [source for source in _sources(paths) if source.kind != "video"]
    names = _crop_names([source.name for source in sources])
    for name in names.values():  # before any is read
        check_not_read(out / name)
    with progress(len(sources), "image", "crop") as bar:
        for source in sources:
            bar.update()
            for shown in source.images():
                name = names[source.name]
                problem = _write_crop(shown, detector, size, out / name)
                rows.append({"source": shown.source, "crop": "" if problem else name, "problem": problem})
    write_csv(out / "crops.csv", CROP_COLUMNS, ([row[name] for name in CROP_COLUMNS] for row in rows))
    lost = sum(bool(row["problem"]) for row in rows)
    return len(rows) - lost, lost


def _crop_names(sources: Sequence[str]) -> dict[str, str]:
    """Return the name of each image's crop; where images differ in their endings alone, these stay in the names."""
    stems = Counter(str(Path(source).with_suffix("")) for source in sources)
    alone = {source: stems[str(Path(source).with_suffix(""))] == 1 for source in sources}
    return {source: f"{Path(source).with_suffix('') if alone[source] else source}.png" for source in sources}


def _write_crop(shown: Shown, detector: Detector, size: int, out: Path) -> str:
    """Write a crop; return why there is none, or nothing."""
    if shown.image is None:
        return shown.problem
    try:
        pixels = shown.image.rgb()
    except (ImageError, UserError) as error:
        return str(error)
    face = detector.find(pixels)
    if face is None:
        return NO_FACE
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as partial:
        Image.fromarray(crop(pixels, face, size)).save(partial, "PNG")
    return ""


def _face_rows(shown: Shown, detector: Detector) -> Iterator[Row]:
    where = {
        "source": shown.source,
        "frame": shown.frame or None,
        "time": None if math.isnan(shown.time) else round(shown.time, 6),
    }
    empty: Row = dict.fromkeys(FACE_COLUMNS)
    problem, faces = shown.problem, []
    if shown.image is not None:
        try:
            faces = detector.find_all(shown.image.rgb())
        except (ImageError, UserError) as error:
            problem = str(error)
    if not faces:
        yield {**empty, **where, "face": 0, "problem": problem or NO_FACE}
    for number, face in enumerate(faces, start=1):
        yield {**empty, **where, "face": number, **_cells(face), "problem": ""}


def _cells(face: Face) -> Row:
    box = dict(zip(("left", "top", "width", "height"), face.box, strict=True))
    return {"score": face.score, **box, **dict(zip(_POINTS, face.points, strict=False)), "turn": face.turn}


def _sources(paths: Iterable[Path]) -> list[Source]:
    return [source for source in find_sources(list(paths)) if source.named or source.problem != UNKNOWN_KIND]


def _shown(paths: Iterable[Path]) -> Iterator[Shown]:
    with progress(None, "image", "faces") as bar:
        for source in _sources(paths):
            for shown in source.images():
                bar.update()
                yield shown


def _write_csv(out: Path, rows: Sequence[Row]) -> None:
    cells = (["" if row[name] is None else row[name] for name in FACE_COLUMNS] for row in rows)
    write_csv(out, FACE_COLUMNS, cells)


def _write_json(out: Path, rows: Sequence[Row]) -> None:
    with atomic_write(out) as partial:
        partial.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")


def _write_parquet(out: Path, rows: Sequence[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_write(out) as partial:
        pq.write_table(pa.Table.from_pylist(list(rows), _parquet_schema()), partial)


def _parquet_schema() -> Any:
    import pyarrow as pa

    kinds = {"source": pa.string(), "problem": pa.string(), "frame": pa.int64(), "face": pa.int64(), "turn": pa.int64()}
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in FACE_COLUMNS])
