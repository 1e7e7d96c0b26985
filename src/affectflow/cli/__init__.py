"""The command ``affectflow``: every stage of the workflow, and what is done beside the workflow."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from affectflow import __version__
from affectflow.cli import annotation, documents, images, models, stages, study
from affectflow.core.errors import one_sentence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    A user's mistake is one sentence on standard error and exit status 1; Ctrl-C another one and status 130.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    # A snapshot replaces the list of URLs, a positional argument, which argparse cannot express otherwise.
    reproduces = any(word.partition("=")[0] == "--snapshot" for word in words)
    options = _parser(reproduces).parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        with one_sentence():
            options.command(options)
    except KeyboardInterrupt:
        print("affectflow: stopped; files that were finished are kept.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would complain
        raise SystemExit(141) from None


def _parser(reproduces: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="affectflow", description="The stages of affectflow, and tools beside them.")
    parser.add_argument("--version", action="version", version=f"affectflow {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    study.add_commands(commands)
    images.add_commands(commands, reproduces)
    for module in (annotation, models, documents, stages):
        module.add_commands(commands)
    return parser
