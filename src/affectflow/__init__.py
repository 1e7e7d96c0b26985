"""From a spreadsheet of image URLs to facial action unit and valence/arousal models, scored on benchmarks.

The public interface from Python; everything else is used through the workflow and the command ``affectflow``. Importing
the package imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectflow.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from affectflow.contracts.score import ScoreFile
    from affectflow.prediction.reader import Reader

__all__ = ["UserError", "__version__", "download_images", "load", "predict", "score"]
__version__ = "0.1.0"


def load(
    model: str | Path,
    detector: str | Path | None = None,
    cropped: bool = False,
    batch_size: int = 64,
    emotions: str = "emfacs",
) -> Reader:
    """Load a trained model; see :func:`affectflow.prediction.reader.load`.

    Args:
        model: Its folder, or the name of a run in ``results/models``.
        detector: YuNet's file, for models trained on faces; by default ``face_detector.onnx`` in the model's folder.
        cropped: Whether images are cropped around the face already, so that no detector is needed.
        batch_size: Number of faces in a batch.
        emotions: Table of emotions, see ``affectflow facs``.
    """
    from affectflow.prediction.reader import load

    return load(model, detector=detector, cropped=cropped, batch_size=batch_size, emotions=emotions)


def predict(*paths: str | Path, model: str | Path, detector: str | Path | None = None) -> pd.DataFrame:
    """Predict the faces in images, folders and videos; see :meth:`affectflow.prediction.reader.Reader.predict`.

    Args:
        *paths: Images, folders and videos.
        model: Folder of the model, or the name of a run in ``results/models``.
        detector: YuNet's file, for models trained on faces; by default ``face_detector.onnx`` in the model's folder.
    """
    return load(model, detector).predict(*paths)


def score(
    predictions: str | Path,
    benchmark: str,
    root: str | Path,
    protocol: str = "",
    split: str = "all",
    name: str = "",
    subjects: str | Path | None = None,
) -> ScoreFile:
    """Score anyone's predictions on a benchmark and return the content of the score file.

    Args:
        predictions: A file of OpenFace, py-feat, LibreFace or a CSV with ``video,frame,AU1,...``, or a folder of them.
        benchmark: Name of the benchmark, such as ``disfa``.
        root: Folder of the benchmark.
        protocol: Name of the protocol; the benchmark's default if left out.
        split: Split of the benchmark.
        name: Name of the model; the file's name if left out.
        subjects: Table ``subject,gender,age,...`` by whose columns scores are grouped.

    Raises:
        UserError: A file is missing or damaged, or predictions and labels share nothing.
    """
    import tempfile

    from affectflow.contracts.score import ScoreFile
    from affectflow.core.stage import code_of
    from affectflow.evaluation import stages

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "score.json"
        stages.score(
            Path(predictions),
            benchmark,
            Path(root),
            out,
            code=code_of(stages.score),
            protocol=protocol,
            split=split,
            name=name,
            subjects=None if subjects is None else Path(subjects),
        )
        return ScoreFile.read(out)


def download_images(urls: Iterable[str], destination: str | Path, **settings: Any) -> dict[str, int]:
    """Download images, as ``affectflow download`` does; calling it again resumes.

    Args:
        urls: The URLs.
        destination: Folder of the images, the ledger and the tables of failures.
        **settings: Keys of the section ``download`` of the configuration, such as ``timeout_s=10``.

    Returns:
        Number of URLs by outcome; ``ok`` counts the downloaded images.

    Raises:
        UserError: A setting is wrong, or the folder cannot be written.
    """
    import tempfile

    from affectflow.config import complete_section
    from affectflow.download.command import download
    from affectflow.download.partition import RetryPolicy
    from affectflow.download.settings import Settings

    how = Settings.of(complete_section("download", settings))
    folder = Path(destination)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as stream:
        stream.writelines(f"{url}\n" for url in urls)
        stream.flush()
        counts = download(Path(stream.name), folder, folder / "ledger.parquet", how, 1, RetryPolicy(), True)
    return dict(counts)
