"""Commands that begin a study."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow import datasets
from affectflow.cli.options import Commands, add_command, option, path
from affectflow.core.errors import UserError

if TYPE_CHECKING:
    from affectflow.study.new_study import StudyData

_MODELS = ("resnet", "vgg", "inception_resnet")


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    folders = [datasets.info(name) for name in datasets.folder_sets()]
    add_command(
        commands,
        "init",
        init,
        "Make a folder for a study of your own data: configuration, Snakefile, profiles. Without options it asks.",
        path("folder", "the study; a new folder"),
        path("--emotionet", "spreadsheets of image URLs and AUs, or folders of them", nargs="+", default=[]),
        *(path(f"--{one.name}", f"folder of {one.title}: {one.layout}", default=None) for one in folders),
        option("--models", "networks to train (resnet)", nargs="+", choices=_MODELS, default=["resnet"]),
        option("--weights", "what they start from", choices=("imagenet", "none"), default="imagenet"),
    )


def init(options: argparse.Namespace) -> None:
    from affectflow.study.new_study import StudyData, make_study

    folders = {name: root for name in datasets.folder_sets() if (root := getattr(options, name)) is not None}
    data = StudyData(options.emotionet, folders)
    if not data.names:
        data = _asked()
    study = make_study(options.folder, data, options.models, options.weights)
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
        raise UserError(f"Name the data of the study: {flags}.")
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
        raise UserError(f"No data was named; give {flags}.")
    return StudyData(tables, folders)
