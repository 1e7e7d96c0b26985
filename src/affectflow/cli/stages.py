"""Stages of the workflow as commands: names, options and help texts are those of the stage's function."""

from __future__ import annotations

import argparse
import inspect
import re
from functools import partial
from typing import Any, get_origin

from pydantic import ValidationError

from affectflow.annotation import stages as annotation
from affectflow.cli.options import CONFIGFILE, Commands, configuration
from affectflow.core.errors import UserError
from affectflow.core.stage import Parameter, Stage, code_of, parameters, setting_of
from affectflow.download import stages as download
from affectflow.evaluation import stages as evaluation
from affectflow.faces import stages as faces
from affectflow.inspection import stages as inspection
from affectflow.prediction import stages as prediction
from affectflow.records import stages as records
from affectflow.report import stages as report
from affectflow.spreadsheet import stages as spreadsheet
from affectflow.training import stages as training

STAGES: tuple[Stage, ...] = (
    spreadsheet.ingest_tables,
    download.name_files,
    faces.fetch_detector,
    faces.find_dataset_faces,
    annotation.make_annotation_videos,
    annotation.merge_traces,
    records.assemble_samples,
    records.write_records,
    records.collect_index,
    records.write_dataset_records,
    records.write_frames,
    training.fetch_weights,
    training.export_model,
    prediction.predict_benchmark,
    prediction.predict_affect,
    evaluation.score,
    inspection.digest_images,
    evaluation.list_events,
    evaluation.summarize_scores,
    report.describe_model,
)
_CODE = "code"


def add_commands(commands: Commands) -> None:
    """Add a command for each stage that stands by itself."""
    for stage in STAGES:
        text = inspect.getdoc(stage) or ""
        first = text.partition("\n")[0]
        parser = commands.add_parser(
            stage.__name__.replace("_", "-"), help=first, description=first, allow_abbrev=False
        )
        explained = dict(re.findall(r"^    (\w+): (.*(?:\n        .*)*)", text, re.MULTILINE))
        given = [one for one in parameters(stage).values() if one.name != _CODE]
        for place, parameter in enumerate(given):
            _add_option(parser, parameter, explained.get(parameter.name, ""), positional=place == 0)
        parser.add_argument(CONFIGFILE[0], **CONFIGFILE[1])
        parser.set_defaults(command=partial(_run, stage))


def _add_option(parser: argparse.ArgumentParser, parameter: Parameter, text: str, positional: bool) -> None:
    settings: dict[str, Any] = {"help": " ".join(text.split())}
    if parameter.setting is not None:
        settings["help"] = f"{settings['help']} (as {parameter.setting.key} of the configuration)".strip()
    if _is_list(parameter):
        settings["nargs"] = "+"
    if positional:
        parser.add_argument(parameter.name, **settings)
        return
    settings["required"] = parameter.setting is None and parameter.default is inspect.Parameter.empty
    parser.add_argument(f"--{parameter.name.replace('_', '-')}", dest=parameter.name, **settings)


def _is_list(parameter: Parameter) -> bool:
    return get_origin(parameter.type) in (list, tuple)


def _run(stage: Stage, options: argparse.Namespace) -> None:
    values: dict[str, Any] = {}
    config: dict[str, Any] | None = None
    for name, parameter in parameters(stage).items():
        value = getattr(options, name, None)
        if name == _CODE:
            values[name] = code_of(stage)
        elif value is not None:
            values[name] = _converted(parameter, value)
        elif parameter.setting is not None:
            config = config or configuration(options)
            values[name] = parameter.convert(setting_of(config, parameter.setting.key))
    summary = stage(**values)
    if summary:
        print(summary)


def _converted(parameter: Parameter, value: Any) -> Any:
    try:
        return parameter.convert(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        flag = f"--{parameter.name.replace('_', '-')}"
        raise UserError(f"{flag} {value} is wrong: {reason}; see affectflow COMMAND --help.") from None
