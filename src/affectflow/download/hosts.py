"""Whose turn is it? Hosts take turns, each within its limits, and a dead one soon stops taking any."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from yarl import URL

from affectflow.download.lists import Row
from affectflow.download.outcomes import Failed, Outcome

_FAILURES_BEFORE_REST = 8  # attempts in a row
_RESTS = 2


@dataclass(slots=True, eq=False)
class Task:
    """A row on its way: which of its URLs is being tried, and what has come of it so far."""

    row: Row
    start: URL
    address: URL
    """``start``, or where it was redirected to."""
    hops: int = 0
    tries: int = 0
    """Of this URL, without those that a lost network or a standstill spoilt."""
    spoilt: int = 0
    """By standstills of this process."""
    attempts: int = 0
    """Of the row's URLs together."""
    first_try: float = 0.0
    first_failure: Outcome | None = None
    """What the first URL came to, while the second is tried."""


@dataclass(slots=True, eq=False)
class Host:
    """A host's waiting tasks, and how it has behaved.

    After eight failed attempts in a row it is left alone for one timeout, then gets one attempt at a time; when that
    fails it is left alone for twice as long, and after another failure it is given up: what waits for it fails as
    the last attempt did.
    """

    waiting: deque[Task] = field(default_factory=deque)
    running: int = 0
    listed: bool = False
    not_before: float = 0.0
    """Monotonic seconds: its rate, or its own wish."""
    rests_until: float = 0.0
    failures: int = 0
    rests: int = 0
    given_up: Failed | None = None

    def room(self, per_host: int) -> bool:
        """Whether another attempt may run beside those that do."""
        return self.running < (1 if self.rests else per_host)

    @property
    def opens_at(self) -> float:
        """When the next attempt may start, in monotonic seconds."""
        return max(self.not_before, self.rests_until)

    def forgettable(self, now: float) -> bool:
        """Whether nothing is lost with it."""
        return not (self.waiting or self.running or self.listed or self.rests or self.opens_at > now)

    def answered(self) -> None:
        """Any answer at all shows that it lives."""
        self.failures = self.rests = 0
        self.given_up = None

    def failed(self, failure: Failed, now: float, rest_s: float) -> None:
        """An attempt got no answer."""
        self.failures += 1
        if self.failures < _FAILURES_BEFORE_REST and not self.rests:
            return
        if now < self.rests_until:
            return  # several were under way together
        if self.rests == _RESTS:
            detail = f"given up after {self.failures} failures in a row at this host: {failure.detail}"
            self.given_up = Failed(failure.outcome, detail[:300])
            return
        self.rests_until = now + rest_s * 2**self.rests
        self.rests += 1
