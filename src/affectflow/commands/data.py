"""Commands that prepare data: each maps its options onto one call."""

from __future__ import annotations

import argparse

from affectflow.codehash import modules_digest


def ingest(options: argparse.Namespace) -> None:
    from affectflow.inputs import table_files
    from affectflow.spreadsheet.ingest import ingest

    tables = [file for table in options.tables for file in table_files(table)]
    for what, count in ingest(tables, options.labels, options.rejects).most_common():
        print(f"{count} rows: {what}")


def inspect(options: argparse.Namespace) -> None:
    from affectflow.errors import UserError
    from affectflow.inspection.recognise import EMOTIONET_TABLES, recognise

    name = options.dataset or recognise(options.path)
    lines: list[str] = []
    if name == EMOTIONET_TABLES:
        from affectflow.inputs import table_files
        from affectflow.inspection.tables import rates, survey_tables

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
            f"{options.path} has {len(found.problems):,} problems; mend them, or they end or cost something."
        )


def name_files(options: argparse.Namespace) -> None:
    from affectflow.spreadsheet.file_names import write_file_names

    print(f"{write_file_names(options.labels, options.snapshot, options.file_names)} distinct URLs")


def make_batches(options: argparse.Namespace) -> None:
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
        code=modules_digest("affectflow.annotation.batches"),
    )
    print(f"{count} batches")


def merge_traces(options: argparse.Namespace) -> None:
    from affectflow.annotation.merge import merge_traces

    frames, without = merge_traces(
        options.traces, options.manifest, options.merged, options.agreement, options.trace_range
    )
    print(f"{frames} frames, {without} of them without values")


def assemble_samples(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.records.assemble import assemble

    keys = ("shards", "validation_fraction", "test_fraction", "near_duplicate_bits")
    records = config.load(options.config)["records"]
    settings = {key: records[key] for key in keys}
    print(
        assemble(
            options.labels,
            options.ledger,
            options.affect,
            options.snapshot,
            options.samples,
            options.left_out,
            **settings,
        )
    )


def write_records(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.records.index import collect_index
    from affectflow.records.write import write_shard
    from affectflow.splits import SPLITS

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
            code=modules_digest("affectflow.records.write"),
        )
    collect_index(parts, options.out / "index.csv", options.out / "counts.json")


def records(options: argparse.Namespace) -> None:
    from affectflow.errors import UserError
    from affectflow.records.check import check_records

    checked = check_records(options.folder)
    for problem in checked.problems[: options.problems]:
        print(f"problem: {problem}")
    print(f"{checked.records:,} records in {checked.files:,} files, {len(checked.problems):,} problems")
    if checked.problems:
        raise UserError(f"{options.folder} is not sound; delete it and run the workflow again.")
