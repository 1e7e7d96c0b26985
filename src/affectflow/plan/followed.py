"""Paths of the user's that Snakemake follows."""

from __future__ import annotations

import re

from affectflow.core.errors import UserError

_WILDCARD = re.compile(r"\{[^{}]*\}")


def followed(path: str, key: str) -> str:
    """Return the path of a file that a rule reads as it is.

    Args:
        path: The path.
        key: The configuration's key that leads to it.

    Raises:
        UserError: Snakemake cannot follow the file, since its path has braces, or is not UTF-8.
    """
    if _WILDCARD.search(path):
        raise UserError(f"{path} ({key}) has braces, which Snakemake takes for a wildcard; rename it.")
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise UserError(
            f"{shown} ({key}) has a name that is not UTF-8, which Snakemake cannot follow; rename it."
        ) from None
    return path
