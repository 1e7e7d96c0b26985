"""``config/README.md``, written from the configuration's models and defaults, so that they cannot differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from affectflow.config import DEFAULTS, read
from affectflow.config.catalogue import ModelDefaults, ModelEntry
from affectflow.config.models import Config, model_in

_HEAD = """\
# Configuration

Written by `affectflow config-docs` from the models and `defaults.yaml` in `src/affectflow/config/`; edit those. A
configuration file names only the keys that differ from their default: maps are merged, lists and values replaced. Of
several files (`--configfile one.yaml two.yaml`) the later has the last word. Relative paths are relative to the folder
that the workflow runs in; `~` and `$HOME` are expanded.

| key | values | default | meaning |
| --- | --- | --- | --- |
"""
_LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "multiple of"}
_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false", dict: "map"}


def config_docs() -> str:
    """Return the page as Markdown."""
    values = read(DEFAULTS)
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in _rows("", Config, values))


def _rows(prefix: str, model: type[BaseModel], defaults: Any) -> Iterator[tuple[str, ...]]:
    for key, field in model.model_fields.items():
        name = f"{prefix}{key}"
        below = model_in(field.annotation)
        if model is ModelEntry and (key in ModelDefaults.model_fields):
            continue  # listed under model_defaults
        default = defaults.get(key) if isinstance(defaults, Mapping) else None
        if below is None or model is ModelEntry:
            known = isinstance(defaults, Mapping) and key in defaults
            yield f"`{name}`", _values(field), f"`{json.dumps(default)}`" if known else "", field.description or ""
            continue
        if below.__doc__ and below.__doc__ != below.__base__.__doc__:
            yield f"`{name}`", "", "", " ".join(below.__doc__.split())
        many = get_origin(field.annotation) is dict
        yield from _rows(f"{name}.<name>." if many else f"{name}.", below, {} if many else default)


def _values(field: FieldInfo) -> str:
    return " ".join([_type(field.annotation), *_limits(field.metadata)]).strip()


def _type(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return " ".join([_type(inside[0]), *_limits(inside[1:])])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inside)
    if origin in (Union, UnionType):
        return " or ".join(map(_type, inside))
    if origin is list:
        return f"list of {_type(inside[0])}"
    if origin is dict:
        return f"map of {_type(inside[0])} to {_type(inside[1])}"
    if annotation is NoneType:
        return "null"
    return _NAMES.get(annotation, "map")


def _limits(metadata: Any) -> Iterator[str]:
    for one in metadata:
        if hasattr(one, "metadata"):  # a Field within Annotated
            yield from _limits(one.metadata)
        for attribute, sign in _LIMITS.items():
            if getattr(one, attribute, None) is not None:
                yield f"{sign} {getattr(one, attribute)}"
