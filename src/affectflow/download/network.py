"""Distinguish failures of hosts from failures of the own network, and limit what is requested of each host.

A failure counts as the host's only if other hosts responded at about the same time. Look-ups and connections are
watched separately, since either can fail alone. When something fails and nothing responds afterwards, sites that
responded before are probed. If they do not respond either, or if hosts of several domains fail for a second with no
success between them, the network counts as lost: nothing new is started, probing goes on, and attempts that fell into
the outage do not count. Attempts that ran out of time while this process itself stood still (stopped, or on an
overloaded machine) do not count either.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from affectflow.core.errors import UserError
from affectflow.core.progress import TO_TERMINAL
from affectflow.download.address import Address
from affectflow.download.outcomes import Failed
from affectflow.download.resolver import is_address

if TYPE_CHECKING:
    from affectflow.download.task import Task

log = logging.getLogger(TO_TERMINAL)

_FAILURES_BEFORE_PAUSE = 8  # attempts in a row at a host
_MAX_PAUSES = 2
_QUIET_S = 1.0
_BEAT_S = 0.05
_STANDSTILL = 0.25  # a heartbeat that is late by this part of the timeout is a standstill
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_UNRELATED = 3  # domains that fail together before an outage is assumed where nothing has responded yet
_KNOWN_DOMAINS = 8
_PROBED_AT_ONCE = 4
_PATIENCE_AT_THE_START_S = 60.0

Probe = Callable[[Address], Awaitable[bool]]


@dataclass(slots=True, eq=False)
class Host:
    """The waiting tasks of a host, its limits, and its failures.

    After eight failed attempts in a row a host is paused for one timeout, then gets one attempt at a time. If that
    fails it is paused for twice as long, and after another failure it is given up: its waiting tasks fail as the last
    attempt did.

    Attributes:
        at_once: How many attempts may run at once.
        rate: How many attempts may start in a second; 0 for any number.
        waiting: Tasks for this host.
        running: Attempts under way.
        queued: Whether the host is in the engine's queue, or a timer will put it there.
        not_before: When its rate limit or its own request allows the next attempt, in monotonic seconds.
        paused_until: When its pause after failures ends, in monotonic seconds.
        failures: Failed attempts in a row.
        pauses: Pauses in a row.
        given_up: The failure of all its tasks, once it is given up.
    """

    at_once: int
    rate: float
    waiting: deque[Task] = field(default_factory=deque)
    running: int = 0
    queued: bool = False
    not_before: float = 0.0
    paused_until: float = 0.0
    failures: int = 0
    pauses: int = 0
    given_up: Failed | None = None

    @property
    def has_capacity(self) -> bool:
        """Whether another attempt may run beside those under way."""
        return self.running < (1 if self.pauses else self.at_once)

    @property
    def opens_at(self) -> float:
        """When the next attempt may start, in monotonic seconds."""
        return max(self.not_before, self.paused_until)

    def is_disposable(self, now: float) -> bool:
        """Check whether the host can be dropped: a new object would be in the same state."""
        return not (self.waiting or self.running or self.queued or self.pauses or self.opens_at > now)

    def record_response(self) -> None:
        """Reset the failures: any response shows that the host is reachable."""
        self.failures = self.pauses = 0
        self.given_up = None

    def record_failure(self, failure: Failed, now: float, pause_s: float) -> None:
        """Count an attempt without a response; pause the host or give it up after several.

        Args:
            failure: Why there was no response.
            now: The time, in monotonic seconds.
            pause_s: Length of the first pause in seconds; each further pause in a row is twice as long.
        """
        self.failures += 1
        if self.failures < _FAILURES_BEFORE_PAUSE and not self.pauses:
            return
        if now < self.paused_until:
            return  # an attempt that ran beside the one which caused the pause
        if self.pauses == _MAX_PAUSES:
            detail = f"given up after {self.failures} failures in a row at this host: {failure.detail}"
            self.given_up = Failed(failure.outcome, detail[:300])
            return
        self.paused_until = now + pause_s * 2**self.pauses
        self.pauses += 1


class _Channel:
    """One kind of traffic: when it last worked, the URLs that failed since, and the outages so far."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.last = now
        self.probed = now  # when the latest probe with a result began
        self.lost = False
        self.failing: dict[str, Address] = {}
        self.outages: list[tuple[float, float]] = []
        self.changed = asyncio.Event()

    def record_success(self, now: float) -> None:
        if self.lost:
            self.outages.append((self.last, now))
            self.lost = False
            log.warning("%s: back after %.0f s", self.name, now - self.last)
        self.last = now
        if self.failing:
            self.failing.clear()
            self.changed.set()

    def had_outage(self, started: float, ended: float) -> bool:
        return any(lost < ended and restored > started for lost, restored in self.outages)


class Network:
    """Watches the traffic of a download for outages."""

    def __init__(
        self, timeout_s: float, patience_s: float, busy: Callable[[], bool], resumed: Callable[[], None]
    ) -> None:
        """Start watching.

        Args:
            timeout_s: The timeout of requests, in seconds.
            patience_s: How long an outage may last, in seconds; 0 turns the watch off.
            busy: Checks whether requests are waiting for responses.
            resumed: Called when an outage has ended.
        """
        now = time.monotonic()
        self._connections = _Channel("network", now)
        self._names = _Channel("name look-ups", now)
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._busy = busy
        self._resumed = resumed
        self._responding: dict[str, Address] = {}
        self._stood_still_until = -math.inf

    @property
    def up(self) -> bool:
        """False while the network is lost."""
        return not (self._connections.lost or self._names.lost)

    def add_known(self, addresses: Iterable[Address]) -> None:
        """Add sites that responded in an earlier run, for probing."""
        for address in addresses:
            self._responding.setdefault(domain(address.host), address)

    def record_response(self, address: Address) -> None:
        """Record that a site sent the headers of a response."""
        name = domain(address.host)
        if name not in self._responding:
            if len(self._responding) >= _KNOWN_DOMAINS:
                self._responding.pop(next(iter(self._responding)))
            self._responding[name] = address
        self._record_success(self._connections)

    def record_look_up(self, host: str) -> None:
        """Record that a name was resolved."""
        self._record_success(self._names)

    async def is_fault_of_host(self, outcome: str, address: Address, started: float) -> bool:
        """Wait until other hosts respond or an outage is over, and check whether a failure is the host's own.

        Args:
            outcome: The failure.
            address: The URL that failed.
            started: When the attempt began, in monotonic seconds.

        Returns:
            False if there was an outage of the network during the attempt.
        """
        if not self._patience_s:
            return True
        channel = self._names if outcome == "dns" else self._connections
        ended = time.monotonic()
        channel.failing.setdefault(domain(address.host), address)
        while channel.last < ended and (channel.lost or channel.probed < ended):
            channel.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_S / 4):
                    await channel.changed.wait()
        return not channel.had_outage(started, ended)

    def stood_still(self, started: float) -> bool:
        """Check whether this process stood still after ``started`` for long enough to make an attempt fail.

        Call it after :meth:`is_fault_of_host`, which lets the event loop notice a standstill.
        """
        return self._stood_still_until > started

    def watches(self, reaches: Probe, resolves: Callable[[str], Awaitable[bool]]) -> list[Coroutine[Any, Any, None]]:
        """Make the coroutines that watch and probe until they are cancelled.

        Args:
            reaches: Checks whether the site of a URL responds.
            resolves: Checks whether a host name can be resolved.

        Returns:
            The coroutines; they raise :class:`UserError` when an outage lasts too long.
        """

        async def resolves_host(address: Address) -> bool:
            return await resolves(address.host)

        if not self._patience_s:
            return []
        return [self._beat(), self._watch(self._connections, reaches), self._watch(self._names, resolves_host)]

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            now = time.monotonic()
            if now - due > _STANDSTILL * self._timeout_s:
                self._stood_still_until = now

    async def _watch(self, channel: _Channel, probe: Probe) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause)
            quiet = time.monotonic() - channel.last
            waiting = channel is self._connections and self._busy() and quiet > max(_QUIET_S, self._timeout_s / 2)
            if not (channel.failing or waiting or channel.lost):
                pause = _FIRST_PAUSE_S
                continue
            known = self._known_sites(channel)
            begun = time.monotonic()
            if await _any(probe, known[-_PROBED_AT_ONCE:] or list(channel.failing.values())[:_PROBED_AT_ONCE]):
                self._record_success(channel)
            elif channel.last < begun and (known or begun - channel.last > _QUIET_S):
                self._record_silence(channel, silent_sites=len(known))
                channel.probed = begun
                channel.changed.set()
            pause = min(_LONGEST_PAUSE_S, pause * 1.5) if channel.lost else _FIRST_PAUSE_S

    def _record_success(self, channel: _Channel) -> None:
        was_up = self.up
        channel.record_success(time.monotonic())
        if not was_up and self.up:
            self._resumed()

    def _known_sites(self, channel: _Channel) -> list[Address]:
        sites = list(self._responding.values())
        return sites if channel is self._connections else [url for url in sites if not is_address(url.host)]

    def _record_silence(self, channel: _Channel, silent_sites: int) -> None:
        if not channel.lost and (silent_sites or len(channel.failing) >= _UNRELATED):
            channel.lost = True
            log.warning("%s: nothing responds since %s; waiting until it does", channel.name, time.strftime("%H:%M:%S"))
        quiet = time.monotonic() - channel.last
        patience = self._patience_s if silent_sites else min(self._patience_s, _PATIENCE_AT_THE_START_S)
        if channel.lost and quiet > patience:
            some = ", ".join([*channel.failing, *self._responding][:3])
            raise UserError(
                f"Nothing has responded for {quiet:.0f} s ({some}, ...): the network seems to be down, and no URL was "
                "recorded as failed for it; run again when it is back, or set download.outage_patience_s to 0 to "
                "record such failures at once."
            )


async def _any(probe: Probe, addresses: list[Address]) -> bool:
    """Check whether the probe of any address succeeds, as soon as one does."""
    pending = {asyncio.ensure_future(probe(address)) for address in addresses}
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if any(probed.result() for probed in done):
                return True
    finally:
        for probed in pending:
            probed.cancel()
    return False


def domain(host: str) -> str:
    """Return what related hosts have in common: the last two labels of a name, or the whole address."""
    return host if is_address(host) else ".".join(host.lower().rsplit(".", 2)[-2:])
