"""Read numbers in the cells of tables that other programs wrote."""

from __future__ import annotations

import math
import re

_MISSING = re.compile(r"|[+-]?(1\.#)?nan(\(\w*\)|\w*)?|#?n/?a(/n)?|<na>|null|none|nil|-+", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)


def is_missing(cell: str) -> bool:
    """Return whether a cell holds no value: it is blank, or one of the ways in which programs write "missing".

    These are pandas' (``NaN``, ``NA``, ``<NA>``, ``None``, ``null``, ``#N/A``), those of C's printf (``-nan``,
    ``nan(ind)``, ``-nan(snan)``, ``1.#QNAN``), and dashes.
    """
    text = cell.strip()
    return _MISSING.fullmatch(text) is not None or text.lower() in ("-1.#ind", "1.#ind", "1.#qnan", "-1.#qnan")


def parse_number(cell: str, delimiter: str = ",") -> float:
    """Return the number in a cell, NaN for a missing value.

    Args:
        cell: The text.
        delimiter: What separates cells; if it is not the comma, a comma in a number is a decimal comma.

    Raises:
        ValueError: The cell is neither a finite number nor a missing value.
    """
    text = cell.strip()
    if is_missing(text):
        return math.nan
    if delimiter != "," and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError(f"{cell!r} is not a finite number")
    return value
