"""The section ``data``: the keys of each data set, derived from what the set's module says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from affectflow import datasets
from affectflow.core.settings import PathText, Section, Text, unique
from affectflow.datasets.dataset_info import BENCHMARK, SPLIT, TRAIN, DatasetInfo


class EmotioNet(Section):
    """Spreadsheets of image URLs with AU labels, which are downloaded."""

    tables: Annotated[list[PathText], AfterValidator(unique)] = Field(
        description="Spreadsheets of image URLs and 60 AU columns (.xlsx, .csv, or TAB separated .txt), or folders "
        "of them; an empty list leaves EmotioNet out."
    )
    automatic: list[str] = Field(
        description="File names (`*` stands for anything) of the tables whose labels a program made. These labels are "
        "for training only: validation and test have those made by hand. `[]` takes all tables for made by hand."
    )
    snapshot: PathText | None = Field(
        description="A `snapshot.parquet` whose images and splits are to be reproduced, or null; differences are "
        "written to `results/emotionet/snapshot_difference.csv`."
    )


_DOCUMENTED = "What goes in."


class FolderSet(Section):
    """A data set in a folder of the user's; sets that can be used in several ways have a key ``use``, too."""

    root: PathText | None = None
    subjects: PathText | None = Field(
        default=None,
        description="Table with a column `subject` or `video` and others such as `gender` or `age`, by which scores "
        "are grouped, or null.",
    )


class DataSection(Section):
    """What all configurations have under ``data``, whatever data sets are registered."""

    emotionet: EmotioNet
    annotations: PathText | None = Field(
        description="Folder with valence/arousal traces and ratings of the annotation videos, or null."
    )

    def folder_set(self, name: str) -> FolderSet:
        """Return the keys of one of :func:`affectflow.datasets.folder_sets`."""
        found: FolderSet = getattr(self, name)
        return found


def data_section() -> type[DataSection]:
    """Return the section with the keys of all registered data sets."""
    fields: dict[str, Any] = {name: (one := _keys_of(datasets.info(name)), one()) for name in datasets.folder_sets()}
    return create_model("Data", __base__=DataSection, __doc__=_DOCUMENTED, **fields)


def _keys_of(facts: DatasetInfo) -> type[FolderSet]:
    fields: dict[str, Any] = {
        "root": (
            PathText | None,
            Field(default=None, description=f"Folder of {facts.title} ({facts.layout}), or null.{_fetched(facts)}"),
        )
    }
    if facts.fetched_from:
        meaning = "Where the set is fetched, without the files' numbers."
        fields["server"] = (Text, Field(default=facts.fetched_from, description=meaning))
    if len(facts.uses) > 1:
        meanings = {
            BENCHMARK: "scores on all of it",
            TRAIN: "trains on all of it",
            SPLIT: f"trains on some and scores on the rest, by {facts.split_by}",
        }
        default = BENCHMARK if BENCHMARK in facts.uses else facts.uses[0]
        text = ", ".join(f"`{use}` {meanings[use]}" for use in facts.uses)
        fields["use"] = (Literal[facts.uses], Field(default=default, description=f"{text}."))
    for name, option in facts.options.items():
        fields[name] = (Literal[option.values], Field(default=option.values[0], description=option.meaning))
    return create_model(facts.title, __base__=FolderSet, **fields)


def _fetched(facts: DatasetInfo) -> str:
    return f" `{facts.fetched_to}` is fetched." if facts.fetched_to else ""


if TYPE_CHECKING:
    Data = DataSection
else:
    Data = data_section()
