"""Commands on images, videos and data sets: look into them, download them, reproduce them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.cli.options import (
    CONFIGFILE,
    Commands,
    add_command,
    check_exists,
    configuration,
    option,
    path,
    positive,
)
from affectflow.core.errors import UserError

if TYPE_CHECKING:
    from affectflow.faces.yunet import Detector


def add_commands(commands: Commands, reproduces: bool) -> None:
    """Add the commands; a download that ``reproduces`` a snapshot takes no list of URLs."""
    add_command(
        commands,
        "inspect",
        inspect,
        "Report what a data set or table holds, and what is wrong with it, before anything long runs.",
        path("path"),
        option("--dataset", "its name, where the folder does not tell"),
        option("--problems", "how many to print", type=int, default=20),
    )
    add_command(
        commands,
        "download",
        download,
        "Download a list of images: one URL a line, or a CSV or Parquet file with a column url (and url_orig, tried "
        "where url fails, and sha256, which the image must have). Run it again to resume.",
        *(() if reproduces else (path("urls", "left out with --snapshot"),)),
        path("destination", "folder of the images"),
        path("--snapshot", "reproduce this set; status 1 unless every image is there", default=None),
        path("--ledger", "DESTINATION/ledger.parquet", default=None),
        path("--configfile", "take the settings from this file's section download", default=None),
        option("--set", "a setting, as in the configuration", action="append", default=[], metavar="KEY=VALUE"),
        option("--processes", "they share each host's limits", type=positive, default=1),
        option("--retry", "try failures of these again: timeout,dns or all", metavar="OUTCOMES"),
        option("--retry-older-than", "try failures again after 30d, 12h", metavar="AGE"),
        option("--resume", "no: download everything again", choices=("yes", "no"), default="yes"),
    )
    add_command(
        commands,
        "snapshot",
        snapshot,
        "Write what a download gave (URL, SHA-256, split, group of near duplicates), so that others can reproduce it "
        "with download --snapshot or data.emotionet.snapshot.",
        path("ledger"),
        path("--samples", "samples.parquet, for splits and groups", default=None),
        path("--out"),
    )
    detector = (
        path("--detector", "YuNet's file; faces.model.path, or the workflow's, by default", default=None),
        CONFIGFILE,
    )
    add_command(
        commands,
        "find-faces",
        find_faces,
        "Write a table of all faces in images, folders and videos: boxes, five points, scores.",
        path("paths", nargs="+", metavar="PATH"),
        path("--out", "a .csv, .json or .parquet file"),
        *detector,
    )
    add_command(
        commands,
        "crop",
        crop,
        "Write the aligned crop of the most prominent face of each image: what models are trained on, and what "
        "predict --cropped and the ONNX export take.",
        path("paths", "images and folders of them", nargs="+", metavar="PATH"),
        path("--out", "folder of the crops, and of crops.csv"),
        option("--size", "side in pixels; records.image_size by default", type=positive),
        *detector,
    )
    add_command(
        commands,
        "extract-frame",
        extract_frame,
        "Save a frame of a video, counted as in predictions and manifests.",
        path("video"),
        option("--index", "from 1", type=int),
        option("--time", "in seconds", type=float),
        path("--out"),
    )
    add_command(
        commands,
        "check-records",
        check_records,
        "Check every record of a folder: checksums, features, images, splits, index.",
        path("folder"),
        option("--problems", "how many to print", type=int, default=20),
    )


def inspect(options: argparse.Namespace) -> None:
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
            f"{options.path} has {len(found.problems):,} problems; fix them, or they stop or cost something."
        )


def download(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.download.command import before, download
    from affectflow.download.outcomes import OK, OUTCOMES, check_some
    from affectflow.download.partition import RetryPolicy
    from affectflow.download.settings import Settings

    urls = options.snapshot or options.urls
    if options.snapshot is not None:
        _check_snapshot(options.snapshot)
    given = config.section_of(options.configfile, "download") if options.configfile else {}
    settings = Settings.of({**given, **config.section("download", options.set)})
    classes = frozenset((options.retry or "").split(",")) - {"", "all"}
    if unknown := classes - OUTCOMES.keys():
        raise UserError(f"--retry has an unknown outcome {sorted(unknown)[0]!r}; known are {', '.join(OUTCOMES)}.")
    policy = RetryPolicy(
        forced=options.retry is not None or options.retry_older_than is not None,
        outcomes=classes,
        before=before(options.retry_older_than) if options.retry_older_than else None,
    )
    ledger, differences = (options.destination / name for name in ("ledger.parquet", "snapshot_difference.csv"))
    ledger = options.ledger or ledger
    differences.unlink(missing_ok=True)  # or one of another set might be taken for this one's
    counts = download(urls, options.destination, ledger, settings, options.processes, policy, options.resume == "yes")
    width = max(map(len, counts), default=0)
    for outcome, count in counts.most_common():
        print(f"{outcome:{width}}  {count:>9,}  {100 * count / counts.total():5.1f} %  {OUTCOMES[outcome]}")
    if failed := counts.total() - counts[OK]:
        print(f"{failed:,} failures, one by one: {options.destination / 'errors.csv'}")
    if options.snapshot is not None:
        _compare(options.snapshot, ledger, differences)
    check_some(counts)


def _check_snapshot(file: Path) -> None:
    from affectflow.download.snapshot import read_snapshot

    if not file.is_file():
        raise UserError(f"{file} does not exist; 'affectflow snapshot' writes one.")
    read_snapshot(file)


def _compare(reference: Path, ledger: Path, differences: Path) -> None:
    from affectflow.download.snapshot import compare, read_snapshot, write_differences

    comparison = compare(read_snapshot(reference), ledger)
    write_differences(comparison, differences)
    there = comparison.images - comparison.lost
    print(f"snapshot {comparison.id}: {there:,} of {comparison.images:,} images are there")
    if comparison.lost:
        raise UserError(
            f"The snapshot is not reproduced: {comparison.lost:,} images are lost; {differences} lists them row by row."
        )


def snapshot(options: argparse.Namespace) -> None:
    from affectflow.download.snapshot import write_snapshot
    from affectflow.records.snapshot import take_snapshot

    for file in (options.ledger, options.samples):
        if file is not None and not file.is_file():
            raise UserError(f"{file} does not exist; a download or the workflow writes it.")
    if options.out.exists() and any(file and options.out.samefile(file) for file in (options.ledger, options.samples)):
        raise UserError(f"{options.out} is what the snapshot is made of; give --out another path.")
    taken = take_snapshot(options.ledger, options.samples)
    write_snapshot(taken, options.out)
    print(f"snapshot {taken.id}: {len(taken.entries):,} URLs, {len(taken.images()):,} images")


def find_faces(options: argparse.Namespace) -> None:
    from affectflow.faces.files import find_faces_in

    print(f"{find_faces_in(options.paths, _detector(options), options.out):,} faces")


def crop(options: argparse.Namespace) -> None:
    from affectflow.faces.files import crop_files

    size = options.size or configuration(options)["records"]["image_size"]
    crops, lost = crop_files(options.paths, _detector(options), size, options.out)
    print(f"{crops:,} crops; {lost:,} images without one, see {options.out / 'crops.csv'}")


def _detector(options: argparse.Namespace) -> Detector:
    from affectflow.faces.detector_file import DETECTOR
    from affectflow.faces.yunet import Detector

    settings = configuration(options)["faces"]
    file = Path(options.detector or settings["model"]["path"] or DETECTOR)
    check_exists(file, f"give YuNet's file (SHA-256 {settings['model']['sha256']}) with --detector")
    return Detector(file, settings["model"]["sha256"], settings["min_score"])


def extract_frame(options: argparse.Namespace) -> None:
    from PIL import Image

    from affectflow.core.atomic import atomic_write
    from affectflow.media.video import frame_at, frame_number

    if (options.index is None) == (options.time is None):
        raise UserError("Give the frame: --index N, or --time SECONDS.")
    if options.index is not None:
        found = frame_number(options.video, options.index)
    else:
        found = frame_at(options.video, options.time)
    with atomic_write(options.out) as partial:
        Image.fromarray(found.rgb).save(partial, "PNG")
    print(f"frame {found.index}, shown at {found.time:.3f} s")


def check_records(options: argparse.Namespace) -> None:
    from affectflow.records.check import check_records

    check_exists(options.folder, "name a folder of TFRecords")
    checked = check_records(options.folder)
    for problem in checked.problems[: options.problems]:
        print(f"problem: {problem}")
    print(f"{checked.records:,} records in {checked.files:,} files, {len(checked.problems):,} problems")
    if checked.problems:
        raise UserError(f"{options.folder} is damaged; delete it and run the workflow again.")
