"""JSON files between stages and for others to read: typed, with a version of their schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from affectflow.core.errors import UserError

Contract = TypeVar("Contract", bound=BaseModel)
VERSION = "schema_version"


def read_contract(model: type[Contract], path: Path, version: int, remedy: str) -> Contract:
    """Read a JSON file.

    Args:
        model: The pydantic model of its content.
        path: The file.
        version: The version of the schema that this code reads.
        remedy: What the user can do about a file that cannot be used.

    Raises:
        UserError: The file cannot be read, is of another version, or does not fit the model.
    """
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {remedy}.") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); {remedy}.") from None
    found = values.get(VERSION) if isinstance(values, dict) else None
    if found != version:
        what = f"schema version {found}" if isinstance(found, int) else "no schema version"
        raise UserError(f"{path} has {what}, and this affectflow reads version {version}; {remedy}.")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        kind = "lacks the key" if first["type"] == "missing" else "has a wrong key"
        raise UserError(f"{path} {kind} {key!r} ({first['msg']}); {remedy}.") from None
