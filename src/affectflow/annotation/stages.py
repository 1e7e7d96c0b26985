"""Stages from images to annotation videos, and from traces and ratings to valence and arousal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from affectflow.core.stage import Output, Setting, stage


@stage("annotation.videos", "annotation.columns", "download", "media")
def make_annotation_videos(
    ledger: Path,
    manifest: Output,
    images: Path,
    state: Path,
    code: str,
    frames_per_video: Annotated[int, Setting("annotation.frames_per_video")],
    frame_rate: Annotated[float, Setting("annotation.frame_rate")],
    image_size: Annotated[int, Setting("annotation.image_size")],
    threads: int = 1,
) -> str:
    """Make videos of the downloaded images, to be annotated.

    Args:
        ledger: The download's ledger.
        manifest: Table of the videos' frames; the videos are written beside it.
        images: Folder of the image store.
        state: Folder that keeps which image is which frame.
        code: Digest of the code that makes the videos; they are made again when it changes.
    """
    from affectflow.annotation.videos import make_annotation_videos as make

    count = make(
        ledger,
        images=images,
        manifest=manifest,
        state=state,
        frames_per_video=frames_per_video,
        frame_rate=frame_rate,
        size=image_size,
        code=code,
        processes=threads,
    )
    return f"{count} annotation videos"


@stage("annotation", "datasets", "media.name_index", "metrics.agreement")
def merge_traces(
    traces: Path,
    manifest: Path,
    merged: Output,
    agreement: Output,
    annotators: Output,
    trace_range: Annotated[float, Setting("annotation.trace_range")],
    lag_s: Annotated[float | Literal["estimate"], Setting("annotation.lag_s")],
    max_lag_s: Annotated[float, Setting("annotation.max_lag_s")],
    min_ccc: Annotated[float | None, Setting("annotation.min_ccc")],
) -> str:
    """Merge the traces and ratings of all annotators to valence and arousal of each image.

    Args:
        traces: Folder of the traces and ratings, whatever tool wrote them.
        manifest: Table of the annotation videos' frames.
        merged: Table of valence and arousal by image.
        agreement: Table of the agreement between annotators.
        annotators: Table of the annotators.
    """
    from affectflow.annotation.consensus import MergeOptions
    from affectflow.annotation.merge import Outputs
    from affectflow.annotation.merge import merge_traces as merge

    options = MergeOptions(trace_range, None if lag_s == "estimate" else lag_s, max_lag_s, min_ccc)
    frames, without = merge(traces, manifest, Outputs(merged, agreement, annotators), options)
    return f"{frames:,} frames, {without:,} of them without values; {annotators} says how far annotators agree"
