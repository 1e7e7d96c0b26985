"""The configuration: read, overlaid and checked before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from affectflow.config.models import Config, model_in
from affectflow.core.errors import UserError

__all__ = [
    "DEFAULTS",
    "Config",
    "Values",
    "check",
    "complete",
    "complete_section",
    "load",
    "read",
    "section",
]

Values = Mapping[str, Any]
"""A configuration as YAML has it."""
DEFAULTS = Path(__file__).with_name("defaults.yaml")
"""Every key with its default."""
_HELP = "'affectflow config-docs' explains every key"


def load(*files: Path | str) -> dict[str, Any]:
    """Return the configuration of files: the defaults, with each file laid over them in turn.

    Raises:
        UserError: A file cannot be read, is not a YAML map, or the result is not a valid configuration.
    """
    return complete(*map(read, files))


def complete(*layers: Values) -> dict[str, Any]:
    """Return the defaults with ``layers`` laid over them in turn: maps merge, lists and values replace.

    Paths are spelt in one way, and numbers have the type of their key, so that a configuration that means the same is
    the same. Raises :class:`UserError` for the first mistake, with its key.
    """
    values = read(DEFAULTS)
    for layer in layers:
        values = _merged(values, layer)
    return check(values).model_dump(exclude_unset=True)


def check(values: Values) -> Config:
    """Return the typed configuration; raise :class:`UserError` for the first mistake, with its key."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise UserError(_first_sentence(error, Config, values)) from None


def section(name: str, pairs: Sequence[str], path: Path | str | None = None) -> dict[str, Any]:
    """Return one section as a file and texts change it; raise :class:`UserError` for a wrong or unknown key.

    Args:
        name: Name of the section.
        pairs: Texts such as ``key=value`` or ``map.key=value``; what follows the equals sign is YAML.
        path: A configuration or overlay, over which the texts have precedence.
    """
    settings: dict[str, Any] = {} if path is None else read(path).get(name) or {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"{pair!r} is not a setting; write it as key=value; {_HELP}.")
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):  # a date that does not exist is a ValueError
            raise UserError(f"The value of {pair!r} cannot be read; put it in quotes.") from None
        for part in reversed(key.split(".")):
            value = {part: value}
        settings = _merged(settings, value)
    return complete_section(name, settings)


def complete_section(name: str, settings: Values) -> dict[str, Any]:
    """Return the defaults of one section with ``settings`` laid over them; raise :class:`UserError` for a wrong key.

    Args:
        name: Name of the section.
        settings: Its keys, of which some may be missing.
    """
    model = Config.model_fields[name].annotation
    assert isinstance(model, type) and issubclass(model, BaseModel)
    try:
        return model.model_validate(_merged(read(DEFAULTS)[name], settings)).model_dump()
    except ValidationError as error:
        raise UserError(_sentence(error.errors()[0], model, {name: settings}, before=(name,))) from None


def _merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    merged = dict(old)
    for key, value in new.items():
        merged[key] = _merged(old.get(key), value)
    return merged


def read(path: Path | str) -> dict[str, Any]:
    """Read a configuration file; raises :class:`UserError` where it is not a YAML map, or has a key twice in a map."""
    try:
        values = yaml.load(Path(path).read_text(encoding="utf-8"), _OneOfEachKey)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); give the path of a configuration file.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        tab = "; indent with blanks, for YAML allows no TAB" if "'\\t'" in str(error.problem) else ""
        raise UserError(f"{path}{place} is not YAML: {error.problem}{tab}.") from None
    except (yaml.YAMLError, ValueError) as error:  # also of a date that does not exist
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(values, dict):
        raise UserError(f"{path} holds no keys; 'affectflow init' writes a configuration to start from.")
    return values


class _OneOfEachKey(yaml.SafeLoader):
    """Refuses a key that a map has twice, of which the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key != "<<" and key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key '{key}' is there twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _first_sentence(error: ValidationError, model: type[BaseModel], values: Values) -> str:
    """Unknown keys first, for a misspelt key is missing under its right name, too."""
    mistakes = error.errors()
    first = next((one for one in mistakes if one["type"] in ("extra_forbidden", "invalid_key")), mistakes[0])
    return _sentence(first, model, values)


def _sentence(mistake: Any, model: type[BaseModel], values: Any, before: tuple[str, ...] = ()) -> str:
    *where, key = path = tuple(_keys_of((*before, *mistake["loc"]), values))
    if mistake["type"] in ("extra_forbidden", "invalid_key"):
        known = _known_keys(model, where[len(before) :])
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        hint = f"did you mean '{_dotted(where, near[0])}'?" if near else f"known here: {', '.join(sorted(known))}."
        return f"The configuration has an unknown key '{_dotted(where, key)}'; {hint}"
    if mistake["type"] == "missing":
        return f"The configuration lacks the key '{_dotted(path)}'; {_HELP}."
    if path[:1] == ("models",) and len(path) == 2 and "pattern" in mistake["type"]:
        return f"The configuration key '{_dotted(path)}' is not a valid name: use a-z, 0-9 and underscores."
    message = mistake["msg"].removeprefix("Value error, ")
    return f"The configuration key '{_dotted(path)}' is wrong: {message}; {_HELP}."


def _keys_of(place: Sequence[int | str], values: Any) -> Iterator[str]:
    """Yield the keys of a pydantic location without the tags of unions and the like, which are not in the values."""
    for number, part in enumerate(place):
        if isinstance(values, list) and isinstance(part, int):
            yield str(part)
            values = values[part]
        elif isinstance(values, Mapping) and part in values:
            yield str(next(key for key in values if key == part))  # True, where pydantic has 1
            values = values[part]
        elif isinstance(values, Mapping) and number == len(place) - 1:
            yield str(part)  # a missing key


def _known_keys(model: type[BaseModel], where: Sequence[str]) -> list[str]:
    """Return the keys that a map of the configuration may have."""
    found: Any = model
    for key in where:
        field = found.model_fields.get(key) if isinstance(found, type) and issubclass(found, BaseModel) else None
        found = model_in(field.annotation) if field is not None else found
    return list(found.model_fields)


def _dotted(*parts: Any) -> str:
    keys = [key for part in parts for key in (part if isinstance(part, (list, tuple)) else [part])]
    return ".".join(map(str, keys))
