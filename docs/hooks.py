"""Generate parts of the documentation from the package while MkDocs builds the site.

A page asks for a part by a comment on a line of its own, such as ``<!-- affectflow: dataset disfa -->``. Each part has
one function here. An unknown name ends the build.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from mkdocs.exceptions import PluginError

from affectflow import datasets, facs
from affectflow.cli import application
from affectflow.config.reference import config_docs
from affectflow.datasets.dataset_info import DatasetInfo
from affectflow.download.outcomes import OK, OUTCOMES, REPORT_CLASSES, TRANSIENT, report_class
from affectflow.evaluation.protocols import Protocol, default, protocols

_PLACE = re.compile(r"^<!-- affectflow: ([\w ]+) -->$", re.MULTILINE)
_SECTION = re.compile(r"^\| `(\w+)(?:\.|`)")
_ROLE = re.compile(r":(?:py:)?(?:func|meth|class|mod|data|attr|exc):(?=<code>)")
_HEADS = {"action_units": "AU occurrence", "intensities": "AU intensity", "valence_arousal": "valence and arousal"}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the placeholders of a page."""
    return _PLACE.sub(lambda match: _part(*match[1].split()), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Remove the names of reStructuredText roles, which docstrings of the package use before names in code."""
    return _ROLE.sub("", html)


def _part(name: str, *words: str) -> str:
    if name not in _PARTS:
        raise PluginError(f"There is no generated part {name!r}; known are {', '.join(_PARTS)}.")
    return _PARTS[name](*words)


@cache
def _configuration() -> str:
    """Return a table for each section of the configuration."""
    _, _, table = config_docs().partition("| --- | --- | --- | --- |\n")
    sections: dict[str, list[str]] = {}
    for line in table.splitlines():
        match = _SECTION.match(line)
        if match is None:
            raise PluginError(f"This is not a row of the configuration's table: {line[:80]}")
        sections.setdefault(match[1], []).append(line)
    return "\n".join(_section(name, lines) for name, lines in sections.items())


def _section(name: str, lines: list[str]) -> str:
    about = ""
    if lines[0].startswith(f"| `{name}` |"):
        about = lines.pop(0).rstrip(" |").rpartition("|")[2].strip()
    head = "| key | values | default | meaning |\n| --- | --- | --- | --- |\n"
    return f"## {name}\n\n{about}\n\n{head}" + "\n".join(lines) + "\n"


@cache
def _commands() -> str:
    """Return all commands and their options."""
    text = application().generate_docs(output_format="markdown", heading_level=1, usage_name="affectflow")
    _, found, rest = text.partition("\n**")  # after the title, the usage and a table of contents
    if not found:
        raise PluginError("The documentation of the commands has no groups.")
    # Where MkDocs runs as a module, its name gets into the usage lines.
    return f"**{rest}".replace("```console\n", "```sh\n").replace(" -m mkdocs ", " ")


def _outcomes() -> str:
    rows = [
        f"| `{name}` | {meaning} | {_attempts(name)} | {_report_class(name)} |" for name, meaning in OUTCOMES.items()
    ]
    head = "| outcome | meaning | further attempts | class of 2017 |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows)


def _attempts(name: str) -> str:
    if name == OK:
        return "not needed"
    if name == "client_error":
        return "for status 408, 425 and 429"
    return "yes" if name in TRANSIENT else "no"


def _report_class(name: str) -> str:
    by_status = {"client_error": "400/401/403/410, else other", "server_error": "500/502/503/504, else other"}
    return by_status.get(name) or report_class(name, None) or ""


def _report_classes() -> str:
    rows = "\n".join(f"| {name} | {count} |" for name, count in REPORT_CLASSES)
    return f"| class | URLs in 2017 |\n| --- | --- |\n{rows}"


def _protocols() -> str:
    texts = []
    for benchmark in datasets.benchmarks():
        texts.append(f"## {datasets.info(benchmark).title}\n")
        texts += [_protocol(one) for one in protocols(benchmark).values()]
    return "\n".join(texts)


def _protocol(one: Protocol) -> str:
    usual = " (default)" if default(one.benchmark) == one.name else ""
    facts = {
        "scores": ", ".join(_HEADS[head] for head in _HEADS if head in one.scores),
        "AUs": _units_of(one),
        "positive": one.positive_if,
        "labels outside FACS": ", ".join(f"{name} by AU{unit}" for name, unit in one.others.items()),
        "left out one by one for intervals": one.subject,
        "frames left out": f"those of `{one.left_out}`" if one.left_out else "",
        "folds": "each run is scored on the fold that it was not trained on, and the folds are pooled"
        if one.folds
        else "",
        "also reported": ", ".join(_also(one)),
        "source": one.source,
        "comparable": one.published_note,
    }
    lines = [f"### {one.benchmark}-{one.name}{usual}\n", f"{one.title}. Version {one.version}.\n"]
    lines += ["| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in facts.items() if value), ""]
    if one.published:
        lines += ["| published model | metric | value | how it was got |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {result.model} | `{result.metric}` | {result.value:g} | {result.how} |" for result in one.published
        ]
        lines.append("")
    return "\n".join(lines)


def _units_of(one: Protocol) -> str:
    if one.units == "all":
        return "all that are labelled"
    return ", ".join(str(unit) for unit in sorted({*one.units, *one.intensities}))


def _also(one: Protocol) -> list[str]:
    found = {
        "F1 of events": one.events,
        "the challenge score (mean of accuracy and F1)": one.challenge,
        f"outputs as means over {one.smoothing} frames": one.smoothing,
    }
    return [name for name, holds in found.items() if holds]


def _dataset(name: str) -> str:
    one = datasets.info(name)
    facts = {
        "configuration": f"`{one.root_key}`",
        "layout": one.layout,
        "labels": ", ".join(_HEADS[head] for head in _HEADS if head in one.heads),
        "media": one.media,
        "splits": ", ".join(f"`{split}`" for split in one.splits),
        "use": ", ".join(f"`{use}`" for use in one.uses),
        "`split` divides by": one.split_by,
        "folds": ", ".join(map(str, one.folds)),
        **{
            f"`data.{name}.{key}`": f"{_values(option.values)}. {option.meaning}" for key, option in one.options.items()
        },
        "boxes or landmarks of faces": "may be in the folder" if one.ships_faces else "none are read",
        "people shared with": datasets.info(one.shares_people_with).title if one.shares_people_with else "",
        "protocols": _links(one),
        "terms": one.terms,
        "where to ask": one.where_to_ask,
        "cite": one.citation,
    }
    rows = "\n".join(f"| {key} | {value} |" for key, value in facts.items() if value)
    return f"| | |\n| --- | --- |\n{rows}"


def _values(values: tuple[str, ...]) -> str:
    return " or ".join(f"`{value}`" for value in values)


def _links(one: DatasetInfo) -> str:
    if one.name not in datasets.benchmarks():
        return ""
    names = [f"{one.name}-{name}" for name in protocols(one.name)]
    usual = f"{one.name}-{default(one.name)}"
    anchors = {name: f"{name}-default" if name == usual else name for name in names}
    return ", ".join(f"[{name}](../reference/protocols.md#{anchor})" for name, anchor in anchors.items())


def _datasets() -> str:
    rows = []
    for one in map(datasets.info, datasets.names()):
        labels = ", ".join(_HEADS[head] for head in _HEADS if head in one.heads)
        rows.append(f"| [{one.title}]({one.name}.md) | `{one.name}` | {labels} | {one.media} | {one.layout} |")
    return "| data set | name | labels | media | layout |\n| --- | --- | --- | --- | --- |\n" + "\n".join(rows)


def _access() -> str:
    known = [one for one in map(datasets.info, datasets.names()) if one.where_to_ask]
    rows = "\n".join(f"| {one.title} | {one.where_to_ask} | {one.terms} |" for one in known)
    return f"| data set | where to ask | terms |\n| --- | --- | --- |\n{rows}"


def _challenges() -> str:
    rows = []
    for name, units in facs.SUBSETS.items():
        if name != "all":
            rows.append(f"| `{name}` | {len(units)} | {', '.join(map(str, units))} |")
    return "| `action_units` | number | AUs |\n| --- | --- | --- |\n" + "\n".join(rows)


_PARTS: dict[str, Callable[..., str]] = {
    "configuration": _configuration,
    "commands": _commands,
    "outcomes": _outcomes,
    "report_classes": _report_classes,
    "protocols": _protocols,
    "dataset": _dataset,
    "datasets": _datasets,
    "access": _access,
    "challenges": _challenges,
}
