"""The configuration: checked against its schema before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from affectflow.core.errors import UserError

_SCHEMA = Path(__file__).with_name("config.schema.yaml")

Config = Mapping[str, Any]


@cache
def schema() -> dict[str, Any]:
    """The JSON schema; its descriptions are the source of ``config/README.md``."""
    loaded: dict[str, Any] = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    return loaded


def load(path: Path | str, *overlays: Path | str) -> Config:
    """Read and check a configuration file, with others laid over it as ``snakemake --configfile`` does it."""
    config = _read(path)
    for overlay in overlays:
        config = _laid_over(config, _read(overlay))
    check(config)
    return config


def _laid_over(old: Config, new: Config) -> dict[str, Any]:
    """Mappings merge, all else is replaced."""
    merged = dict(old)
    for key, value in new.items():
        both = isinstance(old.get(key), dict) and isinstance(value, dict)
        merged[key] = _laid_over(old[key], value) if both else value
    return merged


def _read(path: Path | str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); give the path of a configuration file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(config, dict):
        raise UserError(f"{path} holds no keys; start from config/config.yaml.")
    return config


def check(config: Config) -> None:
    """Raise :class:`UserError` for the first thing that the schema does not allow."""
    validator = jsonschema.Draft202012Validator(schema())
    errors = sorted(validator.iter_errors(dict(config)), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        raise UserError(_sentence(jsonschema.exceptions.best_match(errors[:1]) or errors[0]))


def section(name: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Settings of one section from ``key=value`` texts, each checked; raises :class:`UserError`."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"{pair!r} is no setting; write it as key=value, with a key of config/README.md.")
        try:
            settings[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UserError(f"The value of {pair!r} cannot be read; put it in quotes.") from None
    rules = {**schema()["properties"][name], "required": []}
    for error in jsonschema.Draft202012Validator(rules).iter_errors(settings):
        error.absolute_path.appendleft(name)
        raise UserError(_sentence(error))
    return settings


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = str(next(key for key in error.instance if key not in known))
        near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)
        hint = f"did you mean '{_join(where, near[0])}'?" if near else f"known here: {', '.join(sorted(known))}."
        return f"The configuration has an unknown key '{_join(where, unknown)}'; {hint}"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"The configuration lacks the key '{_join(where, missing)}'; see config/README.md."
    if error.validator == "propertyNames":
        return f"The configuration key '{_join(where, str(error.instance))}' is not a valid name: {error.message}."
    return f"The configuration key '{where}' is wrong: {error.message}; see config/README.md."


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
