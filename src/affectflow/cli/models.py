"""Commands that train, predict and score beside the workflow."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from affectflow.cli.options import CONFIGFILE, Commands, add_command, configuration, option, path, positive
from affectflow.core.errors import UserError


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    add_command(
        commands,
        "train-model",
        train_model,
        "Train a run of the catalogue on TFRecords.",
        option("run"),
        path("--train", nargs="+"),
        path("--validation", nargs="+"),
        path("--weights", default=None),
        option("--threads", type=int, default=0),
        path("--out"),
        CONFIGFILE,
    )
    add_command(
        commands,
        "predict",
        predict,
        "Predict AUs, valence and arousal of the faces in images, folders, videos, or before a camera.",
        path("paths", "a camera is such as /dev/video0", nargs="+", metavar="PATH"),
        option("--model", "a run in results/models, or the folder of a model (resnet)", default="resnet"),
        path("--out", "CSV on standard output by default", default=None, metavar="CSV|JSON"),
        path("--overlay", "draw the predictions into the images and videos", default=None, metavar="FOLDER"),
        option("--emotions", "report2017, emfacs or du2014", default="emfacs"),
        path("--detector", "YuNet's file; the workflow's by default", default=None),
        option("--cropped", "each image shows an aligned face; none is searched for", action="store_true"),
        option("--seconds", "of a camera; until Ctrl-C by default", type=float),
        option("--batch-size", type=positive, default=64),
    )
    add_command(
        commands,
        "predict-records",
        predict_records,
        "Run a trained model over a benchmark's records.",
        path("records", "files of write-frames, or of the test split", nargs="+"),
        path("--model", "folder with model.keras and model.json"),
        option("--batch-size", type=positive, default=64),
        path("--out"),
    )
    add_command(
        commands,
        "check-leakage",
        check_leakage,
        "Find the images and people of a benchmark that are in training data.",
        option("--benchmark", "such as disfa=/data/disfa", required=True, metavar="SET=FOLDER[@SPLIT]"),
        option("--trained", "for each set", required=True, action="append", metavar="SET=FOLDER[@SPLIT]"),
        option("--bits", "of 256, in which near duplicates may differ", type=int, default=6),
        option("--processes", type=positive, default=1),
        path("--out", "table of what is in both; its numbers are written beside it, as .json"),
    )


def train_model(options: argparse.Namespace) -> None:
    from affectflow.plan import Plan
    from affectflow.training.stages import train_model as train

    settings = configuration(options)
    plan = Plan(settings)
    weights = plan.models.weights(options.run)
    if weights is not None and options.weights is None:
        raise UserError(f"{options.run} starts from {weights}; name that file with --weights.")
    train(
        options.train,
        options.validation,
        model=options.out / "model.keras",
        history=options.out / "history.csv",
        metadata=options.out / "model.json",
        reliability=options.out / "reliability.csv",
        recipe=plan.models.recipe(options.run),
        synthetic=plan.synthetic,
        faces=plan.faces.alignment(),
        state=options.out / "state",
        board=options.out / "tensorboard",
        gpu=plan.models.gpus_of(options.run),
        checkpoint_minutes=settings["training"]["checkpoint_minutes"],
        cache_records=settings["training"]["cache_records"],
        tensorboard=settings["training"]["tensorboard"],
        image_size=settings["records"]["image_size"],
        weights=options.weights,
        threads=options.threads,
    )


def predict(options: argparse.Namespace) -> None:
    from affectflow.prediction.reader import load

    reader = load(
        options.model,
        detector=options.detector,
        cropped=options.cropped,
        batch_size=options.batch_size,
        emotions=options.emotions,
    )
    troubles = reader.write(options.paths, options.out, options.overlay, options.seconds)
    if troubles:
        more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        raise UserError(f"{troubles[0]}{more}; the column problem says what, everything else is written.")


def predict_records(options: argparse.Namespace) -> None:
    from affectflow.contracts.model_metadata import METADATA, MODEL
    from affectflow.datasets.face import FACE
    from affectflow.prediction.model import TrainedModel
    from affectflow.prediction.records import predict_records
    from affectflow.records.access import crops_of

    missing = [file for file in options.records if not file.is_file()]
    if missing:
        raise UserError(f"{missing[0]} does not exist; give files of write-frames or write-records.")
    model = TrainedModel(options.model / MODEL, options.model / METADATA, options.batch_size)
    if model.sees_faces and FACE not in crops_of(options.records):
        raise UserError(
            f"{options.model} was trained on crops around the face, and {options.records[0]} holds none; give the "
            "table of the set's faces to write-frames with --faces (affectflow find-dataset-faces writes it)."
        )
    beside = [file.with_name(f"{file.stem}_left_out.csv") for file in options.records]
    count = predict_records(
        model,
        options.records,
        [file for file in beside if file.is_file()],
        groups=None,
        out=options.out,
        left_out=options.out.with_name(f"{options.out.stem}_left_out.csv"),
    )
    print(f"{count} frames")


def check_leakage(options: argparse.Namespace) -> None:
    from affectflow.inspection.leakage import Side, check_leakage, digest_images

    if not 0 <= options.bits < 16:
        raise UserError(f"--bits {options.bits} is not between 0 and 15; choose fewer.")
    if options.out.suffix == ".json":
        raise UserError(f"{options.out} is to be a table, with a .json beside it; name it .csv.")

    def side(text: str, folder: str) -> Side:
        name, equals, place = text.partition("=")
        root, _, split = place.partition("@")
        if not equals or not root:
            raise UserError(f"{text!r} is not a data set and its folder, such as disfa=/data/disfa.")
        table = Path(folder) / f"{name}-{len(list(Path(folder).iterdir()))}.parquet"
        digest_images(name, Path(root), split or "all", options.processes, table)
        return Side(name, Path(root), split or "all", table)

    with tempfile.TemporaryDirectory() as folder:
        benchmark, *trained = (side(text, folder) for text in [options.benchmark, *options.trained])
        found = check_leakage(benchmark, trained, options.bits, options.out, options.out.with_suffix(".json"))
    print(found.summary())
