"""Stages that fetch the data sets that anyone may use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from affectflow.core.stage import Output, Setting, stage


@stage("datasets.london_archive")
def fetch_london(
    source: Output, subjects: Output, record: Path, server: Annotated[str, Setting("data.london.server")]
) -> str:
    """Fetch the Face Research Lab London Set, which is CC BY 4.0.

    Args:
        source: File that says where the set comes from; the photographs are written beside it.
        subjects: Table of the people.
        record: File that keeps the digests of the first fetch.
        server: URL below which figshare serves files by their numbers.
    """
    from affectflow.datasets.london_archive import fetch_london as fetch

    assert source.parent == subjects.parent
    return f"{fetch(server, source.parent, record)} photographs"
