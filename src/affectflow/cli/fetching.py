"""Commands that fetch images and compare what came."""

from __future__ import annotations

import argparse
from pathlib import Path

from affectflow.core.errors import UserError


def download(options: argparse.Namespace) -> None:
    from affectflow import config
    from affectflow.download.command import before, download
    from affectflow.download.outcomes import OK, OUTCOMES, check_some
    from affectflow.download.partition import RetryPolicy
    from affectflow.download.settings import Settings

    if options.snapshot is not None:
        _check_snapshot(options.snapshot)
    section = config.load(options.config)["download"] if options.config else {}
    settings = Settings.of({**section, **config.section("download", options.set)})
    classes = frozenset((options.retry or "").split(",")) - {"", "all"}
    if unknown := classes - OUTCOMES.keys():
        raise UserError(f"--retry knows no {sorted(unknown)[0]!r}; the classes are {', '.join(OUTCOMES)}.")
    policy = RetryPolicy(
        forced=options.retry is not None or options.retry_older_than is not None,
        outcomes=classes,
        before=before(options.retry_older_than) if options.retry_older_than else None,
    )
    urls = options.snapshot or options.urls
    ledger, differences = (options.destination / name for name in ("ledger.parquet", "snapshot_difference.csv"))
    ledger = options.ledger or ledger
    differences.unlink(missing_ok=True)  # or one of another set might be taken for this one's
    counts = download(urls, options.destination, ledger, settings, options.processes, policy, options.resume == "yes")
    width = max(map(len, counts), default=0)
    for outcome, count in counts.most_common():
        print(f"{outcome:{width}}  {count:>9,}  {100 * count / counts.total():5.1f} %  {OUTCOMES[outcome]}")
    if failed := counts.total() - counts[OK]:
        print(f"{failed:,} failures, one by one: {options.destination / 'errors.csv'}")
    if options.snapshot is not None:
        _compare(options.snapshot, ledger, differences)
    check_some(counts)


def _check_snapshot(path: Path) -> None:
    from affectflow.download.snapshot import read_snapshot

    if not path.is_file():
        raise UserError(f"{path} does not exist; 'affectflow snapshot' writes one.")
    read_snapshot(path)


def _compare(snapshot: Path, ledger: Path, differences: Path) -> None:
    from affectflow.download.snapshot import compare, read_snapshot, write_differences

    comparison = compare(read_snapshot(snapshot), ledger)
    write_differences(comparison, differences)
    there = comparison.images - comparison.lost
    print(f"snapshot {comparison.id}: {there:,} of {comparison.images:,} images are there")
    if comparison.lost:
        raise UserError(
            f"The snapshot is not reproduced: {comparison.lost:,} images are lost; {differences} has them row by row."
        )


def snapshot(options: argparse.Namespace) -> None:
    from affectflow.download.snapshot import write_snapshot
    from affectflow.records.snapshot import take_snapshot

    for path in (options.ledger, options.samples):
        if path is not None and not path.is_file():
            raise UserError(f"{path} does not exist; a download or the workflow writes it.")
    if options.out.exists() and any(path and options.out.samefile(path) for path in (options.ledger, options.samples)):
        raise UserError(f"{options.out} is what the snapshot is made of; give --out another path.")
    snapshot = take_snapshot(options.ledger, options.samples)
    write_snapshot(snapshot, options.out)
    print(f"snapshot {snapshot.id}: {len(snapshot.entries):,} URLs, {len(snapshot.images()):,} images")
