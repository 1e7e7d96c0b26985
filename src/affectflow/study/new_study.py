"""Make the folder of a study: a configuration of what the user has, and a Snakefile that uses the packaged workflow."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectflow import datasets
from affectflow.config import complete
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.datasets.dataset_info import BENCHMARK, SPLIT, VALENCE_AROUSAL, DatasetInfo
from affectflow.inspection.recognize import EMOTIONET_TABLES, recognize
from affectflow.plan import Plan, runs
from affectflow.study import WORKFLOW
from affectflow.tables.files import table_files

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "resnet": {"backbone": "resnet50", "input_size": 128},
    "vgg": {"backbone": "vgg16", "input_size": 128, "dropout": 0.3, "training": {"learning_rate": 0.0001}},
    "inception_resnet": {"backbone": "inception_resnet_v2", "input_size": 139},
}
"""The models that a study can begin with, and what each needs."""
_IMAGE_SIZE = 160
"""Side of the stored images, from which training crops."""
_SNAKEFILE = """\
# The workflow of the installed affectflow, with the configuration of this study.
from affectflow.study import SNAKEFILE


configfile: "config.yaml"


module affectflow:
    snakefile:
        SNAKEFILE
    config:
        config


use rule * from affectflow
"""
_IGNORED = "results/\n.snakemake/\n"


@dataclass(frozen=True, slots=True)
class StudyData:
    """What the user has.

    Attributes:
        tables: EmotioNet's spreadsheets, or folders of them.
        folders: The folders of other data sets, by name.
    """

    tables: Sequence[Path]
    folders: Mapping[str, Path]

    @property
    def names(self) -> list[str]:
        """Names of the data sets."""
        downloaded = [name for name in datasets.names() if datasets.info(name).downloaded] if self.tables else []
        return [*downloaded, *self.folders]


@dataclass(frozen=True, slots=True)
class NewStudy:
    """A folder that was made.

    Attributes:
        folder: The study.
        scores: The scores that the workflow makes there.
        trained_on: Names of the data sets that its models learn from.
    """

    folder: Path
    scores: Sequence[str]
    trained_on: Sequence[str]


def make_study(folder: Path, data: StudyData, models: Sequence[str], weights: str) -> NewStudy:
    """Write a study's ``config.yaml``, ``Snakefile``, profiles, ``README.md`` and ``.gitignore``.

    Args:
        folder: The study, which is made where it does not exist.
        data: What the user has.
        models: Keys of :data:`ARCHITECTURES`.
        weights: What they start from: ``imagenet``, or ``none``.

    Raises:
        UserError: A path is not what it is given for, or the folder has a study already.
    """
    _check_given(data)
    files = ("config.yaml", "Snakefile", "README.md", ".gitignore", "profiles")
    there = next((name for name in files if (folder / name).exists()), None)
    if there is not None:
        raise UserError(f"{folder} already has a {there}, which was left unchanged; give a new folder.")
    uses = _uses(data)
    train_on = [name for name in data.names if uses[name]]
    entries = {name: _entry(name, train_on, weights) for name in models} if train_on else {}
    scores = _scores(data, uses, entries)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(WORKFLOW / "profiles", folder / "profiles")
    texts = {
        "config.yaml": _configuration(folder, data, uses, entries),
        "Snakefile": _SNAKEFILE,
        "README.md": _readme(folder.resolve().name, scores),
        ".gitignore": _IGNORED,
    }
    for name, text in texts.items():
        with atomic_write(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return NewStudy(folder, scores, train_on)


def _check_given(data: StudyData) -> None:
    for path in data.tables:
        if not path.exists():
            raise UserError(f"{path} does not exist; give a spreadsheet of image URLs and AUs.")
        table_files(path)
    for name, path in data.folders.items():
        if not path.exists():
            raise UserError(f"{path} does not exist; give the folder of {datasets.info(name).title}.")
        if (found := datasets.recognize(path)) != name:
            looks = (
                f"it looks like {datasets.info(found).title} (--{found})" if found else "'affectflow inspect' says more"
            )
            one = datasets.info(name)
            raise UserError(f"{path} does not have the layout of {one.title} ({one.layout}); {looks}.")


def given_by(path: Path) -> str:
    """Return the option that a path is to be given with: the name of a data set."""
    name = recognize(path)
    return "emotionet" if name == EMOTIONET_TABLES else name


def _uses(data: StudyData) -> dict[str, str]:
    """Return what each data set is used for in training: nothing (``""``), ``split``, or ``folds`` where it has some.

    Benchmarks are only scored on, but for those with valence and arousal, without which models learn AUs alone. Where
    nothing else is left to learn from, the first that can be divided is.
    """
    defaults = complete({})["data"]
    uses = {name: _use(datasets.info(name), defaults[name].get("use")) for name in data.names}
    if not any(uses.values()):
        dividable = (name for name in data.names if datasets.info(name).folds or SPLIT in datasets.info(name).uses)
        first = next(dividable, None)
        if first is not None:
            uses[first] = "folds" if datasets.info(first).folds else SPLIT
    return uses


def _use(one: DatasetInfo, default: str | None) -> str:
    learnt = one.downloaded or VALENCE_AROUSAL in one.heads or default not in (None, BENCHMARK)
    return SPLIT if learnt and (one.downloaded or SPLIT in one.uses) else ""


def _entry(model: str, train_on: Sequence[str], weights: str) -> dict[str, Any]:
    backbone = dict(ARCHITECTURES[model])
    training = {"training": backbone.pop("training")} if "training" in backbone else {}
    return {**backbone, "weights": weights, "train_on": list(train_on), "seeds": [0], **training}


def _scores(data: StudyData, uses: Mapping[str, str], entries: Mapping[str, Any]) -> list[str]:
    sections: dict[str, Any] = {name: {"root": str(path.absolute())} for name, path in data.folders.items()}
    for name in data.folders:
        if uses[name] == SPLIT and len(datasets.info(name).uses) > 1:
            sections[name]["use"] = SPLIT
    if data.tables:
        sections["emotionet"] = {"tables": [str(path.absolute()) for path in data.tables]}
    plan = Plan(complete({"data": sections, "models": entries}))
    targets = [(target, run) for target, run in plan.scores.targets() if runs.of_folds(run) is None]
    default = [(target, run) for target, run in targets if (target, run) in plan.scores.pairs()]
    return [f"results/eval/{target}_{run}.json" for target, run in default or targets]


def _configuration(folder: Path, data: StudyData, uses: Mapping[str, str], entries: Mapping[str, Any]) -> str:
    lines = [
        "# What differs from the defaults: 'affectflow config-docs' prints every key with its meaning and default.",
        "# Paths are relative to this folder, or absolute; ~ and $HOME are expanded.",
        "",
        "data:",
    ]
    if data.tables:
        tables = ", ".join(_path(folder, path) for path in data.tables)
        lines.append(f"  emotionet: {{tables: [{tables}]}}")
        lines.append("  # annotations: annotations   # valence and arousal of these images, once they are annotated")
    for name, path in data.folders.items():
        one = datasets.info(name)
        if uses[name] == SPLIT and len(one.uses) > 1:
            lines.append(
                f"  {name}: {{root: {_path(folder, path)}, use: split}}   # by {one.split_by}; or benchmark, train"
            )
        else:
            lines.append(f"  {name}: {{root: {_path(folder, path)}}}")
    if data.tables:
        lines += [
            "",
            "download:",
            '  contact: ""                  # your e-mail address or page, so that owners of sites can reach you',
            "  per_host: 8                  # connections to one host",
            "  rate_per_host: 20            # requests a second to one host",
            "",
            "annotation:",
            "  frame_rate: 2                # images per second, slow enough to follow",
            "  image_size: 480              # pixels",
        ]
    lines += [
        "",
        f"records: {{image_size: {_IMAGE_SIZE}}}   # pixels of the stored faces, of which a model takes its input_size",
    ]
    if entries:
        lines += ["", "models:"]
        lines += [f"  {name}: {_flow(entry)}" for name, entry in entries.items()]
        lines += [
            "",
            "training:",
            "  epochs: 12",
            "  batch_size: 32               # 16, where memory is short",
            "  learning_rate: 0.0003",
        ]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


def _path(folder: Path, path: Path) -> str:
    full, study = os.path.abspath(path), os.path.abspath(folder)
    inside = full.startswith(os.path.join(study, ""))
    return json.dumps(os.path.relpath(full, study) if inside else full, ensure_ascii=False)


def _readme(name: str, scores: Sequence[str]) -> str:
    target = scores[0] if scores else "results/emotionet/ledger.parquet"
    listed = "".join(f"- `{score}`\n" for score in scores)
    return f"""# {name}

A study made by `affectflow init`. `config.yaml` says what it is made from; edit it as you like.

```sh
snakemake --cores 8 {target}
```

makes one result and everything that it needs; without a name, everything below, a summary and a report. With `-n` it
says what would be done. Run the same command again after a change: only what the change reaches is done again.

{listed or "- nothing is scored yet: there is no data to train on"}
By other protocols, which `affectflow protocols` lists, too: `results/eval/PROTOCOL_MODEL.json`.
`profiles/slurm` is for a cluster: put your account and partitions there, and add `--profile profiles/slurm`.
"""
