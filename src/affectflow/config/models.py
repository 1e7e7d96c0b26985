"""The configuration as pydantic models: the type, unit, range and meaning of each key.

Defaults are in ``defaults.yaml`` beside this module, which a user's configuration changes key by key; every key is
required here, so that a missing default is noticed, but for those of data sets, whose defaults are in their modules.
``config/README.md`` is written from both (:mod:`affectflow.config.reference`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from affectflow.config.catalogue import ModelDefaults, ModelEntry
from affectflow.config.data import Data
from affectflow.contracts.recipe import Fitting
from affectflow.core.settings import Count, PathText, Seconds, Section, Share, Text, unique


class Cluster(Section):
    """Where a cluster does what, beside its profile (`profiles/slurm`)."""

    network_jobs: Literal["local", "nodes"] = Field(
        description="Where jobs that need the internet (`download_partition`, `fetch_weights`, `fetch_wheel_weights`, "
        "`fetch_detector`, `fetch_head`) run: `local`, where the workflow was started, or on `nodes` that reach it."
    )
    tensorflow: Literal["cpu", "gpu"] = Field(
        description="The build of TensorFlow in environments that `snakemake --sdm conda` makes."
    )


def _day(value: Any) -> Any:
    """Return a date as YAML reads it, too, as a text; raise :class:`ValueError` where there is no such day."""
    if value and isinstance(value, str):
        date.fromisoformat(value)
    return value.isoformat() if isinstance(value, date) else value


class Archive(Section):
    """Copies in a public web archive, of URLs that are gone."""

    server: str = Field(
        pattern=r"^(https?://[^\s/?#]+/?)?$",
        description="An archive with the Wayback Machine's addresses (`/cdx/search/cdx`, `/web/`), such as "
        "`https://web.archive.org`; empty for none. Its copies have the outcome `archived`, and the ledger has their "
        "date.",
    )
    date: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), BeforeValidator(_day)] = Field(
        description="The copies nearest this day (`2016-05-31`) are taken; needed with `server`."
    )
    searches_per_minute: float = Field(
        gt=0, description="Searches in the archive's index, of the whole run; the Wayback Machine allows 24."
    )
    copies_per_minute: float = Field(gt=0, description="Copies fetched, of the whole run.")

    @model_validator(mode="after")
    def _has_date(self) -> Self:
        if self.server and not self.date:
            raise ValueError("an archive needs the date near which copies are wanted, such as date: 2016-05-31")
        return self


class Download(Section):
    """How images are fetched."""

    concurrency: int = Field(
        ge=1,
        le=2048,
        description="Requests in flight at once in one partition's job; hosts that do not answer are not counted.",
    )
    per_host: Count = Field(
        description="Connections to one host at once, of the whole run; at least one in each partition's job."
    )
    rate_per_host: float = Field(ge=0, description="Requests per second to one host, of the whole run; 0 for no limit.")
    timeout_s: float = Field(
        gt=0,
        description="Seconds to wait for a connection or for further bytes; a body that keeps coming above 4 KB/s "
        "may take any time.",
    )
    retries: int = Field(
        ge=0,
        le=20,
        description="Further tries after a timeout, a reset, a failed name look-up, a truncated body, or a status "
        "408, 425, 429 or 5xx.",
    )
    retry_outcomes: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z_]+$")]],
        BeforeValidator(unique),
    ] = Field(
        description="Outcomes that a raised `retry_round` (or another changed setting, or code) tries again; an "
        "empty list means all failures."
    )
    retry_round: Count = Field(description="Raise it to try failed URLs again; downloaded images are kept.")
    partitions: int = Field(
        ge=1,
        le=4096,
        description="Jobs that the list of URLs is divided into by a hash of the URL. Changing it fetches nothing "
        "again.",
    )
    nameservers: list[Annotated[str, Field(pattern=r"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\])(:\d+)?$")]] = Field(
        description="DNS servers as `address` or `address:port`; an empty list means the system's resolver."
    )
    allow_private_hosts: list[Annotated[str, Field(pattern=r"^([^/\s]+|[0-9a-fA-F:.]+/\d{1,3})$")]] = Field(
        description="Hosts (`*.name` for all below a name) that may have private or loopback addresses, or networks "
        "(`10.1.0.0/16`) that are open to all; other private addresses are refused."
    )
    max_bytes: Count = Field(description="Bytes after which a body is cut off and counted as too large.")
    max_pixels: int = Field(
        ge=1, le=100_000_000, description="Width times height above which an image is refused before it is decoded."
    )
    decode: bool = Field(
        description="Whether every image is decoded completely before it counts. If not, only its first bytes are "
        "checked; width, height and perceptual hash stay unknown."
    )
    tls_fallback: bool = Field(
        description="Whether hosts whose certificate cannot be trusted are used all the same; the ledger records it."
    )
    robots_tag: bool = Field(description="Whether images sent with `X-Robots-Tag: noai` or `noimageai` are left out.")
    archive: Archive
    outage_patience_s: Seconds = Field(
        description="Seconds to wait for a lost network before the job stops; no URL is given up meanwhile. 0 takes "
        "every failure for the host's own."
    )
    contact: str = Field(
        pattern=r"^[\x20-\x7e]*$",
        description="Address or page named in the User-Agent so that a site's owner can reach you; may be empty.",
    )


class Annotation(Section):
    """Videos of the downloaded images, to be annotated for valence and arousal."""

    frames_per_video: Count = Field(description="Images in one annotation video.")
    frame_rate: float = Field(gt=0, description="Images per second of the videos.")
    image_size: int = Field(ge=16, multiple_of=2, description="Side of the square video in pixels (even).")
    trace_range: float = Field(
        gt=0,
        description="A trace value of plus or minus this becomes plus or minus 1 (1, 10, 100 or 1000), where the "
        "tool does not write its own range.",
    )
    lag_s: Annotated[float, Field(ge=0)] | Literal["estimate"] = Field(
        description="Reaction lag of annotators in seconds; `estimate` shifts the later ones by the lag that "
        "maximises the correlation of the traces, see `results/emotionet/annotators.csv`."
    )
    max_lag_s: Seconds = Field(description="The longest lag that is considered, in seconds.")
    min_ccc: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        description="Annotators whose CCC with the mean of the others is lower are left out; null keeps all."
    )
    repeat_fraction: float = Field(
        ge=0,
        le=0.5,
        description="Share of the images that `affectflow annotate` shows a second time, unannounced, to measure "
        "each annotator's agreement with themselves.",
    )


class DetectorFile(Section):
    """The file of the face detector YuNet."""

    url: Text = Field(description="Where the detector's file is published; fetched only for `detector: yunet`.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="The file's SHA-256; another file is refused.")
    path: PathText | None = Field(description="A copy of that file, or null to fetch it.")


class Faces(Section):
    """Where faces are, for the crops used in training, evaluation and prediction."""

    detector: Literal["yunet", "dataset", "none"] = Field(
        description="`yunet` finds the largest and most central face (in the box that a data set gives, if any) and "
        "aligns the eyes; `dataset` takes the boxes or landmarks that DISFA, AM-FED and Aff-Wild ship, "
        "and the center of other images; `none` takes the center of all."
    )
    model: DetectorFile
    min_score: Share = Field(description="The detector's confidence above which a detection is a face.")
    max_gap_s: Seconds = Field(
        description="Seconds for which, in a benchmark's video, a lost face keeps its last position; after that the "
        "center is cropped. Such frames are scored, and counted under `crops` in the score file."
    )
    on_missing_face: Literal["drop", "center_crop"] = Field(
        description="Whether images without a detected face are left out of training, or their center is used."
    )


class Records(Section):
    """TFRecords for training."""

    shards: int = Field(ge=1, le=256, description="Files for each of train, validation and test.")
    image_size: int = Field(ge=16, le=4096, description="Side of the stored square images in pixels.")
    jpeg_quality: int = Field(ge=1, le=100, description="JPEG quality of re-encoded images.")
    jpeg_chroma: Literal["4:4:4", "4:2:2", "4:2:0"] = Field(description="Chroma subsampling of re-encoded images.")
    validation_fraction: Share = Field(
        description="Share of the images for early stopping, calibration and decision thresholds; of data sets that "
        "are divided by people or videos, a share of these, but four or a third of them at the least."
    )
    frame_stride: Count = Field(
        description="n, where every nth frame of videos that are learned from is taken: neighbours say nearly the "
        "same, and 450 frames of each person taught as much as 3,600 (Girard et al. 2015). 1 takes all. Scores are of "
        "all frames."
    )
    test_fraction: Share = Field(description="Share of the images that are scored and used for nothing else.")
    near_duplicate_face_bits: int = Field(
        ge=0,
        le=31,
        description="Images whose aligned faces have 256-bit hashes that differ in at most this many bits, also from "
        "that of the mirror image, stay in the same split.",
    )
    near_duplicate_bits: int = Field(
        ge=0,
        le=15,
        description="Images whose 256-bit perceptual hashes differ in at most this many bits, also from that of the "
        "mirror image, stay in the same split.",
    )


class Training(Fitting):
    """How models are fitted."""

    cache_records: bool = Field(description="Whether records are copied to `$TMPDIR` first.")
    checkpoint_minutes: float = Field(gt=0, description="The longest time between two checkpoints, in minutes.")
    tensorboard: bool = Field(
        description="Whether the history is also written for TensorBoard (`results/logs/tensorboard`)."
    )


class Pretrained(Section):
    """ImageNet weights, fetched only for models with `weights` set to imagenet."""

    base_url: str = Field(
        pattern=r"^(https?|file)://",
        description="Where Keras publishes them; files are checked against the digest that Keras pins, and later "
        "ones against the SHA-256 of the first.",
    )


class Evaluation(Section):
    """How benchmarks are scored."""

    batch_size: Count = Field(description="Images predicted at once.")


class Report(Section):
    """What the report shows."""

    faces: Literal["drawn", "all"] = Field(
        description="`drawn` shows sample images only where they are drawn; `all` shows licensed images too and "
        "marks the page as not for distribution."
    )


class Demo(Section):
    """The drawn data set that the default configuration uses."""

    seed: int = Field(ge=0, description="Seed of everything drawn.")
    images: int = Field(ge=30, description="Faces that can be downloaded.")
    image_size: int = Field(ge=32, description="Side of the drawn images in pixels.")
    web_port: int = Field(ge=1024, le=65534, description="TCP port of the loopback web; the next one serves https.")
    name_server_port: int = Field(
        ge=1024, le=65535, description="UDP port of the loopback name server; download.nameservers must name it."
    )
    disfa_subjects: int = Field(ge=1, le=27, description="Drawn DISFA subjects.")
    disfa_frames: int = Field(ge=10, le=4845, description="Frames of each DISFA subject.")
    amfed_videos: Count = Field(description="Drawn AM-FED videos.")
    affwild_videos: Count = Field(description="Drawn Aff-Wild videos.")
    video_frames: int = Field(ge=10, description="Frames of each AM-FED and Aff-Wild video.")
    video_size: int = Field(ge=32, multiple_of=2, description="Side of the drawn videos in pixels (even).")
    people: Count = Field(description="Rendered people in `results/demo/people`, with one image each.")
    drawn_people: float = Field(ge=0, le=1, description="Share of these people who are drawn flat instead.")
    people_size: int = Field(ge=32, le=1024, description="Side of these images in pixels.")


class Config(Section):
    """The whole configuration."""

    data: Data
    cluster: Cluster
    download: Download
    annotation: Annotation
    faces: Faces
    records: Records
    pretrained: Pretrained
    model_defaults: ModelDefaults
    models: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ModelEntry]
    training: Training
    evaluation: Evaluation
    report: Report
    demo: Demo


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation, such as the entries' in ``dict[str, ModelEntry]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := model_in(one)) is not None), None)
