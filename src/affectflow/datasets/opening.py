"""Open data sets by their names."""

from __future__ import annotations

from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.datasets import info
from affectflow.datasets.base import Dataset
from affectflow.datasets.media import Media


def get_dataset(name: str, root: Path, split: str = "all", media: Media | None = None) -> Dataset:
    """Open a data set.

    Args:
        name: One of :func:`affectflow.datasets.names`.
        root: The set's own folder.
        split: One of the set's splits; ``all@right`` also chooses the value of an option.
        media: How videos and images are read; decodes them by default.

    Raises:
        UserError: For an unknown name or split, a missing folder, or a folder with another layout.
    """
    one = info(name)
    if not root.is_dir() and not (one.table_as_root and root.is_file()):
        raise UserError(f"{root} is not a folder; set {one.root_key} to the folder of {one.title}.")
    one.check_split(split)
    return one.opens(root, split, media or Media())
