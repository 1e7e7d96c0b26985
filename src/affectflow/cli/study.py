"""Commands that begin a study."""

from __future__ import annotations

import inspect
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from affectflow import datasets
from affectflow.cli.options import Several, with_parameters
from affectflow.core.errors import UserError
from affectflow.core.stage import Output

if TYPE_CHECKING:
    from affectflow.study.new_study import StudyData


def _parameters() -> list[inspect.Parameter]:
    """Return the parameters of :func:`init`, with an option for each data set that is a folder."""

    def parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    folders = [datasets.info(name) for name in datasets.folder_sets()]
    return [
        inspect.Parameter("folder", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Output),
        parameter("emotionet", Annotated[list[Path], Several], []),
        *(parameter(one.name, Annotated[Path | None, Parameter(help=f"{one.title}: {one.layout}")]) for one in folders),
        parameter("models", Annotated[list[Literal["resnet", "vgg", "inception_resnet"]], Several], ["resnet"]),
        parameter("weights", Literal["imagenet", "none"], "imagenet"),
    ]


@with_parameters(_parameters())
def init(folder: Path, emotionet: list[Path], models: list[str], weights: str, **roots: Path | None) -> None:
    """Make a folder for a study of your own data: configuration, Snakefile, profiles.

    Without data it asks for it.

    Example: affectflow init my-study --emotionet table.xlsx --disfa /data/DISFA

    Args:
        folder: The study; a new folder.
        emotionet: Spreadsheets of image URLs and AUs, or folders of them.
        models: Networks to train.
        weights: What the networks start from.
    """
    from affectflow.study.new_study import StudyData, make_study

    folders = {name: root for name, root in roots.items() if root is not None}
    data = StudyData(emotionet, folders)
    if not data.names:
        data = _asked()
    study = make_study(folder, data, models, weights)
    here = shlex.quote(str(study.folder))
    print(f"{study.folder}: models learn from {' and '.join(study.trained_on) or 'nothing yet'}")
    for name in data.names:
        if name not in study.trained_on:
            print(f"{study.folder}: {name} is scored on")
    print("Next:")
    print(f"  cd {here}")
    print(
        f"  snakemake --cores all -n        # what will be done; {study.folder}/config.yaml says what it is made from"
    )
    if study.scores:
        print(f"  snakemake --cores all {study.scores[0]}")
    else:
        print("  (nothing to train on; add a data set to config.yaml)")


def _asked() -> StudyData:
    """Ask for data on the terminal; raises :class:`UserError` where there is none."""
    from affectflow.study.new_study import StudyData, given_by

    flags = ", ".join(f"--{name}" for name in ("emotionet", *datasets.folder_sets()))
    if not sys.stdin.isatty():
        raise UserError(f"No data set was given; give the data of the study: {flags}.")
    print("Where is your data? Spreadsheets of image URLs, folders of data sets; an empty line ends the list.")
    tables: list[Path] = []
    folders: dict[str, Path] = {}
    while answer := input("path: ").strip():
        try:
            given = Path(answer).expanduser()
            name = given_by(given)
        except UserError as error:
            print(error)
            continue
        print(f"  that is {name}")
        if name == "emotionet":
            tables.append(given)
        else:
            folders[name] = given
    if not tables and not folders:
        raise UserError(f"No data set was given; give {flags}.")
    return StudyData(tables, folders)
