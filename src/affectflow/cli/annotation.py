"""Commands of annotators: the local page, and traces of one's own videos."""

from __future__ import annotations

import argparse
from pathlib import Path

from affectflow.cli.options import CONFIGFILE, Commands, add_command, configuration, option, path, positive
from affectflow.core.errors import UserError


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    add_command(
        commands,
        "annotate",
        annotate,
        "Serve a local page on which valence and arousal of the annotation videos' images are rated or traced.",
        CONFIGFILE,
        option("--annotator", "a name; without it, the page asks for one", default=""),
        option(
            "--annotation-video", "number of the annotation video; the first unfinished one by default", type=positive
        ),
        path("--videos", "a folder of videos to trace, instead of the annotation videos", default=None),
        option("--model", "a run such as resnet, whose uncertainty orders the images", default=""),
        path("--out", "folder for ratings and traces; data.annotations by default", default=None),
        option("--host", "other hosts than loopback need a token", default="127.0.0.1"),
        option("--port", "any that is free by default", type=int, default=0),
        option("--no-browser", "only print the address", action="store_false", dest="browser"),
    )
    add_command(
        commands,
        "merge-videos",
        merge_videos,
        "Merge valence/arousal traces of your own videos into a data set as Aff-Wild's, to train on or to score by.",
        path("traces"),
        path("--videos", "the folder that was given to annotate"),
        path("--out", "a folder, for data.affwild.root"),
        option("--trace-range", "becomes 1, where the tool writes no range", type=float, default=1.0),
        option("--lag", "reaction lag of annotators in seconds, or estimate", type=_seconds, default=0.0),
        option("--max-lag", "the longest lag that is considered, in seconds", type=float, default=3.0),
        option("--min-ccc", "annotators with a lower CCC with the others are left out", type=float),
    )


def annotate(options: argparse.Namespace) -> None:
    from affectflow.annotation.model_predictions import predictions_path, read_model_predictions
    from affectflow.annotation.server.serve import ServerOptions, serve, serve_videos
    from affectflow.config import check
    from affectflow.plan.data import marker_of
    from affectflow.plan.runs import parse_run

    settings = configuration(options)
    folder = options.out or settings["data"]["annotations"]
    if folder is None:
        raise UserError("There is no folder for annotations; set data.annotations, or give --out.")
    if marker_of(str(folder)):
        raise UserError(
            f"{folder} belongs to the demo, which draws it again; set data.annotations to yours, or give --out."
        )
    at = ServerOptions(options.annotator, options.host, options.port, options.browser)
    if options.videos is not None:
        if options.model or options.annotation_video:
            raise UserError(
                "--videos is for your own videos, --model and --annotation-video for annotation videos; leave one out."
            )
        serve_videos(options.videos, Path(folder), at)
        return
    if options.model:
        parse_run(options.model, check(settings).models)
    annotation = settings["annotation"]
    serve(
        Path("results/annotation/manifest.csv"),
        Path("results/emotionet/images"),
        Path(folder),
        annotation["frame_rate"],
        annotation["repeat_fraction"],
        read_model_predictions(predictions_path(options.model), options.model) if options.model else None,
        options.annotation_video,
        at,
    )


def merge_videos(options: argparse.Namespace) -> None:
    from affectflow.annotation.consensus import MergeOptions
    from affectflow.annotation.merge_videos import merge_videos

    merge_options = MergeOptions(options.trace_range, options.lag, options.max_lag, options.min_ccc)
    for video in merge_videos(options.traces, options.videos, options.out, merge_options):
        print(f"{video.name}: {video.frames} frames, {video.without} of them without values")


def _seconds(text: str) -> float | None:
    """Convert seconds; None to estimate them."""
    return None if text == "estimate" else float(text)
