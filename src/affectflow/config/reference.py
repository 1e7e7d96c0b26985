"""``config/README.md``, written from the schema so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from affectflow.config import schema

_HEAD = """\
# Configuration

Written from `src/affectflow/config.schema.yaml` by `affectflow config-docs`; edit the schema, not this page.
The defaults are in `config.yaml` beside this page. Overlays (`--configfile my.yaml`) change single keys: maps are
merged, lists are replaced.

| key | values | meaning |
| --- | --- | --- |
"""


def config_docs() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(f"| `{key}` | {values} | {text} |\n" for key, values, text in _rows("", schema()))


def _rows(prefix: str, node: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key, child in _properties(node).items():
        if "/properties/" in child.get("$ref", ""):
            continue  # a model's own keys of `network`, which are listed there
        name = f"{prefix}{key}"
        resolved = {**_referred(child), **child}
        below = _properties(child)
        if below or isinstance(child.get("additionalProperties"), Mapping):
            if "description" in resolved:
                yield name, "", str(resolved["description"])
            yield from _rows(f"{name}.", child)
            if isinstance(entry := child.get("additionalProperties"), Mapping):
                yield from _rows(f"{name}.<name>.", entry)
        else:
            yield name, _values(resolved), str(resolved.get("description", ""))


def _properties(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A node's keys; a model's own training keys are those of ``training`` and not listed twice."""
    if "allOf" in node:
        return _properties(_referred(node["allOf"][0]))
    found: Mapping[str, Any] = node.get("properties", {})
    return found


def _referred(node: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Mapping[str, Any] = schema()["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else {}
    return target


def _values(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    kinds = node.get("type", "map")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in node:
        text += " of " + (_values(node["items"]) or "values")
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    if low is not None:
        text += f" {'>' if 'exclusiveMinimum' in node else '≥'} {low}"
    if high is not None:
        text += f" {'<' if 'exclusiveMaximum' in node else '≤'} {high}"
    return text
