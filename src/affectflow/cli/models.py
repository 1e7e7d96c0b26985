"""Commands that train, predict and score."""

from __future__ import annotations

import argparse

from affectflow.core.code import modules_digest
from affectflow.core.errors import UserError


def fetch_weights(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.training.backbones import fetch_weights

    record = options.out.with_name(f"{options.out.name}.sha256")
    fetch_weights(options.backbone, config.load(options.config)["pretrained"]["base_url"], options.out, record)


def train(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.plan import Plan
    from affectflow.training.recipe import Recipe
    from affectflow.training.train import Outputs, Places, TrainingData, train

    settings = config.load(options.config)
    plan = Plan(settings)
    if plan.models.weights(options.run) is not None and options.weights is None:
        raise UserError(f"{options.run} starts from {plan.models.weights(options.run)}; name that file with --weights.")
    train(
        Recipe.of(plan.models.recipe(options.run), options.weights),
        TrainingData(options.train, options.validation, settings["records"]["image_size"], plan.synthetic),
        threads=options.threads,
        places=Places(options.out / "state", options.out / "tensorboard"),
        outputs=Outputs(
            model=options.out / "model.keras",
            history=options.out / "history.csv",
            metadata=options.out / "model.json",
            reliability=options.out / "reliability.csv",
        ),
    )


def write_frames(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.records.encoding import ImageEncoding
    from affectflow.records.frames import Source, write_frames

    count = write_frames(
        Source(options.dataset, options.root, options.split, options.faces),
        options.hold,
        ImageEncoding.of(config.load(options.config)["records"]),
        options.processes,
        options.out,
        options.out.with_name(f"{options.out.stem}_left_out.csv"),
    )
    print(f"{count} frames")


def predict_records(options: argparse.Namespace) -> None:
    from affectflow.faces.crop import FACE
    from affectflow.prediction.model import METADATA, MODEL, TrainedModel
    from affectflow.prediction.records import predict_records
    from affectflow.records.access import crops_of

    missing = [path for path in options.records if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} does not exist; give files of write-frames or write-records.")
    model = TrainedModel(options.model / MODEL, options.model / METADATA, options.batch_size)
    if model.sees_faces and FACE not in crops_of(options.records):
        raise UserError(
            f"{options.model} was trained on crops around the face, and {options.records[0]} holds none; give the "
            "table of the set's faces to write-frames with --faces (affectflow find-faces writes it)."
        )
    beside = [path.with_name(f"{path.stem}_left_out.csv") for path in options.records]
    count = predict_records(
        model,
        options.records,
        [path for path in beside if path.is_file()],
        groups=None,
        out=options.out,
        left_out=options.out.with_name(f"{options.out.stem}_left_out.csv"),
    )
    print(f"{count} frames")


def predict(options: argparse.Namespace) -> None:
    from affectflow.prediction.reader import load

    reader = load(
        options.model,
        detector=options.detector,
        config=options.config,
        cropped=options.cropped,
        batch_size=options.batch_size,
        emotions=options.emotions,
    )
    troubles = reader.write(options.paths, options.out, options.overlay, options.seconds)
    if troubles:
        more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        raise UserError(f"{troubles[0]}{more}; the column problem says what, all else is written.")


def score(options: argparse.Namespace) -> None:
    import tempfile
    from collections import Counter
    from pathlib import Path

    from affectflow.core.cache import fingerprint
    from affectflow.datasets import get_dataset
    from affectflow.datasets.media import MetadataOnly
    from affectflow.datasets.synthetic import is_drawn
    from affectflow.evaluation.external import UNASKED, lay_beside, read_answers
    from affectflow.evaluation.outputs import Part
    from affectflow.evaluation.protocols import protocol
    from affectflow.evaluation.score import score
    from affectflow.evaluation.summary import table

    wanted = protocol(options.benchmark, options.protocol)
    if not options.predictions.exists():
        raise UserError(f"{options.predictions} does not exist; name the file or folder of the predictions.")
    answers = read_answers(options.predictions)
    dataset = get_dataset(options.benchmark, options.root, options.split, MetadataOnly())
    name = options.name or options.predictions.stem
    with tempfile.TemporaryDirectory() as folder:
        predictions, left_out = Path(folder) / "predictions.parquet", Path(folder) / "left_out.csv"
        answered = lay_beside(dataset, answers, predictions, left_out)
        unused = answers.left_out + Counter({UNASKED: len(answers.by_key) - answered})
        described = {"synthetic": is_drawn(options.root), "program": answers.program, "unused_rows": dict(unused)}
        cited = {"predictions": options.predictions} if options.predictions.is_file() else {}
        score(
            wanted,
            name,
            [Part(name, predictions, left_out, described, cited)],
            snapshot=None,
            draws=options.draws,
            config_sha256=fingerprint([wanted.target, options.split, options.draws]),
            code_sha256=modules_digest("affectflow.evaluation.score", "affectflow.evaluation.external"),
            out=options.out,
        )
    print(f"{answers.program} by {wanted.title}, version {wanted.version}")
    print(table([options.out]))


def overlap(options: argparse.Namespace) -> None:
    import tempfile
    from pathlib import Path

    from affectflow.evaluation.leakage import Side, check_leakage, digest_images

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
    print(
        f"{found['images']} images of the benchmark: {found['exact']} are among the {found['compared_with']} that "
        f"were trained on, {found['near']} look like one of them; {found['subjects']} people are in both"
    )


def summarize(options: argparse.Namespace) -> None:
    from affectflow.evaluation.summary import summarize

    summarize(options.files, options.out)


def scores(options: argparse.Namespace) -> None:
    from affectflow.evaluation.summary import table

    missing = [path for path in options.files if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} does not exist; run snakemake {missing[0]} first.")
    print(table(options.files))
