"""``affectflow``: stages as commands, each calling the same function as the workflow's script."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from affectflow.errors import UserError, one_sentence

_Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. A user's mistake gives one sentence and exit status 1, Ctrl-C another and status 130."""
    options = _parser().parse_args(arguments)
    try:
        with one_sentence():
            options.command(options)
    except KeyboardInterrupt:
        print("affectflow: stopped; what was finished is kept.", file=sys.stderr)
        raise SystemExit(130) from None


def _parser() -> argparse.ArgumentParser:
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
        "ingest",
        _ingest,
        "Read spreadsheets of image URLs and AU labels.",
        ("tables", {**path, "nargs": "+"}),
        ("--labels", needed),
        ("--rejects", needed),
    )
    add(
        "name-files",
        _name_files,
        "Give each URL a file name.",
        ("labels", path),
        ("file_names", path),
    )
    add(
        "download",
        _download,
        "Fetch a list of images: one URL a line, or a CSV with a column url (and url_orig, tried where url is dead). "
        "Run it again to go on where it stopped.",
        ("urls", path),
        ("destination", path),
        ("--ledger", {**path, "default": None, "help": "DESTINATION/ledger.parquet"}),
        ("--config", {**path, "default": None, "help": "take the settings from this file's section download"}),
        ("--set", {"action": "append", "default": [], "metavar": "KEY=VALUE", "help": "a setting, as in the config"}),
        ("--processes", {"type": int, "default": 1, "help": "they share each host's limits"}),
        ("--retry", {"default": None, "metavar": "CLASSES", "help": "try failures of these again: timeout,dns or all"}),
        ("--retry-older-than", {"default": None, "metavar": "AGE", "help": "try failures again after 30d, 12h"}),
        ("--resume", {"choices": ("yes", "no"), "default": "yes", "help": "no: fetch everything again"}),
    )
    add(
        "make-batches",
        _make_batches,
        "Cut downloaded images into videos to annotate.",
        ("ledger", path),
        ("--images", needed),
        ("--manifest", needed),
        ("--state", {**needed, "help": "folder that remembers which image is which frame"}),
        config,
    )
    add(
        "merge-traces",
        _merge_traces,
        "Merge valence/arousal traces of annotated batches.",
        ("traces", path),
        ("--manifest", needed),
        ("--merged", needed),
        ("--agreement", needed),
        ("--trace-range", {"type": float, "default": 1.0}),
    )
    add(
        "assemble-samples",
        _assemble_samples,
        "Join labels, ledger and affect to samples with their splits.",
        ("--labels", needed),
        ("--ledger", needed),
        ("--affect", {**path, "default": None}),
        ("--samples", needed),
        ("--left-out", needed),
        config,
    )
    add(
        "write-records",
        _write_records,
        "Write the TFRecords of all shards.",
        ("samples", path),
        ("--images", needed),
        ("--out", needed),
        ("--state", needed),
        config,
    )
    add(
        "fetch-weights",
        _fetch_weights,
        "Fetch a backbone's ImageNet weights and check them.",
        ("backbone", {}),
        ("--out", needed),
        config,
    )
    add(
        "train",
        _train,
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
        _predict,
        "Run a trained model over a data set.",
        ("dataset", {}),
        ("root", path),
        ("--model", {**needed, "help": "folder with model.keras and model.json"}),
        ("--split", {"default": "all"}),
        ("--batch-size", {"type": int, "default": 64}),
        ("--out", needed),
    )
    add(
        "score",
        _score,
        "Score predictions on a benchmark.",
        ("benchmark", {}),
        ("run", {}),
        ("--predictions", needed),
        ("--model", {**needed, "help": "folder with model.keras and model.json"}),
        ("--out", needed),
        config,
    )
    add(
        "summarise",
        _summarise,
        "Write score files as one CSV.",
        ("files", {**path, "nargs": "+"}),
        ("--out", needed),
    )
    add(
        "scores",
        _scores,
        "Print score files as a table.",
        ("files", {**path, "nargs": "+"}),
    )
    add("config-docs", _config_docs, "Write config/README.md from the schema.", ("out", path))
    add("draw-graph", _draw_graph, "Turn a DOT graph on standard input into SVG.", ("out", path))
    return parser


def _ingest(options: argparse.Namespace) -> None:
    from affectflow.spreadsheet.ingest import ingest

    for what, count in ingest(options.tables, options.labels, options.rejects).most_common():
        print(f"{count} rows: {what}")


def _name_files(options: argparse.Namespace) -> None:
    from affectflow.names import write_file_names

    print(f"{write_file_names(options.labels, options.file_names)} distinct URLs")


def _download(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.download.command import before, download
    from affectflow.download.outcomes import OK, OUTCOMES
    from affectflow.download.partition import Again
    from affectflow.download.settings import Settings

    section = config.load(options.config)["download"] if options.config else {}
    settings = Settings.of({**section, **config.section("download", options.set)})
    classes = frozenset((options.retry or "").split(",")) - {"", "all"}
    if unknown := classes - OUTCOMES.keys():
        raise UserError(f"--retry knows no {sorted(unknown)[0]!r}; the classes are {', '.join(OUTCOMES)}.")
    again = Again(
        forced=options.retry is not None or options.retry_older_than is not None,
        classes=classes,
        before=before(options.retry_older_than) if options.retry_older_than else None,
    )
    counts = download(
        options.urls, options.destination, options.ledger, settings, options.processes, again, options.resume == "yes"
    )
    width = max(map(len, counts))
    for outcome, count in counts.most_common():
        print(f"{outcome:{width}}  {count:>9,}  {100 * count / counts.total():5.1f} %  {OUTCOMES[outcome]}")
    if failed := counts.total() - counts[OK]:
        print(f"{failed:,} failures, one by one: {options.destination / 'errors.csv'}")


def _digest(module: str) -> str:
    from affectflow.codehash import modules_digest

    return modules_digest(module)


def _make_batches(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.annotation.batches import make_batches

    settings = config.load(options.config)["annotation"]
    count = make_batches(
        options.ledger,
        options.images,
        options.manifest,
        options.state,
        frames_per_batch=settings["frames_per_batch"],
        frame_rate=settings["frame_rate"],
        size=settings["image_size"],
        code=_digest("affectflow.annotation.batches"),
    )
    print(f"{count} batches")


def _assemble_samples(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.records.assemble import assemble

    keys = ("shards", "validation_fraction", "test_fraction", "near_duplicate_bits")
    records = config.load(options.config)["records"]
    settings = {key: records[key] for key in keys}
    print(assemble(options.labels, options.ledger, options.affect, options.samples, options.left_out, **settings))


def _write_records(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.datasets.emotionet import SPLITS
    from affectflow.records.index import collect_index
    from affectflow.records.write import write_shard

    settings = config.load(options.config)["records"]
    of, parts = f"of-{settings['shards']:05d}", []
    for shard in range(settings["shards"]):
        parts.append(options.out / "index_parts" / f"{shard:05d}-{of}.csv")
        write_shard(
            options.samples,
            options.images,
            shard,
            files={split: options.out / f"{split}-{shard:05d}-{of}.tfrecord" for split in SPLITS},
            index=parts[-1],
            store=options.state / f"{shard:05d}",
            size=settings["image_size"],
            quality=settings["jpeg_quality"],
            code=_digest("affectflow.records.write"),
        )
    collect_index(parts, options.out / "index.csv", options.out / "counts.json")


def _fetch_weights(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.training.backbones import BACKBONES
    from affectflow.training.pretrained import fetch_weights

    if options.backbone not in BACKBONES:
        raise UserError(f"There is no backbone {options.backbone!r}; known are {', '.join(BACKBONES)}.")
    fetch_weights(options.backbone, config.load(options.config)["pretrained"]["base_url"], options.out)


def _merge_traces(options: argparse.Namespace) -> None:
    from affectflow.annotation.merge import merge_traces

    frames, without = merge_traces(
        options.traces, options.manifest, options.merged, options.agreement, options.trace_range
    )
    print(f"{frames} frames, {without} of them without values")


def _train(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.plan import Plan
    from affectflow.training.train import Recipe, train

    settings = config.load(options.config)
    plan = Plan(settings)
    if plan.weights(options.run) is not None and options.weights is None:
        raise UserError(f"{options.run} starts from {plan.weights(options.run)}; name that file with --weights.")
    train(
        Recipe.of(plan.recipe(options.run), options.weights),
        train_files=options.train,
        validation_files=options.validation,
        image_size=settings["records"]["image_size"],
        synthetic=plan.synthetic,
        threads=options.threads,
        model_out=options.out / "model.keras",
        history_out=options.out / "history.csv",
        card_out=options.out / "model.json",
    )


def _predict(options: argparse.Namespace) -> None:
    from affectflow.datasets import get_dataset
    from affectflow.evaluation.predictions import predict

    left_out = options.out.with_name(f"{options.out.stem}_left_out.csv")
    frames = predict(
        get_dataset(options.dataset, options.root, options.split),
        options.model / "model.keras",
        options.model / "model.json",
        batch_size=options.batch_size,
        out=options.out,
        left_out=left_out,
    )
    print(f"{frames} frames")


def _score(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.evaluation.score import score
    from affectflow.plan import Plan

    plan = Plan(config.load(options.config))
    plan.check_score(options.benchmark, options.run)
    score(
        options.benchmark,
        options.run,
        predictions=options.predictions,
        left_out=options.predictions.with_name(f"{options.predictions.stem}_left_out.csv"),
        card=options.model / "model.json",
        model=options.model / "model.keras",
        config_sha256=plan.score_config(options.benchmark, options.run),
        code_sha256=_digest("affectflow.evaluation.score"),
        out=options.out,
    )


def _summarise(options: argparse.Namespace) -> None:
    from affectflow.evaluation.summary import summarise

    summarise(options.files, options.out)


def _scores(options: argparse.Namespace) -> None:
    from affectflow.evaluation.summary import table

    missing = [path for path in options.files if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} does not exist; run snakemake {missing[0]} first.")
    print(table(options.files))


def _config_docs(options: argparse.Namespace) -> None:
    from affectflow.config_docs import config_docs
    from affectflow.tables import whole

    with whole(options.out) as partial:
        partial.write_text(config_docs(), encoding="utf-8")


def _draw_graph(options: argparse.Namespace) -> None:
    from affectflow.graph import draw_graph

    draw_graph(sys.stdin.read(), options.out)


if __name__ == "__main__":
    main()
