"""Stages from labels and images to samples and TFRecords."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage

ImageSize = Annotated[int, Setting("records.image_size")]
Quality = Annotated[int, Setting("records.jpeg_quality")]
Chroma = Annotated[str, Setting("records.jpeg_chroma")]
_WRITTEN = ("records", "datasets", "faces", "media", "facs")
"""What decides the bytes of records."""


@stage(
    "records.assemble", "records.divide", "annotation.columns", "datasets", "download", "facs", "media", "spreadsheet"
)
def assemble_samples(
    labels: Path,
    ledger: Path,
    samples: Output,
    left_out: Output,
    shards: Annotated[int, Setting("records.shards")],
    validation_fraction: Annotated[float, Setting("records.validation_fraction")],
    test_fraction: Annotated[float, Setting("records.test_fraction")],
    near_duplicate_bits: Annotated[int, Setting("records.near_duplicate_bits")],
    near_duplicate_face_bits: Annotated[int, Setting("records.near_duplicate_face_bits")],
    automatic: Annotated[list[str], Setting("data.emotionet.automatic")],
    affect: Path | None = None,
    snapshot: Path | None = None,
    faces: tuple[Path, ...] = (),
    on_missing_face: Annotated[str | None, Setting("faces.on_missing_face")] = None,
    kept: Path | None = None,
) -> str:
    """Join labels, downloaded images, affect and faces to samples, each in a split.

    Args:
        labels: Table of URLs and labels.
        ledger: The download's ledger.
        samples: Table of the samples.
        left_out: Table of what was not used, with the reason.
        automatic: File names of the tables whose labels a program made.
        affect: Table of valence and arousal by image.
        snapshot: Take splits and groups from this.
        faces: Tables of the images' faces.
        on_missing_face: drop or center_crop.
        kept: Table in which splits are kept, so that further rows move no image.
    """
    from affectflow.records.assemble import AssemblyInputs, AssemblyOptions, assemble

    counts = assemble(
        AssemblyInputs(labels=labels, ledger=ledger, affect=affect, snapshot=snapshot, faces=faces, kept=kept),
        AssemblyOptions(
            on_missing_face=on_missing_face,
            shards=shards,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            near_duplicate_bits=near_duplicate_bits,
            near_duplicate_face_bits=near_duplicate_face_bits,
            automatic=automatic,
        ),
        samples=samples,
        left_out=left_out,
    )
    return ", ".join(f"{count} {split}" for split, count in counts.items())


@stage("records.snapshot", "contracts.snapshot_card", "datasets", "download", "facs", "media")
def take_snapshot(
    ledger: Path,
    samples: Path,
    snapshot: Output,
    card: Output,
    reference: Path | None = None,
    differences: Output | None = None,
) -> str:
    """Write what a download gave (URL, SHA-256, split, group), so that others can reproduce it.

    Args:
        ledger: The download's ledger.
        samples: Table of the samples, for splits and groups.
        snapshot: The snapshot.
        card: Its id and counts, which scores cite.
        reference: A snapshot that was to be reproduced.
        differences: Table of what differs from it.
    """
    from affectflow.download.snapshot import compare, read_snapshot, write_differences, write_snapshot
    from affectflow.records.snapshot import take_snapshot as take
    from affectflow.records.snapshot import write_card

    taken = take(ledger, samples)
    comparison = None
    if reference is not None and differences is not None:
        comparison = compare(read_snapshot(reference), ledger)
        write_differences(comparison, differences)
    write_snapshot(taken, snapshot)
    write_card(taken, comparison, card)
    return f"snapshot {taken.id}"


@stage(*_WRITTEN)
def write_records(
    samples: Path,
    train: Output,
    validation: Output,
    test: Output,
    index: Output,
    shard: int,
    images: Path,
    store: Path,
    code: str,
    image_size: ImageSize,
    jpeg_quality: Quality,
    jpeg_chroma: Chroma,
) -> str:
    """Write the TFRecords of one shard.

    Args:
        samples: Table of the samples.
        train: Records of the training split; so for validation and test.
        index: The shard's part of the index.
        shard: Number of the shard, from 0.
        images: Folder of the image store.
        store: Folder that keeps the files, which are handed on where nothing has changed.
        code: Digest of the code that writes records.
    """
    from affectflow.records.encoding import ImageEncoding
    from affectflow.records.write import write_shard

    unchanged = write_shard(
        samples,
        images=images,
        shard=shard,
        files={"train": train, "validation": validation, "test": test},
        index=index,
        store=store,
        form=ImageEncoding(image_size, jpeg_quality, jpeg_chroma),
        code=code,
    )
    return "unchanged" if unchanged else "written"


@stage("records.index")
def collect_index(parts: list[Path], index: Output, counts: Output) -> None:
    """Join the shards' indices, and count the records of each file.

    Args:
        parts: The shards' parts of the index.
        index: Table of all records.
        counts: JSON file with the number of records by file.
    """
    from affectflow.records.index import collect_index as collect

    collect(parts, index=index, counts=counts)


@stage(*_WRITTEN)
def write_dataset_records(
    dataset: str,
    root: Path,
    split: str,
    train: list[Path],
    validation: list[Path],
    index: Output,
    left_out: Output,
    image_size: ImageSize,
    jpeg_quality: Quality,
    jpeg_chroma: Chroma,
    validation_fraction: Annotated[float, Setting("records.validation_fraction")],
    frame_stride: Annotated[int, Setting("records.frame_stride")],
    faces: Path | None = None,
    on_missing_face: str | None = None,
) -> None:
    """Write a data set's training split as TFRecords.

    Args:
        dataset: Name of the data set.
        root: Folder of the data set.
        split: Split of the data set.
        train: Records to learn from, one file for each shard.
        validation: Records for validation, one file for each shard.
        index: Table of all records.
        left_out: Table of the reasons for which images were left out, with counts.
        image_size: Side of the images in pixels.
        jpeg_quality: JPEG quality, 1 to 100.
        jpeg_chroma: Chroma subsampling: 4:4:4, 4:2:2 or 4:2:0.
        validation_fraction: Share of the people or videos that goes to validation.
        frame_stride: n, where of a video's frames the first is taken and every nth after it.
        faces: Table of the data set's faces.
        on_missing_face: What becomes of images without a face: drop or center_crop.
    """
    from affectflow.datasets.opening import get_dataset
    from affectflow.records.dataset import write_dataset_records as write
    from affectflow.records.encoding import ImageEncoding

    write(
        get_dataset(dataset, root, split),
        train=train,
        validation=validation,
        index=index,
        left_out=left_out,
        form=ImageEncoding(image_size, jpeg_quality, jpeg_chroma),
        faces=faces,
        on_missing_face=on_missing_face,
        validation_fraction=validation_fraction,
        frame_stride=frame_stride,
    )


@stage(*_WRITTEN)
def write_frames(
    dataset: str,
    root: Path,
    frames: Output,
    index: Output,
    left_out: Output,
    image_size: ImageSize,
    jpeg_quality: Quality,
    jpeg_chroma: Chroma,
    max_gap_s: Annotated[float, Setting("faces.max_gap_s")],
    split: str = "all",
    faces: Path | None = None,
    threads: int = 1,
) -> str:
    """Write a benchmark's labelled frames as TFRecords, cropped once for all models.

    Args:
        dataset: Name of the data set.
        root: Folder of the data set.
        frames: The records.
        index: Position of each record, and what it is of; beside the records, as NAME_index.csv.
        left_out: Table of frames that were left out, with the reason.
        max_gap_s: Seconds for which a lost face keeps its last position.
        split: Split of the data set.
        faces: Table of the data set's faces.
    """
    from affectflow.records.encoding import ImageEncoding
    from affectflow.records.frames import Source
    from affectflow.records.frames import write_frames as write

    count = write(
        Source(dataset, root, split, faces),
        max_gap_s,
        ImageEncoding(image_size, jpeg_quality, jpeg_chroma),
        threads,
        frames,
        index,
        left_out,
    )
    return f"{count} frames"
