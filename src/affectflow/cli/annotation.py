"""Commands of annotators: the local page, and traces of one's own videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from affectflow.cli.options import Configfiles, Int, PositiveInt, configuration
from affectflow.core.errors import UserError
from affectflow.core.stage import Output


def annotate(
    *,
    videos: Path | None = None,
    model: str = "",
    out: Path | None = None,
    annotator: str = "",
    annotation_video: PositiveInt | None = None,
    host: str = "127.0.0.1",
    port: Int = 0,
    browser: bool = True,
    configfile: Configfiles = (),
) -> None:
    """Serve a local page on which people rate valence and arousal of images, or trace them in videos.

    Example: affectflow annotate --videos videos/ --out traces/

    Args:
        videos: Folder of videos to trace, instead of the workflow's annotation videos.
        model: A run such as resnet, whose uncertainty orders the images.
        out: Folder for ratings and traces; data.annotations of the configuration by default.
        annotator: Name of the annotator; without it, the page asks for one.
        annotation_video: Number of the annotation video; the first unfinished one by default.
        host: Address to listen on; other hosts than loopback need a token.
        port: Port to listen on; any that is free by default.
        browser: Open a browser.
    """
    from affectflow.annotation.model_predictions import predictions_path, read_model_predictions
    from affectflow.annotation.server.serve import ServerOptions, serve, serve_videos
    from affectflow.config import check
    from affectflow.plan.data import marker_of
    from affectflow.plan.runs import parse_run

    settings = configuration(configfile)
    folder = out or settings["data"]["annotations"]
    if folder is None:
        raise UserError("There is no folder for annotations; set data.annotations, or give --out.")
    if marker_of(str(folder)):
        raise UserError(
            f"{folder} belongs to the demo, which draws it again; set data.annotations to yours, or give --out."
        )
    at = ServerOptions(annotator, host, port, browser)
    if videos is not None:
        if model or annotation_video:
            raise UserError(
                "--videos is for your own videos, --model and --annotation-video for annotation videos; leave one out."
            )
        serve_videos(videos, Path(folder), at)
        return
    if model:
        parse_run(model, check(settings).models)
    annotation = settings["annotation"]
    serve(
        Path("results/annotation/manifest.csv"),
        Path("results/emotionet/images"),
        Path(folder),
        annotation["frame_rate"],
        annotation["repeat_fraction"],
        read_model_predictions(predictions_path(model), model) if model else None,
        annotation_video,
        at,
    )


def merge_videos(
    traces: Path,
    *,
    videos: Path,
    out: Output,
    trace_range: float = 1.0,
    lag: Annotated[str, Parameter(metavar="SECONDS|estimate")] = "0",
    max_lag: float = 3.0,
    min_ccc: float | None = None,
) -> None:
    """Merge valence/arousal traces of your own videos into a data set in Aff-Wild's layout.

    Example: affectflow merge-videos traces/ --videos videos/ --out mine/

    Args:
        traces: Folder of the traces, one folder an annotator.
        videos: The folder that was given to annotate.
        out: A folder, for data.affwild.root.
        trace_range: Becomes 1, where the tool writes no range.
        lag: Reaction lag of annotators in seconds, or estimate.
        max_lag: The longest lag that is considered, in seconds.
        min_ccc: Annotators with a lower CCC with the others are left out.
    """
    from affectflow.annotation.consensus import MergeOptions
    from affectflow.annotation.merge_videos import merge_videos as merge

    merge_options = MergeOptions(trace_range, _seconds(lag), max_lag, min_ccc)
    for video in merge(traces, videos, out, merge_options):
        print(f"{video.name}: {video.frames} frames, {video.without} of them without values")


def _seconds(text: str) -> float | None:
    """Convert seconds; None to estimate them."""
    try:
        return None if text == "estimate" else float(text)
    except ValueError:
        raise UserError(f"--lag {text} is neither a number of seconds nor estimate; give one of them.") from None
