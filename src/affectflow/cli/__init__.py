"""The command ``affectflow``: every stage of the workflow, and what is done beside the workflow."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group, Parameter

from affectflow import __version__
from affectflow.cli import annotation, documents, images, models, stages, study
from affectflow.cli.options import Command, check_outputs
from affectflow.core.atomic import protect
from affectflow.core.errors import one_sentence

_WRONG_USAGE = 2
_HELP = """From a spreadsheet of image URLs to facial action unit and valence/arousal models, scored on benchmarks.

Example: affectflow init my-study --emotionet table.xlsx --disfa /data/DISFA
"""

GROUPS: dict[str, tuple[Command, ...]] = {
    "Data": (
        study.init,
        images.inspect,
        images.download,
        images.adopt,
        images.snapshot,
        images.extract_frame,
        documents.data_sets,
        documents.facs,
    ),
    "Annotate": (annotation.annotate, annotation.merge_videos),
    "Train": (models.train_model, images.check_records, *stages.TRAINING),
    "Evaluate": (
        *stages.EVALUATION,
        models.compare,
        documents.show_scores,
        documents.protocols,
        models.check_leakage,
    ),
    "Predict": (
        models.predict,
        models.adapt,
        images.find_faces,
        images.crop,
        models.predict_records,
        *stages.PREDICTION,
    ),
    "Cluster and workstation": (documents.doctor,),
    "Single stages of the workflow": stages.OTHERS,
    "Reference": (documents.config_docs, documents.json_schemas, documents.draw_graph),
}
"""The commands by what people do, in the order of the help."""


def application() -> App:
    """Return the command line with all its commands."""
    app = App(
        name="affectflow",
        help=_HELP,
        version=f"affectflow {__version__}",
        help_format="plaintext",
        default_parameter=Parameter(negative_iterable=(), json_list=False, json_dict=False),
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    for place, (title, commands) in enumerate(GROUPS.items()):
        group = Group(title, sort_key=place)
        for number, command in enumerate(commands):
            name = command.__name__.replace("_", "-")
            function = stages.command_of(command) if stages.is_stage(command) else command
            app.command(function, name=name, group=group, sort_key=number)
    app.register_install_completion_command(
        help="Add the completion of commands to this shell's startup file, and exit."
    )
    options = Group("Options", sort_key=len(GROUPS))
    for flag in ("--help", "--version", "--install-completion"):
        app[flag].group = (options,)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    A user's mistake is one sentence on standard error and exit status 1, or 2 for options that cannot be parsed; Ctrl-C
    another one and status 130.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        with one_sentence():
            command, found, _ = application().parse_args(sys.argv[1:] if arguments is None else list(arguments))
            of_ours = command.__module__.startswith("affectflow")  # not --help and --version
            with protect(check_outputs(command, found) if of_ours else ()):
                command(*found.args, **found.kwargs)
        sys.stdout.flush()  # a reader that is gone is noticed here, not while Python ends
    except CycloptsError as error:
        name = " ".join(["affectflow", *(error.command_chain or ())])
        sentence = " ".join(str(error).partition(" Available commands:")[0].split())
        print(f"affectflow: {sentence} See {name} --help.", file=sys.stderr)
        raise SystemExit(_WRONG_USAGE) from None
    except KeyboardInterrupt:
        print("affectflow: stopped; files that were finished are kept.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would complain
        raise SystemExit(141) from None
