"""Commands that train, predict and score beside the workflow."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from affectflow.cli.options import (
    Configfiles,
    Int,
    PositiveFloat,
    PositiveInt,
    Several,
    check_derived,
    check_exists,
    configuration,
)
from affectflow.core.errors import UserError
from affectflow.core.stage import Output


def train_model(
    run: str,
    *,
    train: Annotated[list[Path], Several],
    validation: Annotated[list[Path], Several],
    out: Output,
    weights: Path | None = None,
    detector: Path | None = None,
    threads: Int = 0,
    configfile: Configfiles = (),
) -> None:
    """Train a model of the configuration on TFRecords.

    Args:
        run: Name of the model, or of one of its seeds or folds.
        train: Files to learn from.
        validation: Files for early stopping, calibration and thresholds.
        out: Folder of the model.
        weights: What the backbone starts from, where the model needs a file.
        detector: YuNet's file, where faces were searched for; the workflow's by default.
        threads: CPU cores; 0 for all.
    """
    from affectflow.faces.detector_file import DETECTOR
    from affectflow.plan import Plan
    from affectflow.training.stages import train_model as fit

    settings = configuration(configfile)
    plan = Plan(settings)
    detector = detector or (Path(found) if (found := plan.faces.detector()) else None)
    if detector is not None:
        check_exists(detector, "give the face detector's file with --detector: it is kept beside the model")
    needed = plan.models.weights(run)
    if needed is not None and weights is None:
        raise UserError(f"{run} starts from {needed}; name that file with --weights.")
    fit(
        train,
        validation,
        model=out / "model.keras",
        history=out / "history.csv",
        metadata=out / "model.json",
        reliability=out / "reliability.csv",
        recipe=plan.models.recipe(run),
        synthetic=plan.synthetic,
        faces=plan.faces.alignment(),
        state=out / "state",
        board=out / "tensorboard",
        gpu=plan.models.gpus_of(run),
        checkpoint_minutes=settings["training"]["checkpoint_minutes"],
        cache_records=settings["training"]["cache_records"],
        tensorboard=settings["training"]["tensorboard"],
        image_size=settings["records"]["image_size"],
        weights=weights,
        detector=detector,
        face_detector=out / DETECTOR.name if detector else None,
        threads=threads,
    )


def predict(
    *paths: Annotated[Path, Parameter(required=True)],
    model: Path = Path("starter"),
    out: Output | None = None,
    overlay: Output | None = None,
    emotions: Literal["report2017", "emfacs", "du2014", "du2014compound"] = "emfacs",
    detector: Path | None = None,
    cropped: Annotated[bool, Parameter(negative=())] = False,
    neutral: Path | None = None,
    summary: Output | None = None,
    fps: PositiveFloat | None = None,
    seconds: float | None = None,
    batch_size: PositiveInt = 64,
) -> None:
    """Predict AUs, valence and arousal of the faces in images, folders of images, videos, or a camera's frames.

    Example: affectflow predict photo.jpg interview.mp4 --out predictions.csv

    Args:
        paths: Images, folders, videos; a camera is such as /dev/video0.
        model: A run in results/models, or the folder of a model; by default the starter model, which comes with
            affectflow and has seen rendered faces alone.
        out: A .csv, .json or .parquet file; CSV on standard output by default.
        overlay: Folder for images and videos into which the predictions are drawn.
        emotions: Table from which emotions follow, see affectflow facs.
        detector: YuNet's file; by default face_detector.onnx in the model's folder, or the one that affectflow
            fetch-detector keeps.
        cropped: Each image shows an aligned face; no face is searched for.
        neutral: A photograph of the person's neutral face, or a video (the one that is read, too) or folder in whose
            median the face is neutral; columns such as AU12_change say how much a probability is above it.
        summary: CSV file with a row for each face of a video, or of a folder of images: of each AU how often it is
            there, its mean and how often a minute it begins; means of valence and arousal; images without an answer.
        fps: How many frames of each second of a video or camera are read; all by default.
        seconds: How long a camera is read; until Ctrl-C by default.
        batch_size: Faces in a batch.
    """
    from affectflow.prediction.reader import load
    from affectflow.prediction.write import Outputs

    reader = load(
        model,
        detector=detector,
        cropped=cropped,
        batch_size=batch_size,
        emotions=emotions,
        neutral=neutral,
        fps=fps,
    )
    troubles = reader.write(list(paths), Outputs(out, overlay, summary), seconds, fps)
    if troubles:
        more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        raise UserError(f"{troubles[0]}{more}; the column problem says what, everything else is written.")


def adapt(
    data: Path,
    *,
    out: Output,
    model: Path = Path("starter"),
    split: str = "",
    detector: Path | None = None,
    cropped: Annotated[bool, Parameter(negative=())] = False,
    batch_size: PositiveInt = 64,
) -> None:
    """Fit a model's probabilities and thresholds to a few labelled people of your own; the network stays as it is.

    Example: affectflow adapt my-faces/ --model resnet --out adapted/

    Args:
        data: Folder of images with labels.csv, or of another data set.
        out: Folder of the adapted model, for affectflow predict --model.
        model: A run in results/models, or the folder of a model.
        split: Split of the data set; its training side by default, so that its test side stays to be scored.
        detector: YuNet's file, as of affectflow predict.
        cropped: Each image shows an aligned face; no face is searched for.
        batch_size: Faces in a batch.
    """
    from affectflow.prediction.adapt import adapt as fit
    from affectflow.prediction.adapt import table
    from affectflow.prediction.reader import open_predictor

    check_exists(data, "give the folder of a data set")
    folder, predictor = open_predictor(model, detector, cropped, batch_size)
    print(table(fit(predictor, folder, data, split, out)))


def predict_records(
    *records: Annotated[Path, Parameter(required=True)], model: Path, out: Output, batch_size: PositiveInt = 64
) -> None:
    """Run a trained model over a benchmark's records.

    Args:
        records: Files of write-frames, or of the test split.
        model: Folder with model.keras and model.json.
        out: Table of the predictions, .parquet.
        batch_size: Faces in a batch.
    """
    from affectflow.contracts.model_metadata import METADATA, MODEL
    from affectflow.datasets.face import FACE
    from affectflow.prediction.model import TrainedModel
    from affectflow.prediction.records import predict_records as predict
    from affectflow.records.access import crops_of

    missing = [file for file in records if not file.is_file()]
    if missing:
        raise UserError(f"{missing[0]} does not exist; give files of write-frames or write-records.")
    trained = TrainedModel(model / MODEL, model / METADATA, batch_size)
    if trained.sees_faces and FACE not in crops_of(records):
        raise UserError(
            f"{model} was trained on crops around the face, and {records[0]} holds none; give the "
            "table of the set's faces to write-frames with --faces (affectflow find-dataset-faces writes it)."
        )
    beside = [file.with_name(f"{file.stem}_left_out.csv") for file in records]
    left_out = out.with_name(f"{out.stem}_left_out.csv")
    check_derived([left_out], [*records, *beside])
    count = predict(
        trained,
        records,
        [file for file in beside if file.is_file()],
        groups=None,
        out=out,
        left_out=left_out,
    )
    print(f"{count} frames")


def compare(
    predictions: Path,
    others: Path,
    *,
    benchmark: str,
    root: Path,
    out: Output | None = None,
    protocol: str = "",
    split: str = "all",
) -> None:
    """Compare two sets of predictions on the same frames: differences with intervals, and p-values.

    Example: affectflow compare mine.csv theirs/ --benchmark disfa --root /data/DISFA

    Args:
        predictions: A file or folder of predictions, as of affectflow score.
        others: Another one, whose metrics are subtracted.
        benchmark: Name of the benchmark whose labels both are compared with.
        root: Folder of the benchmark.
        out: JSON file of all differences; p_holm in it is corrected for the number of AUs.
        protocol: Name of the protocol; the benchmark's default if left out.
        split: Split of the benchmark.
    """
    from affectflow.evaluation.compare import compare as write_comparison
    from affectflow.evaluation.external import external_run
    from affectflow.evaluation.outputs import RunPredictions
    from affectflow.evaluation.protocols import protocol as find_protocol
    from affectflow.evaluation.summary import table

    names = [predictions.stem, others.stem]
    if names[0] == names[1]:
        names = [str(predictions), str(others)]
    if names[0] == names[1]:
        raise UserError(f"Both are {predictions}; give two files or folders of predictions.")
    wanted = find_protocol(benchmark, protocol)
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, list[RunPredictions]] = {}
        for name, path in zip(names, (predictions, others), strict=True):
            place = Path(folder) / str(len(runs))
            place.mkdir()
            runs[name] = [external_run(path, name, benchmark, root, split, place).run]
        out = out or Path(folder) / "differences.json"
        write_comparison(wanted, runs, out)
        print(table([out]))


def check_leakage(
    *,
    benchmark: Annotated[str, Parameter(metavar="SET=FOLDER[@SPLIT]")],
    trained: Annotated[list[str], Parameter(metavar="SET=FOLDER[@SPLIT]")],
    out: Output,
    bits: Int = 6,
    processes: PositiveInt = 1,
) -> None:
    """Find the images and people of a benchmark that are in training data.

    Example: affectflow check-leakage --benchmark disfa=/data/DISFA --trained own=photos --out leakage.csv

    Args:
        benchmark: Name and folder of the benchmark.
        trained: Name and folder of a training set; once for each.
        out: Table of what is in both; its numbers are written beside it, as .json.
        bits: Bits of 256 in which near duplicates may differ.
        processes: How many processes read images.
    """
    from affectflow.inspection.leakage import Side, digest_images
    from affectflow.inspection.leakage import check_leakage as check
    from affectflow.media.near_duplicates import MAX_BITS

    if not 0 <= bits <= MAX_BITS:
        raise UserError(f"--bits {bits} is not between 0 and {MAX_BITS}; choose fewer.")
    if out.suffix == ".json":
        raise UserError(f"{out} is not a .csv file; give one, beside which a .json of the same name is written.")

    def side(text: str, folder: str) -> Side:
        name, equals, place = text.partition("=")
        root, _, split = place.partition("@")
        if not equals or not root:
            raise UserError(f"{text!r} is not NAME=FOLDER; give a data set and its folder, such as disfa=/data/disfa.")
        table = Path(folder) / f"{name}-{len(list(Path(folder).iterdir()))}.parquet"
        digest_images(name, Path(root), split or "all", processes, table)
        return Side(name, Path(root), split or "all", table)

    for text in (benchmark, *trained):
        root = Path(text.partition("=")[2].partition("@")[0])
        if out.resolve().is_relative_to(root.resolve()) and text.partition("=")[1]:
            raise UserError(f"--out {out} lies in {root}, which is read; write to another place.")
    with tempfile.TemporaryDirectory() as folder:
        scored, *learned = (side(text, folder) for text in [benchmark, *trained])
        found = check(scored, learned, bits, 0, out, out.with_suffix(".json"))
    print(found.summary())
