"""What commands have in common: types of their options, the configuration that they read, checks of their paths."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from cyclopts import Parameter, Token, validators

from affectflow.core.atomic import identity
from affectflow.core.errors import UserError
from affectflow.core.stage import is_output

Command = Callable[..., object]


def _whole_number(type_: object, tokens: Sequence[Token]) -> int:
    """Convert an option's value, and round nothing."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value} is not a whole number.") from None


WHOLE_NUMBER = Parameter(converter=_whole_number)
Int = Annotated[int, WHOLE_NUMBER]
PositiveInt = Annotated[int, Parameter(converter=_whole_number, validator=validators.Number(gte=1))]
"""A whole number from 1 on."""
PositiveFloat = Annotated[float, Parameter(validator=validators.Number(gt=0, lte=1e6))]
Several = Parameter(consume_multiple=(1, None))
"""Of an option that takes several values after one flag, and at least one."""
Configfiles = Annotated[
    tuple[Path, ...],
    Parameter(
        name="--configfile",
        show_default=False,
        help="A configuration; may be repeated, and the last one has precedence. Default: this folder's.",
    ),
]

_CONFIGURATIONS = Path("config.yaml"), Path("config/config.yaml")
"""What snakemake reads by itself: in a study's folder, or in affectflow's repository."""


def configuration(files: Sequence[Path]) -> dict[str, Any]:
    """Return the configuration of a command: of the files that it names, or of this folder, or the defaults."""
    from affectflow import config

    here = [file for file in _CONFIGURATIONS if file.is_file()]
    return config.load(*(files or here[:1]))


def check_exists(file: Path, remedy: str) -> None:
    """Raise :class:`UserError` where a file does not exist.

    Args:
        file: The file or folder.
        remedy: What to do about it, for the message.
    """
    if not file.exists():
        raise UserError(f"{file} does not exist; {remedy}.")


def check_outputs(command: Command, arguments: inspect.BoundArguments) -> list[Path]:
    """Check that no file that a command writes is one that it reads, or another that it writes; return what it reads.

    Args:
        command: The command's function; parameters of the type ``Output`` are written.
        arguments: Its arguments.

    Raises:
        UserError: One is, or it exists in a folder that is read.
    """
    hints = get_type_hints(command, include_extras=True)
    written: dict[object, tuple[str, Path]] = {}
    read: list[Path] = []
    for name, value in arguments.arguments.items():
        for path in _paths(value):
            if not is_output(hints[name]):
                read.append(path)
                continue
            known, _ = written.setdefault(identity(path), (name, path))
            if known != name:
                raise UserError(f"{_flag(known)} and {_flag(name)} both name {path}; give two files.")
    identities = set(map(identity, read))
    folders = {path.resolve() for path in read if path.is_dir()}
    for key, (name, path) in written.items():
        if key in identities:
            refuse(_flag(name), arguments.arguments[name])
        if path.is_file() and (inside := folders.intersection(path.resolve().parents)):
            raise UserError(
                f"{_flag(name)} {path} exists in {min(inside)}, which is read; delete it, or write to another file."
            )
    return read


def check_derived(written: Sequence[Path], read: Sequence[Path]) -> None:
    """Raise :class:`UserError` where a file that a command writes beside another is one that it reads.

    Args:
        written: Files that the command writes.
        read: Files that it reads.
    """
    kept = set(map(identity, read))
    for path in written:
        if identity(path) in kept:
            refuse(str(path), "")


def refuse(what: str, given: object) -> NoReturn:
    """Raise the :class:`UserError` of an output that is read.

    Args:
        what: The output's option, or the output itself.
        given: The option's value; empty where there is no option.
    """
    raise UserError(f"{f'{what} {given}'.strip()} is also read; write to another file.")


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _paths(part)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def with_parameters(parameters: Sequence[inspect.Parameter]) -> Callable[[Command], Command]:
    """Give a function that is called with keywords the parameters that the command line shows and converts."""
    signature = inspect.Signature(list(parameters))

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(*arguments: object, **keywords: object) -> object:
            bound = signature.bind(*arguments, **keywords)
            bound.apply_defaults()
            return command(**bound.arguments)

        call.__signature__ = signature  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return call

    return decorate


def is_list(annotation: Any) -> bool:
    """Whether a type, perhaps annotated or optional, is a list or tuple."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_origin(annotation) in (list, tuple) or any(map(is_list, _alternatives(annotation)))


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if type(None) in get_args(annotation) else ()
