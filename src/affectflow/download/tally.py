"""What has been done so far: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections import Counter

from affectflow.download.outcomes import OK
from affectflow.progress import progress

_SHOWN = 4  # classes of failures
_BETWEEN_LINES_S = 30.0


class Tally:
    """Counts outcomes and shows them; a context manager. ``total`` may be an estimate."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: Counter[str] = Counter()
        self._started = self._said = time.monotonic()
        self._bar = progress(total=total, unit=" URLs", description="download")

    def __enter__(self) -> Tally:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._counts:
            self._say()

    def add(self, counts: Counter[str]) -> None:
        """Take in some outcomes."""
        self._counts.update(counts)
        self._bar.set_postfix_str(self._classes(), refresh=False)
        self._bar.update(counts.total())
        if time.monotonic() - self._said >= _BETWEEN_LINES_S:
            self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        if not self._bar.disable:
            return  # the bar says it
        done, seconds = self._counts.total(), self._said - self._started
        rate = done / max(seconds, 1e-9)
        left = max(0, self._total - done) / max(rate, 1e-9)
        print(
            f"{time.strftime('%H:%M:%S')}  {done:,} of about {max(self._total, done):,} URLs, {rate:,.0f}/s, "
            f"{self._classes()}; about {left / 60:.0f} min left",
            file=sys.stderr,
            flush=True,
        )

    def _classes(self) -> str:
        failures = self._counts.copy()
        parts = [f"{OK} {failures.pop(OK, 0):,}"]
        common = failures.most_common()
        parts += [f"{name} {count:,}" for name, count in common[:_SHOWN]]
        if rest := sum(count for _, count in common[_SHOWN:]):
            parts.append(f"other {rest:,}")
        return ", ".join(parts)
