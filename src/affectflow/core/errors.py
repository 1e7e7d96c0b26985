"""The one exception that a user's mistake raises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A mistake in the input or the configuration.

    The message is one sentence that names the file (and row, column or key) and the remedy. Command line and
    workflow scripts print it without a traceback and exit with status 1.
    """


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn a :class:`UserError` into its sentence on standard error and exit status 1; other errors pass."""
    try:
        yield
    except UserError as error:
        print(f"affectflow: {error}", file=sys.stderr)
        raise SystemExit(1) from None
