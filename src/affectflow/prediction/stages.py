"""Stages that run trained models over records and images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage

BatchSize = Annotated[int, Setting("evaluation.batch_size")]


@stage(
    "prediction",
    "contracts.model_metadata",
    "training",
    "records",
    "datasets",
    "faces",
    "facs",
    "media",
    "metrics.scaling",
)
def predict_benchmark(
    frames: list[Path],
    model: Path,
    metadata: Path,
    predictions: Output,
    left_out: Output,
    benchmark: str,
    lost: tuple[Path, ...] = (),
    fold: str = "all",
    batch_size: BatchSize = 64,
) -> str:
    """Predict every frame of a benchmark's records.

    Args:
        frames: Files of write-frames or write-records.
        model: The model's model.keras.
        metadata: The model's model.json.
        predictions: Table of predictions and labels.
        left_out: Table of frames without a prediction, with the reason.
        lost: Tables of frames that were left out of the records.
        benchmark: Name of the benchmark.
        fold: Split of a benchmark with folds whose subjects are predicted; all for everyone.
    """
    from affectflow.cluster.lease import lease_gpus
    from affectflow.datasets import info

    gpus = lease_gpus(1)  # noqa: F841  # kept until the end; before TensorFlow, which takes all that it sees
    from affectflow.prediction.model import TrainedModel
    from affectflow.prediction.records import predict_records

    count = predict_records(
        TrainedModel(model, metadata, batch_size),
        frames,
        lost=list(lost),
        groups=info(benchmark).subjects_of(fold),
        out=predictions,
        left_out=left_out,
    )
    return f"{count} frames"


@stage(
    "prediction",
    "contracts.model_metadata",
    "annotation.columns",
    "datasets",
    "faces",
    "facs",
    "media",
    "metrics.scaling",
    "training",
)
def predict_affect(
    manifest: Path,
    model: Path,
    metadata: Path,
    predictions: Output,
    images: Path,
    faces: tuple[Path, ...] = (),
    batch_size: BatchSize = 64,
    threads: int = 1,
) -> str:
    """Predict valence, arousal and their uncertainty for the images that are to be annotated.

    Args:
        manifest: Table of the annotation videos' frames.
        model: The model's model.keras.
        metadata: The model's model.json.
        predictions: Table of the predictions.
        images: Folder of the image store.
        faces: Tables of the images' faces.
    """
    from affectflow.cluster.lease import lease_gpus

    gpus = lease_gpus(1)  # noqa: F841  # kept until the end; before TensorFlow, which takes all that it sees
    from affectflow.prediction.model import TrainedModel
    from affectflow.prediction.uncertainty import predict_affect as predict

    count = predict(
        TrainedModel(model, metadata, batch_size),
        manifest,
        images=images,
        faces=list(faces),
        threads=threads,
        out=predictions,
    )
    return f"{count} images"
