"""EmotioNet: photographs from the web, listed by URL, with the occurrence of 60 AUs.

Fabian Benitez-Quiroz, Srinivasan and Martinez, "EmotioNet: An Accurate, Real-Time Algorithm for the Automatic
Annotation of a Million Facial Expressions in the Wild", CVPR 2016. Layout, as the workflow makes it::

    samples.parquet             see affectflow.datasets.samples_table
    images/<2 characters>/<file name>
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.datasets.base import Dataset
from affectflow.datasets.dataset_info import ACTION_UNITS, SPLIT, VALENCE_AROUSAL, DatasetInfo
from affectflow.datasets.sample import SPLITS, Sample

if TYPE_CHECKING:
    import pyarrow as pa

    from affectflow.datasets.media import Media

_SAMPLES = "samples.parquet"


class EmotioNet(Dataset):
    """Downloaded images with AU occurrence and, where annotated, valence and arousal. Persons are not known."""

    name = "emotionet"

    def __init__(self, root: Path, split: str, media: Media) -> None:
        """Open the samples; ``media`` is not used, since images come from the store and are decoded on demand."""
        super().__init__()
        self._root = root
        self._split = split

    def groups(self) -> list[str]:
        return sorted(set(self._rows(_SAMPLES)["group"].to_pylist()))

    def parts(self) -> list[str]:
        return [_SAMPLES]

    def samples_of(self, part: str) -> Iterator[Sample]:
        from affectflow.datasets.samples_table import sample_of_row

        for row in self._rows(part).to_pylist():
            yield sample_of_row(row, self._root / "images")

    def _rows(self, part: str) -> pa.Table:
        import pyarrow.compute as pc

        from affectflow.datasets.samples_table import SAMPLES_SCHEMA
        from affectflow.tables.parquet import read_parquet

        table = read_parquet(self._root / part, SAMPLES_SCHEMA)
        return table if self._split == "all" else table.filter(pc.equal(table["split"], self._split))


INFO = DatasetInfo(
    name="emotionet",
    title="EmotioNet",
    heads=frozenset({ACTION_UNITS, VALENCE_AROUSAL}),
    media="images",
    opens=EmotioNet,
    splits=("all", *SPLITS),
    uses=(SPLIT,),
    downloaded=True,
    layout="spreadsheets of image URLs and 60 AU columns (.xlsx, .csv, or TAB separated .txt)",
    terms="EmotioNet (Ohio State University): signed agreement, research only; images belong to their authors",
    citation=(
        'Fabian Benitez-Quiroz, Srinivasan and Martinez, "EmotioNet: An Accurate, Real-Time Algorithm for the '
        'Automatic Annotation of a Million Facial Expressions in the Wild", CVPR 2016'
    ),
    where_to_ask='cbcsl.ece.ohio-state.edu, "EmotioNet": a signed agreement of your institution',
)
