"""Commands on images, videos and data sets: look into them, download them, reproduce them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from affectflow.cli.options import (
    WHOLE_NUMBER,
    Configfiles,
    Int,
    PositiveInt,
    check_derived,
    check_exists,
    configuration,
)
from affectflow.core.errors import UserError
from affectflow.core.stage import Output

if TYPE_CHECKING:
    from affectflow.faces.yunet import Detector

CropSize = Annotated[int, WHOLE_NUMBER, Parameter(validator=validators.Number(gte=16, lte=4096))]
"""As ``records.image_size``."""


def inspect(path: Path, *, dataset: str | None = None, problems: Int = 20) -> None:
    """Report what a data set or table holds, and what is wrong with it.

    Example: affectflow inspect /data/DISFA

    Args:
        path: A data set's folder, or a table of image URLs.
        dataset: Its name, where the folder does not tell.
        problems: How many problems to print.
    """
    from affectflow.inspection.recognize import EMOTIONET_TABLES, recognize

    name = dataset or recognize(path)
    lines: list[str] = []
    if name == EMOTIONET_TABLES:
        from affectflow.inspection.tables import rates, survey_tables
        from affectflow.tables.files import table_files

        found = survey_tables(table_files(path))
        lines = ["positive (known of the manual set):", *rates(found)]
    else:
        from affectflow.inspection.survey import survey

        found = survey(name, path)
    print(f"{path} is {name}", found.text(), *lines, sep="\n")
    for problem in found.problems[:problems]:
        print(f"problem: {problem}")
    if found.problems:
        raise UserError(f"{path} has {len(found.problems):,} problems; fix them, or they stop or cost something.")


def download(
    urls: Path,
    destination: Output | None = None,
    *,
    snapshot: Path | None = None,
    ledger: Output | None = None,
    configfile: Path | None = None,
    set: tuple[str, ...] = (),
    processes: PositiveInt = 1,
    retry: str | None = None,
    retry_older_than: str | None = None,
    url_column: str | None = None,
    resume: Literal["yes", "no"] = "yes",
) -> None:
    """Download a list of images; run it again to resume.

    Example: affectflow download urls.txt images/

    Args:
        urls: One URL a line, or a table with a column url (and url_orig, tried where url fails, and sha256, which the
            image must have): CSV, TSV, Parquet, JSON, JSON lines, or a workbook. With --snapshot it is left out: give
            the destination alone.
        destination: Folder of the images, the ledger and the failures.
        snapshot: Reproduce this set; status 1 unless every image is there.
        ledger: DESTINATION/ledger.parquet by default.
        configfile: Take the settings from this file's section download.
        set: A setting, as KEY=VALUE of the configuration; may be repeated.
        processes: They share each host's limits.
        retry: Try failures with these outcomes again: timeout,dns or all.
        retry_older_than: Try failures again that are older, such as 30d or 12h.
        url_column: Name of the column of URLs, where it is not url.
        resume: no downloads everything again.
    """
    from affectflow import config
    from affectflow.download.command import before
    from affectflow.download.command import download as fetch
    from affectflow.download.outcomes import OUTCOMES, check_some, stored
    from affectflow.download.partition import RetryPolicy
    from affectflow.download.settings import Settings

    if snapshot is not None:
        if destination is not None:
            raise UserError(f"--snapshot has the URLs, so leave out {urls}.")
        _check_snapshot(snapshot)
        urls, destination = snapshot, urls
    if destination is None:
        raise UserError("No folder for the images; give one: affectflow download URLS DESTINATION.")
    settings = Settings.of(config.section("download", set, configfile))
    classes = frozenset((retry or "").split(",")) - {"", "all"}
    if unknown := classes - OUTCOMES.keys():
        raise UserError(f"--retry has an unknown outcome {sorted(unknown)[0]!r}; known are {', '.join(OUTCOMES)}.")
    policy = RetryPolicy(
        forced=retry is not None or retry_older_than is not None,
        outcomes=classes,
        before=before(retry_older_than) if retry_older_than else None,
    )
    ledger, differences = ledger or destination / "ledger.parquet", destination / "snapshot_difference.csv"
    made = [destination / name for name in ("errors.csv", "download_summary.csv")]
    check_derived([ledger, differences, *made], [urls])
    differences.unlink(missing_ok=True)  # or one of another set might be taken for this one's
    counts = fetch(urls, destination, ledger, settings, processes, policy, resume == "yes", url_column)
    width = max(map(len, counts), default=0)
    for outcome, count in counts.most_common():
        print(f"{outcome:{width}}  {count:>9,}  {100 * count / counts.total():5.1f} %  {OUTCOMES[outcome]}")
    if failed := counts.total() - stored(counts):
        print(f"{failed:,} failures, one by one: {destination / 'errors.csv'}")
    if snapshot is not None:
        _compare(snapshot, ledger, differences)
    check_some(counts)


def adopt(
    folder: Path,
    destination: Path | None = None,
    *,
    list: Annotated[Path, Parameter(name="--list")],
    images: Path | None = None,
    journal: Path | None = None,
    max_pixels: PositiveInt = 100_000_000,
) -> None:
    """Take images that are on disk already for those of a list.

    They are matched by SHA-256, by notes of img2dataset, or by name, and checked as if they had been downloaded. A
    download to the same destination then fetches only the rest, and its ledger says where each came from.

    Example: affectflow adopt old-images/ images/ --list urls.csv

    Args:
        folder: Folder of the images that are there.
        destination: Folder of a download, as of affectflow download.
        list: The list of URLs, as for affectflow download.
        images: Image store instead of DESTINATION/images; in a study results/emotionet/images.
        journal: Journal instead of DESTINATION/journal; in a study results/state/download.
        max_pixels: Larger images are refused.
    """
    from affectflow.download.adopt import adopt as take

    if destination is None and (images is None or journal is None):
        raise UserError("No destination; give the folder of a download, or --images and --journal.")
    store = images or (destination or Path()) / "images"
    log = journal or (destination or Path()) / "journal"
    unmatched = (destination or log) / "not_adopted.csv"
    check_derived([unmatched], [list])
    found = take(folder, list, store, log, unmatched, max_pixels)
    print(f"{found.taken:,} images taken, {found.known:,} were there before")
    for reason, count in found.reasons().most_common():
        print(f"{count:,} files not taken: {reason}")
    if found.unmatched:
        print(f"one by one: {unmatched}")


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


def snapshot(ledger: Path, *, out: Output, samples: Path | None = None) -> None:
    """Write what a download gave, so that others can reproduce it.

    The snapshot has URL, SHA-256, split and group of near duplicates of each image. affectflow download --snapshot
    and the key data.emotionet.snapshot take it.

    Example: affectflow snapshot images/ledger.parquet --out snapshot.parquet

    Args:
        ledger: A download's ledger.parquet.
        out: The snapshot.
        samples: The workflow's samples.parquet, for splits and groups.
    """
    from affectflow.download.snapshot import write_snapshot
    from affectflow.records.snapshot import take_snapshot

    for file in (ledger, samples):
        if file is not None and not file.is_file():
            raise UserError(f"{file} does not exist; a download or the workflow writes it.")
    taken = take_snapshot(ledger, samples)
    write_snapshot(taken, out)
    print(f"snapshot {taken.id}: {len(taken.entries):,} URLs, {len(taken.images()):,} images")


def find_faces(
    *paths: Annotated[Path, Parameter(required=True)],
    out: Output,
    detector: Path | None = None,
    configfile: Configfiles = (),
) -> None:
    """Write a table of all faces in images, folders and videos: boxes, five points, scores.

    Example: affectflow find-faces photos/ --out faces.csv

    Args:
        paths: Images, folders, videos.
        out: A .csv, .json or .parquet file.
        detector: YuNet's file; faces.model.path of the configuration by default, or the workflow's.
    """
    from affectflow.faces.files import find_faces_in

    print(f"{find_faces_in(paths, _detector(detector, configfile), out):,} faces")


def crop(
    *paths: Annotated[Path, Parameter(required=True)],
    out: Output,
    size: CropSize | None = None,
    detector: Path | None = None,
    configfile: Configfiles = (),
) -> None:
    """Write the aligned crop of the most prominent face of each image.

    Models are trained on such crops; affectflow predict --cropped and the ONNX export take them.

    Example: affectflow crop photo.jpg --out crops/

    Args:
        paths: Images and folders of images.
        out: Folder of the crops, and of crops.csv.
        size: Side in pixels, up to 4096; records.image_size of the configuration by default.
        detector: YuNet's file; faces.model.path of the configuration by default, or the workflow's.
    """
    from affectflow.faces.files import crop_files

    size = size or configuration(configfile)["records"]["image_size"]
    crops, lost = crop_files(paths, _detector(detector, configfile), size, out)
    print(f"{crops:,} crops; {lost:,} images without one, see {out / 'crops.csv'}")


def _detector(detector: Path | None, configfile: Sequence[Path]) -> Detector:
    from affectflow.faces.detector_file import DETECTOR
    from affectflow.faces.yunet import Detector

    settings = configuration(configfile)["faces"]
    file = Path(detector or settings["model"]["path"] or DETECTOR)
    check_exists(file, f"give YuNet's file (SHA-256 {settings['model']['sha256']}) with --detector")
    return Detector(file, settings["model"]["sha256"], settings["min_score"])


def extract_frame(video: Path, *, out: Output, index: Int | None = None, time: float | None = None) -> None:
    """Save a frame of a video as PNG.

    Example: affectflow extract-frame video.avi --index 312 --out frame.png

    Args:
        video: The video.
        out: The image.
        index: Number of the frame, from 1, as predictions and manifests count.
        time: Seconds from the start, instead of a number.
    """
    from PIL import Image

    from affectflow.core.atomic import atomic_write
    from affectflow.media.video import frame_at, frame_number

    if index is not None and time is None:
        found = frame_number(video, index)
    elif time is not None and index is None:
        found = frame_at(video, time)
    else:
        raise UserError("Give the frame: --index N, or --time SECONDS.")
    with atomic_write(out) as partial:
        Image.fromarray(found.rgb).save(partial, "PNG")
    print(f"frame {found.index}, shown at {found.time:.3f} s")


def check_records(folder: Path, *, problems: Int = 20) -> None:
    """Check every record of a folder: checksums, features, values, images, duplicates, splits, index.

    Example: affectflow check-records results/emotionet/tfrecords

    Args:
        folder: Folder of TFRecords.
        problems: How many problems to print.
    """
    from affectflow.records.check import check_records as check

    check_exists(folder, "name a folder of TFRecords")
    checked = check(folder)
    for problem in checked.problems[:problems]:
        print(f"problem: {problem}")
    print(f"{checked.records:,} records in {checked.files:,} files, {len(checked.problems):,} problems")
    if checked.problems:
        raise UserError(f"{folder} is damaged; delete it and run the workflow again.")
