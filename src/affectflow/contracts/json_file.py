"""JSON files between stages and for others to read: typed, with a version of their schema.

A contract has no defaults for what a file says: what a file lacks is never taken from the code that reads it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError

Content = TypeVar("Content", bound=BaseModel)
_MAX_BYTES = 100_000_000
_VERSION = "schema_version"


class Part(BaseModel):
    """A part of a JSON file: immutable, without unknown keys, and documented by the texts below its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _require_version(schema: dict[str, Any]) -> None:
    """Let a JSON Schema require the version, which :meth:`JsonFile.write` always writes."""
    schema["required"] = [_VERSION, *schema.get("required", ())]


class JsonFile(Part):
    """The content of a JSON file. Subclasses declare ``schema_version`` and what to do about a file of another one."""

    model_config = ConfigDict(json_schema_extra=_require_version)
    remedy: ClassVar[str]
    schema_version: int

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            UserError: The file cannot be read, is of another version, or does not fit the schema.
        """
        return cls.of(load_json(path, cls.remedy), path)

    @classmethod
    def of(cls, values: object, path: Path) -> Self:
        """Check what was loaded from a file; raises as :meth:`read`.

        Args:
            values: What was loaded.
            path: The file, for messages.
        """
        version = cls.model_fields[_VERSION].default
        found = values.get(_VERSION) if isinstance(values, dict) else None
        if found != version:
            what = f"schema version {found}" if isinstance(found, int) else "no schema version"
            raise UserError(f"{path} has {what}, and this affectflow reads version {version}; {cls.remedy}.")
        return content_of(cls, values, path, cls.remedy)

    def write(self, path: Path) -> None:
        """Write the file: the version, and every field that was given a value."""
        values = {_VERSION: self.schema_version, **self.model_dump(mode="json", exclude_unset=True)}
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def content_of(model: type[Content], values: object, path: Path, remedy: str) -> Content:
    """Return the content of a file as a model; raises :class:`UserError` for the first key that does not fit.

    Args:
        model: The model.
        values: What was loaded from the file.
        path: The file, for messages.
        remedy: What to do about it, for messages.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        kind = "lacks the key" if first["type"] == "missing" else "has a wrong key"
        what = f"{kind} {key!r}" if key else "contradicts itself"
        raise UserError(f"{path} {what} ({first['msg']}); {remedy}.") from None


def load_json(path: Path, remedy: str) -> object:
    """Load a JSON file; raises :class:`UserError` where it cannot be read or is damaged.

    Args:
        path: The file.
        remedy: What to do about it, for messages.
    """
    try:
        if (size := path.stat().st_size) > _MAX_BYTES:
            raise UserError(f"{path} has {size:,} bytes, more than {_MAX_BYTES:,}; {remedy}.")
        values: object = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {remedy}.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); {remedy}.") from None
    return values
