"""``affectflow``: stages as commands, each calling the same function as the workflow's script."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from affectflow.cli import cluster, data, documents, fetching, models
from affectflow.core.errors import one_sentence

_Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. A user's mistake gives one sentence and exit status 1, Ctrl-C another and status 130."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    # A snapshot stands in place of the list; argparse has no other way to say so.
    with_snapshot = any(word.partition("=")[0] == "--snapshot" for word in words)
    options = _parser(with_snapshot).parse_args(words)
    try:
        with one_sentence():
            options.command(options)
    except KeyboardInterrupt:
        print("affectflow: stopped; files that were finished are kept.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would complain
        raise SystemExit(141) from None


def _parser(with_snapshot: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="affectflow", description="The stages of affectflow, one by one.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: _Command, text: str, *options: tuple[str, dict[str, object]]) -> None:
        sub = commands.add_parser(name, help=text, description=text)
        for option, settings in options:
            sub.add_argument(option, **settings)  # type: ignore[arg-type]
        sub.set_defaults(command=command)

    path: dict[str, object] = {"type": Path}
    needed: dict[str, object] = {"type": Path, "required": True}
    config: tuple[str, dict[str, object]] = ("--config", {"type": Path, "default": Path("config/config.yaml")})
    add(
        "inspect",
        data.inspect,
        "Say what a data set or table holds, and what is wrong with it, before anything long runs.",
        ("path", path),
        ("--dataset", {"default": None, "help": "its name, where the folder does not tell"}),
        ("--problems", {"type": int, "default": 20, "help": "how many to print"}),
    )
    add(
        "ingest",
        data.ingest,
        "Read spreadsheets of image URLs and AU labels.",
        ("tables", {**path, "nargs": "+"}),
        ("--labels", needed),
        ("--rejects", needed),
    )
    add(
        "name-files",
        data.name_files,
        "Give each URL a file name.",
        ("labels", path),
        ("file_names", path),
        ("--snapshot", {**path, "default": None, "help": "name only the URLs of this snapshot"}),
    )
    add(
        "download",
        fetching.download,
        "Fetch a list of images: one URL a line, or a CSV or Parquet file with a column url (and url_orig, tried where "
        "url is dead, and sha256, which the image must have). Run it again to go on where it stopped.",
        *((("urls", {**path, "help": "left out with --snapshot"}),) if not with_snapshot else ()),
        ("destination", path),
        ("--snapshot", {**path, "default": None, "help": "reproduce this set; status 1 unless every image is there"}),
        ("--ledger", {**path, "default": None, "help": "DESTINATION/ledger.parquet"}),
        ("--config", {**path, "default": None, "help": "take the settings from this file's section download"}),
        ("--set", {"action": "append", "default": [], "metavar": "KEY=VALUE", "help": "a setting, as in the config"}),
        ("--processes", {"type": _positive, "default": 1, "help": "they share each host's limits"}),
        ("--retry", {"default": None, "metavar": "CLASSES", "help": "try failures of these again: timeout,dns or all"}),
        ("--retry-older-than", {"default": None, "metavar": "AGE", "help": "try failures again after 30d, 12h"}),
        ("--resume", {"choices": ("yes", "no"), "default": "yes", "help": "no: fetch everything again"}),
    )
    add(
        "snapshot",
        fetching.snapshot,
        "Write down what a download gave (URL, SHA-256, split, group of near duplicates), so that others can reproduce "
        "it with download --snapshot or data.emotionet.snapshot.",
        ("ledger", path),
        ("--samples", {**path, "default": None, "help": "samples.parquet, for splits and groups"}),
        ("--out", needed),
    )
    add(
        "find-faces",
        data.find_faces,
        "Find the faces in a data set's images, or take those that it ships.",
        ("dataset", {}),
        ("root", path),
        ("--split", {"default": "all"}),
        ("--detector", {**path, "default": None, "help": "YuNet's file; left out: the boxes that the set ships"}),
        ("--processes", {"type": _positive, "default": 1}),
        ("--out", needed),
        config,
    )
    add(
        "frame",
        data.frame,
        "Save a frame of a video, as predictions and manifests count them.",
        ("video", path),
        ("--index", {"type": int, "default": None, "help": "from 1"}),
        ("--time", {"type": float, "default": None, "help": "in seconds"}),
        ("--out", needed),
    )
    merge_options: tuple[tuple[str, dict[str, object]], ...] = (
        ("--trace-range", {"type": float, "default": 1.0, "help": "becomes 1, where the tool writes no range"}),
        ("--lag", {"type": _seconds, "default": 0.0, "help": "seconds by which annotators react late, or estimate"}),
        ("--max-lag", {"type": float, "default": 3.0, "help": "seconds, that are looked for"}),
        (
            "--min-ccc",
            {"type": float, "default": None, "help": "CCC with the others below which one is left out"},
        ),
    )
    add(
        "make-batches",
        data.make_batches,
        "Cut downloaded images into videos to annotate.",
        ("ledger", path),
        ("--images", needed),
        ("--manifest", needed),
        ("--state", {**needed, "help": "folder that remembers which image is which frame"}),
        config,
    )
    add(
        "annotate",
        data.annotate,
        "Serve a local page on which valence and arousal of the batches' images are annotated.",
        config,
        ("--configfile", {**path, "action": "append", "default": [], "help": "an overlay, as of snakemake"}),
        ("--annotator", {"default": "", "help": "a name; left out, the page asks for it"}),
        ("--batch", {"type": _positive, "default": None, "help": "the first that is not done, if left out"}),
        ("--videos", {**path, "default": None, "help": "a folder of videos to trace, rather than the batches"}),
        ("--model", {"default": "", "help": "a run such as resnet, whose doubt says which images come first"}),
        ("--out", {**path, "default": None, "help": "folder for the judgements; data.annotations"}),
        ("--host", {"default": "127.0.0.1", "help": "elsewhere than on loopback a token is needed"}),
        ("--port", {"type": int, "default": 0, "help": "any that is free, if left out"}),
        ("--no-browser", {"action": "store_false", "dest": "browser", "help": "only say the address"}),
    )
    add(
        "merge-traces",
        data.merge_traces,
        "Merge valence/arousal traces of annotated batches, whatever tool they were made with.",
        ("traces", path),
        ("--manifest", needed),
        ("--merged", {**needed, "help": "the table; those of agreement and of annotators are written beside it"}),
        *merge_options,
    )
    add(
        "merge-videos",
        data.merge_videos,
        "Merge valence/arousal traces of your own videos into a data set as Aff-Wild's, to train on or to score by.",
        ("traces", path),
        ("--videos", {**needed, "help": "the folder that was given to annotate"}),
        ("--out", {**needed, "help": "a folder, for data.affwild.root"}),
        *merge_options,
    )
    add(
        "assemble-samples",
        data.assemble_samples,
        "Join labels, ledger and affect to samples with their splits.",
        ("--labels", needed),
        ("--ledger", needed),
        ("--affect", {**path, "default": None}),
        ("--snapshot", {**path, "default": None, "help": "take splits and groups from this"}),
        ("--faces", {**path, "nargs": "+", "default": [], "help": "tables of the images' faces"}),
        ("--samples", needed),
        ("--left-out", needed),
        config,
    )
    add(
        "write-records",
        data.write_records,
        "Write the TFRecords of all shards.",
        ("samples", path),
        ("--images", needed),
        ("--out", needed),
        ("--state", needed),
        ("--processes", {"type": _positive, "default": 1}),
        config,
    )
    add(
        "records",
        data.records,
        "Check every record of a folder: checksums, features, images, splits, index.",
        ("action", {"choices": ["check"]}),
        ("folder", path),
        ("--problems", {"type": int, "default": 20, "help": "how many to print"}),
    )
    add(
        "fetch-weights",
        models.fetch_weights,
        "Fetch a backbone's ImageNet weights and check them.",
        ("backbone", {}),
        ("--out", needed),
        config,
    )
    add(
        "train",
        models.train,
        "Train a run of the catalogue on TFRecords.",
        ("run", {}),
        ("--train", {**needed, "nargs": "+"}),
        ("--validation", {**needed, "nargs": "+"}),
        ("--weights", {**path, "default": None}),
        ("--threads", {"type": int, "default": 0}),
        ("--out", needed),
        config,
    )
    add(
        "predict",
        models.predict,
        "Say what a trained model sees in the faces of images, folders, videos, or before a camera.",
        ("paths", {**path, "nargs": "+", "metavar": "PATH", "help": "a camera is such as /dev/video0"}),
        ("--model", {"default": "resnet", "help": "a run in results/models, or the folder of a model (resnet)"}),
        ("--out", {**path, "default": None, "metavar": "CSV|JSON", "help": "left out: CSV on standard output"}),
        ("--overlay", {**path, "default": None, "metavar": "FOLDER", "help": "draw it into the images and videos"}),
        ("--emotions", {"default": "emfacs", "help": "report2017, emfacs or du2014"}),
        ("--detector", {**path, "default": None, "help": "YuNet's file; left out: where the configuration says"}),
        ("--cropped", {"action": "store_true", "help": "images show an aligned face each; none is looked for"}),
        ("--seconds", {"type": float, "default": None, "help": "of a camera; left out: until Ctrl-C"}),
        ("--batch-size", {"type": _positive, "default": 64}),
        config,
    )
    add(
        "write-frames",
        models.write_frames,
        "Write a benchmark's labelled frames as TFRecords, cropped once for all models.",
        ("dataset", {}),
        ("root", path),
        ("--split", {"default": "all"}),
        ("--faces", {**path, "default": None, "help": "table of the set's faces, of find-faces"}),
        ("--hold", {"type": float, "default": 1.0, "help": "seconds for which a lost face is where it was"}),
        ("--processes", {"type": _positive, "default": 1}),
        ("--out", needed),
        config,
    )
    add(
        "predict-records",
        models.predict_records,
        "Run a trained model over a benchmark's records.",
        ("records", {**path, "nargs": "+", "help": "files of write-frames, or of the test split"}),
        ("--model", {**needed, "help": "folder with model.keras and model.json"}),
        ("--batch-size", {"type": _positive, "default": 64}),
        ("--out", needed),
    )
    add(
        "score",
        models.score,
        "Score anyone's predictions on a benchmark: a CSV, or what OpenFace, py-feat and LibreFace write.",
        ("predictions", {**path, "help": "a CSV, or a folder of them"}),
        ("--benchmark", {"required": True, "help": "whose labels they are held against"}),
        ("--protocol", {"default": "", "help": "another than the benchmark's default"}),
        ("--root", {**needed, "help": "the benchmark's own folder"}),
        ("--split", {"default": "all"}),
        ("--name", {"default": "", "help": "of the model, in the score file"}),
        ("--draws", {"type": _positive, "default": 1000, "help": "of subjects, for intervals"}),
        ("--out", needed),
    )
    add(
        "overlap",
        models.overlap,
        "Find the images and people of a benchmark that are in training data.",
        ("--benchmark", {"required": True, "metavar": "SET=FOLDER[@SPLIT]", "help": "such as disfa=/data/disfa"}),
        (
            "--trained",
            {"required": True, "action": "append", "metavar": "SET=FOLDER[@SPLIT]", "help": "for each set"},
        ),
        ("--bits", {"type": int, "default": 6, "help": "of 256, in which images that look the same may differ"}),
        ("--processes", {"type": _positive, "default": 1}),
        ("--out", {**needed, "help": "table of what overlaps; its numbers are written beside it, as .json"}),
    )
    add(
        "summarize",
        models.summarize,
        "Write score files as one CSV.",
        ("files", {**path, "nargs": "+"}),
        ("--out", needed),
    )
    add(
        "scores",
        models.scores,
        "Print score files as a table.",
        ("files", {**path, "nargs": "+"}),
    )
    add(
        "facs",
        documents.facs,
        "Print what the 60 AU columns are, or which AUs make an emotion.",
        ("--emotions", {"default": None, "metavar": "TABLE", "help": "report2017, emfacs or du2014"}),
        ("--sadness", {"type": int, "default": None, "help": "14 or 15, in place of the table's own"}),
    )
    add(
        "protocols",
        documents.protocols,
        "Print how benchmarks are scored.",
        ("benchmark", {"nargs": "?", "default": None, "help": "one of them, with sources"}),
    )
    add(
        "doctor",
        cluster.doctor,
        "Say what would go wrong on a SLURM cluster: account, partitions, limits, GPUs, what nodes see, room.",
        ("--profile", {**path, "default": Path("profiles/slurm")}),
        config,
        ("--configfile", {**path, "action": "append", "default": [], "help": "an overlay, as of snakemake"}),
        ("--wait", {"type": _positive, "default": 120, "help": "seconds for a node on which to look around"}),
        ("--no-probe", {"action": "store_false", "dest": "probe", "help": "send no job"}),
    )
    add("config-docs", documents.config_docs, "Write config/README.md from the schema.", ("out", path))
    add("draw-graph", documents.draw_graph, "Turn a DOT graph on standard input into SVG.", ("out", path))
    return parser


def _seconds(text: str) -> float | None:
    """None to estimate them."""
    return None if text == "estimate" else float(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
