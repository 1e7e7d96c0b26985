"""Errors of Snakemake's own, in one sentence that says what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from affectflow.console.workflow import nearest_target

_NO_RULE = re.compile(r"No rule to produce (\S+) \(if")
_NO_FILE = re.compile(r"No such file or directory: '(.+)'")


def sentence(exception: str, text: str) -> str | None:
    """Return the sentence for an error, None where Snakemake's own words say it.

    Args:
        exception: Name of its class.
        text: What Snakemake prints of it.
    """
    for known in (_missing_rule, _no_configuration, _not_yaml, _wrong_setting, _locked, _no_cache):
        found = known(exception, text)
        if found is not None:
            return found
    return None


def _missing_rule(exception: str, text: str) -> str | None:
    found = _NO_RULE.search(text)
    if exception != "MissingRuleException" or found is None:
        return None
    near = nearest_target(found[1])
    hint = f"did you mean {near}?" if near else "'snakemake -n' without a name lists what can be made."
    return f"Nothing makes {found[1]}; {hint}"


def _no_configuration(exception: str, text: str) -> str | None:
    found = _NO_FILE.search(text)
    if exception != "FileNotFoundError" or found is None or "load_configfile" not in text:
        return None
    return f"There is no configuration file {found[1]}; correct --configfile."


def _not_yaml(exception: str, text: str) -> str | None:
    if "file is not valid JSON or YAML" not in text:
        return None
    return _first_user_error(_read_configurations) or "A configuration file is not YAML; indent with blanks, not TABs."


def _wrong_setting(exception: str, text: str) -> str | None:
    if "Invalid config definition" not in text:
        return None
    wrong = next((word for word in sys.argv if re.fullmatch(r"\w+(\.\w+)+=.*", word)), None)
    if wrong is None:
        return "--config takes settings as section='{key: value}', such as training='{epochs: 2}'."
    key, _, value = wrong.partition("=")
    *sections, last = key.split(".")
    nested = f"{{{last}: {value}}}"
    for section in reversed(sections[1:]):
        nested = f"{{{section}: {nested}}}"
    return f"--config takes no {key}=; write it as --config {sections[0]}='{nested}'"


def _locked(exception: str, text: str) -> str | None:
    if exception != "LockException":
        return None
    return (
        "Another snakemake works in this folder, or one was killed here. If none runs: snakemake --unlock, and the "
        "same command again."
    )


def _no_cache(exception: str, text: str) -> str | None:
    if "sourcecache.py" not in text or not exception.endswith("Error"):
        return None
    place = re.search(r"'(.+)'", text.splitlines()[-1]) if text else None
    where = place[1] if place else "the user's cache folder"
    return f"Snakemake cannot write its cache in {where}; set XDG_CACHE_HOME to a folder that can be written."


def _read_configurations() -> None:
    from affectflow.study.command_line import check_configuration_files, configuration_files

    check_configuration_files(configuration_files(sys.argv))


def _first_user_error(do: Callable[[], None]) -> str | None:
    from affectflow.core.errors import UserError

    try:
        do()
    except UserError as error:
        return str(error)
    return None
