"""Stages of the workflow as commands: names, options and help texts are those of the stage's function."""

from __future__ import annotations

import inspect
import re
from typing import Annotated, Any, TypeGuard, get_args

from cyclopts import Parameter as Option

from affectflow.annotation import stages as annotation
from affectflow.cli.options import WHOLE_NUMBER, Command, Configfiles, Several, configuration, is_list, with_parameters
from affectflow.core.stage import DECIDES, Parameter, Stage, code_of, parameters, setting_of
from affectflow.download import stages as download
from affectflow.evaluation import stages as evaluation
from affectflow.faces import stages as faces
from affectflow.inspection import stages as inspection
from affectflow.prediction import stages as prediction
from affectflow.records import stages as records
from affectflow.report import stages as report
from affectflow.spreadsheet import stages as spreadsheet
from affectflow.training import stages as training

TRAINING: tuple[Stage, ...] = (training.fetch_weights, training.export_model, report.describe_model)
EVALUATION: tuple[Stage, ...] = (evaluation.score, evaluation.summarize_scores, evaluation.list_events)
PREDICTION: tuple[Stage, ...] = (faces.fetch_detector,)
OTHERS: tuple[Stage, ...] = (
    spreadsheet.ingest_tables,
    download.name_files,
    faces.find_dataset_faces,
    annotation.make_annotation_videos,
    annotation.merge_traces,
    records.assemble_samples,
    records.write_records,
    records.collect_index,
    records.write_dataset_records,
    records.write_frames,
    prediction.predict_benchmark,
    prediction.predict_affect,
    inspection.digest_images,
)
_CODE = "code"
_EXPLAINED = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)
"""A parameter in the section ``Args`` of a docstring."""
_CONFIGFILE = "configfile"


def is_stage(command: Command) -> TypeGuard[Stage]:
    """Return whether a function is a stage of the workflow."""
    return hasattr(command, DECIDES)


def command_of(stage: Stage) -> Command:
    """Return a stage as a command: its first parameter is positional, the others are options.

    Settings that are not given come from the configuration, the digest of the stage's code from the code.
    """
    given = [parameter for parameter in parameters(stage).values() if parameter.name != _CODE]

    def command(**values: Any) -> None:
        _run(stage, values)

    command.__name__ = stage.__name__
    command.__doc__ = inspect.getdoc(stage)
    explained = dict(_EXPLAINED.findall(command.__doc__ or ""))
    options = [
        _option(parameter, " ".join(explained.get(parameter.name, "").split()), positional=place == 0)
        for place, parameter in enumerate(given)
    ]
    configfile = inspect.Parameter(_CONFIGFILE, inspect.Parameter.KEYWORD_ONLY, default=(), annotation=Configfiles)
    return with_parameters([*options, configfile])(command)


def _option(parameter: Parameter, explained: str, positional: bool) -> inspect.Parameter:
    annotation, default = parameter.type, parameter.default
    if parameter.setting is not None:
        text = f"{explained} Default: {parameter.setting.key} of the configuration.".strip()
        annotation, default = Annotated[annotation, Option(help=text, required=False)], None
    if int in (annotation, *get_args(annotation)):
        annotation = Annotated[annotation, WHOLE_NUMBER]
    if is_list(annotation) and not positional:
        annotation = Annotated[annotation, Several]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if positional else inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(parameter.name, kind, default=default, annotation=annotation)


def _run(stage: Stage, values: dict[str, Any]) -> None:
    files = values.pop(_CONFIGFILE, ())
    config: dict[str, Any] | None = None
    for name, parameter in parameters(stage).items():
        if name == _CODE:
            values[name] = code_of(stage)
        elif parameter.setting is not None and values.get(name) is None:
            config = config or configuration(files)
            values[name] = parameter.convert(setting_of(config, parameter.setting.key))
    if summary := stage(**values):
        print(summary)
