"""What a model says of the images that are to be annotated, and how much it doubts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import MANIFEST_COLUMNS, MODEL_PREDICTION_COLUMNS
from affectflow.core.errors import UserError
from affectflow.core.parallel import batched, over_threads
from affectflow.core.progress import progress
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, face_of
from affectflow.faces.crop import crop
from affectflow.media.image_store import read_image
from affectflow.media.pixels import Encoded
from affectflow.prediction.model import TrainedModel
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import parquet_rows

_WINDOW = 224 / 256  # of a side, as Krizhevsky et al. 2012 have it


def predict_affect(
    model: TrainedModel, manifest: Path, images: Path, faces: Sequence[Path], threads: int, out: Path
) -> int:
    """Write valence, arousal and spread of each image of a manifest; returns their number.

    Both are means over ten views of the image; their spread is the root of the sum of both variances: what changes
    when the view does, the model does not know (test-time augmentation, Ayhan and Berens 2018, "Test-time data
    augmentation for estimation of heteroscedastic aleatoric uncertainty"). Images are cropped around the faces that
    the tables ``faces`` know, others in their center. One batch is in memory at a time. Raises :class:`UserError` for
    a model without valence and arousal.
    """
    if "valence_arousal" not in model.card["heads"]:
        raise UserError("This model says nothing of valence and arousal; name one that has the head valence_arousal.")
    rows = {row["image_sha256"]: row["file_name"] for row in read_csv(manifest, MANIFEST_COLUMNS)}
    seen = {row["sha256"]: face_of(row) for table in faces for row in parquet_rows(table, FACES_SCHEMA)}
    with progress(len(rows), "image", "prediction") as bar:

        def lines() -> Iterator[tuple[str, ...]]:
            cropped = _cropped(rows, images, seen, model.image_size, threads)
            for names, crops in zip(batched(rows, model.batch_size), batched(cropped, model.batch_size), strict=True):
                said = np.stack([model.answer(view).affect for view in ten_views(np.stack(crops))]).astype(float)
                if not np.isfinite(said).all():
                    raise UserError("This model gives no numbers for some images; train it again.")
                means, spreads = np.clip(said.mean(axis=0), -1, 1), np.sqrt(said.var(axis=0).sum(axis=1))
                for name, (valence, arousal), spread in zip(names, means, spreads, strict=True):
                    yield name, f"{valence:.6f}", f"{arousal:.6f}", f"{spread:.6f}"
                bar.update(len(names))

        write_csv(out, MODEL_PREDICTION_COLUMNS, lines())
    return len(rows)


def ten_views(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The four corners and the center of images, uint8 [n, side, side, 3], and their mirror images (Krizhevsky et al.
    2012, "ImageNet classification with deep convolutional neural networks", section 4.1); each with 7/8 of the side."""
    side = images.shape[1]
    window = max(1, round(_WINDOW * side))
    end, middle = side - window, (side - window) // 2
    for top, left in ((0, 0), (0, end), (end, 0), (end, end), (middle, middle)):
        view = images[:, top : top + window, left : left + window]
        yield view
        yield view[:, :, ::-1]


def _cropped(
    rows: Mapping[str, str], images: Path, seen: Mapping[str, Face | None], size: int, threads: int
) -> Iterator[NDArray[np.uint8]]:
    def cropped(row: tuple[str, str]) -> NDArray[np.uint8]:
        sha256, file_name = row
        pixels = Encoded(read_image(images, file_name, sha256), file_name).rgb()
        return crop(pixels, seen.get(sha256), size)

    return over_threads(cropped, rows.items(), threads)
