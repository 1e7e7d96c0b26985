"""Valence, arousal and their uncertainty for images to annotate, by test-time augmentation."""

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

_WINDOW = 224 / 256  # share of the side, as in Krizhevsky et al. 2012


def predict_affect(
    model: TrainedModel, manifest: Path, images: Path, faces: Sequence[Path], threads: int, out: Path
) -> int:
    """Predict valence, arousal and their uncertainty for each image of a manifest.

    Valence and arousal are means over ten views of the image; the spread is the square root of the sum of their
    variances over the views (Ayhan and Berens 2018, "Test-time data augmentation for estimation of heteroscedastic
    aleatoric uncertainty in deep neural networks"). One batch is in memory at a time.

    Args:
        model: The model.
        manifest: CSV of the images.
        images: Image store.
        faces: Tables of faces; images without a face in them are cropped at the center.
        threads: Number of threads that read and crop images.
        out: CSV to write.

    Returns:
        The number of images.

    Raises:
        UserError: The model has no head for valence and arousal, or its outputs are NaN or infinite.
    """
    if not model.metadata.has_affect:
        raise UserError(
            "This model does not predict valence and arousal; choose a model with the head valence_arousal."
        )
    rows = {row["image_sha256"]: row["file_name"] for row in read_csv(manifest, MANIFEST_COLUMNS)}
    face_of_image = {row["sha256"]: face_of(row) for table in faces for row in parquet_rows(table, FACES_SCHEMA)}
    with progress(len(rows), "image", "prediction") as bar:

        def lines() -> Iterator[tuple[str, ...]]:
            crops = _crops(rows, images, face_of_image, model.image_size, threads)
            for names, batch in zip(batched(rows, model.batch_size), batched(crops, model.batch_size), strict=True):
                affect = np.stack([model.predict(view).affect for view in ten_views(np.stack(batch))]).astype(float)
                if not np.isfinite(affect).all():
                    raise UserError("The model's outputs are NaN or infinite for some images; train it again.")
                means, spreads = np.clip(affect.mean(axis=0), -1, 1), np.sqrt(affect.var(axis=0).sum(axis=1))
                for name, (valence, arousal), spread in zip(names, means, spreads, strict=True):
                    yield name, f"{valence:.6f}", f"{arousal:.6f}", f"{spread:.6f}"
                bar.update(len(names))

        write_csv(out, MODEL_PREDICTION_COLUMNS, lines())
    return len(rows)


def ten_views(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield crops of images, uint8 [n, side, side, 3], at the corners and the center, each also mirrored.

    Their side is 7/8 of the images' (Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural
    networks", section 4.1).
    """
    side = images.shape[1]
    window = max(1, round(_WINDOW * side))
    end, middle = side - window, (side - window) // 2
    for top, left in ((0, 0), (0, end), (end, 0), (end, end), (middle, middle)):
        view = images[:, top : top + window, left : left + window]
        yield view
        yield view[:, :, ::-1]


def _crops(
    rows: Mapping[str, str], images: Path, face_of_image: Mapping[str, Face | None], size: int, threads: int
) -> Iterator[NDArray[np.uint8]]:
    def cropped_image(row: tuple[str, str]) -> NDArray[np.uint8]:
        sha256, file_name = row
        pixels = Encoded(read_image(images, file_name, sha256), file_name).rgb()
        return crop(pixels, face_of_image.get(sha256), size)

    return over_threads(cropped_image, rows.items(), threads)
