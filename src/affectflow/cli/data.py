"""Commands that prepare data: each maps its options onto one call."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.atomic import atomic_write
from affectflow.core.code import modules_digest

if TYPE_CHECKING:
    from affectflow.records.encoding import ImageEncoding


def ingest(options: argparse.Namespace) -> None:
    from affectflow.spreadsheet.ingest import ingest
    from affectflow.tables.files import table_files

    tables = [file for table in options.tables for file in table_files(table)]
    for what, count in ingest(tables, options.labels, options.rejects).most_common():
        print(f"{count} rows: {what}")


def inspect(options: argparse.Namespace) -> None:
    from affectflow.core.errors import UserError
    from affectflow.inspection.recognize import EMOTIONET_TABLES, recognize

    name = options.dataset or recognize(options.path)
    lines: list[str] = []
    if name == EMOTIONET_TABLES:
        from affectflow.inspection.tables import rates, survey_tables
        from affectflow.tables.files import table_files

        found = survey_tables(table_files(options.path))
        lines = ["positive (known of the manual set):", *rates(found)]
    else:
        from affectflow.inspection.survey import survey

        found = survey(name, options.path)
    print(f"{options.path} is {name}", found.text(), *lines, sep="\n")
    for problem in found.problems[: options.problems]:
        print(f"problem: {problem}")
    if found.problems:
        raise UserError(
            f"{options.path} has {len(found.problems):,} problems; mend them, or they end or cost something."
        )


def name_files(options: argparse.Namespace) -> None:
    from affectflow.download.name_files import write_file_names

    print(f"{write_file_names(options.labels, options.snapshot, options.file_names)} distinct URLs")


def make_batches(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.annotation.videos import make_batches

    settings = config.load(options.config)["annotation"]
    count = make_batches(
        options.ledger,
        options.images,
        options.manifest,
        options.state,
        frames_per_batch=settings["frames_per_batch"],
        frame_rate=settings["frame_rate"],
        size=settings["image_size"],
        code=modules_digest("affectflow.annotation.videos"),
    )
    print(f"{count} batches")


def annotate(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.annotation.model_predictions import predictions_path, read_model_predictions
    from affectflow.annotation.server.serve import Entrance, serve, serve_videos
    from affectflow.core.errors import UserError
    from affectflow.plan.data import marker_of
    from affectflow.plan.runs import parse_run

    settings = config.load(options.config, *options.configfile)
    folder = options.out or settings["data"]["annotations"]
    if folder is None:
        raise UserError("There is no folder for annotations; set data.annotations, or give --out.")
    if marker_of(str(folder)):
        raise UserError(f"{folder} is the demo's, which draws it anew; set data.annotations to yours, or give --out.")
    at = Entrance(options.annotator, options.host, options.port, options.browser)
    if options.videos is not None:
        if options.model or options.batch:
            raise UserError("--videos is for videos of yours, --model and --batch for images; leave one out.")
        serve_videos(options.videos, Path(folder), at)
        return
    if options.model:
        parse_run(options.model, settings["models"])
    annotation = settings["annotation"]
    serve(
        Path("results/annotation/manifest.csv"),
        Path("results/emotionet/images"),
        Path(folder),
        annotation["frame_rate"],
        annotation["repeats"],
        read_model_predictions(predictions_path(options.model), options.model) if options.model else None,
        options.batch,
        at,
    )


def merge_traces(options: argparse.Namespace) -> None:
    from affectflow.annotation.consensus import MergeOptions
    from affectflow.annotation.merge import Outputs, merge_traces

    beside = (options.merged.with_name(f"{options.merged.stem}_{name}.csv") for name in ("agreement", "annotators"))
    frames, without = merge_traces(
        options.traces,
        options.manifest,
        Outputs(options.merged, *beside),
        MergeOptions(options.trace_range, options.lag, options.max_lag, options.min_ccc),
    )
    print(f"{frames} frames, {without} of them without values")


def merge_videos(options: argparse.Namespace) -> None:
    from affectflow.annotation.consensus import MergeOptions
    from affectflow.annotation.merge_videos import merge_videos

    merge_options = MergeOptions(options.trace_range, options.lag, options.max_lag, options.min_ccc)
    for video in merge_videos(options.traces, options.videos, options.out, merge_options):
        print(f"{video.name}: {video.frames} frames, {video.without} of them without values")


def assemble_samples(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.records.assemble import AssemblyInputs, AssemblyOptions, assemble

    keys = ("shards", "validation_fraction", "test_fraction", "near_duplicate_bits")
    settings = config.load(options.config)
    print(
        assemble(
            AssemblyInputs(options.labels, options.ledger, options.affect, options.snapshot, options.faces),
            AssemblyOptions(settings["faces"]["on_missing_face"], **{key: settings["records"][key] for key in keys}),
            samples=options.samples,
            left_out=options.left_out,
        )
    )


def find_faces(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.faces.find import Search, find_dataset_faces

    settings = config.load(options.config)["faces"]
    search = Search(options.detector, settings["model"]["sha256"], settings["min_score"]) if options.detector else None
    counts = find_dataset_faces(options.dataset, options.root, options.split, search, options.processes, options.out)
    for outcome, count in counts.most_common():
        print(f"{count:,} images: {outcome or 'no face is given'}")


def write_records(options: argparse.Namespace) -> None:
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    import affectflow.records.write  # noqa: F401  # once, before the processes part
    from affectflow import config
    from affectflow.records.encoding import ImageEncoding
    from affectflow.records.index import collect_index

    settings = config.load(options.config)["records"]
    shards = range(settings["shards"])
    parts = [options.out / "index_parts" / f"{shard:05d}-of-{settings['shards']:05d}.csv" for shard in shards]
    write = partial(
        _write_shard,
        options=options,
        form=ImageEncoding.of(settings),
        code=modules_digest("affectflow.records.write"),
    )
    with ProcessPoolExecutor(options.processes) as pool:
        for _ in pool.map(write, shards, parts):
            pass
    collect_index(parts, options.out / "index.csv", options.out / "counts.json")


def _write_shard(shard: int, index: Path, options: argparse.Namespace, form: ImageEncoding, code: str) -> None:
    from affectflow.datasets.sample import SPLITS
    from affectflow.records.write import write_shard

    write_shard(
        options.samples,
        options.images,
        shard,
        files={split: options.out / f"{split}-{index.stem}.tfrecord" for split in SPLITS},
        index=index,
        store=options.state / f"{shard:05d}",
        form=form,
        code=code,
    )


def records(options: argparse.Namespace) -> None:
    from affectflow.core.errors import UserError
    from affectflow.records.check import check_records

    checked = check_records(options.folder)
    for problem in checked.problems[: options.problems]:
        print(f"problem: {problem}")
    print(f"{checked.records:,} records in {checked.files:,} files, {len(checked.problems):,} problems")
    if checked.problems:
        raise UserError(f"{options.folder} is not sound; delete it and run the workflow again.")


def frame(options: argparse.Namespace) -> None:
    from PIL import Image

    from affectflow.core.errors import UserError
    from affectflow.media.video import frame_at, frame_number

    if (options.index is None) == (options.time is None):
        raise UserError("Say which frame: --index N, or --time SECONDS.")
    if options.index is not None:
        found = frame_number(options.video, options.index)
    else:
        found = frame_at(options.video, options.time)
    with atomic_write(options.out) as partial:
        Image.fromarray(found.rgb).save(partial, "PNG")
    print(f"frame {found.index}, shown at {found.time:.3f} s")
