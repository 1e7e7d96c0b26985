"""Is it the host, or is it our network? A failure is a host's only if others were heard from at that time.

Look-ups and connections are watched apart, since either can be lost alone. When something fails and nothing is heard
after it, sites that answered before are probed. If they are silent too, or if for a second hosts that have nothing to
do with each other fail with no success between them, the network counts as lost: nothing new is started, probing goes
on, and attempts that fell into the silence do not count. Nor do those that ran out of time while this process stood
still: stopped by its user, or on a machine too busy to let it run.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from yarl import URL

from affectflow.core.errors import UserError
from affectflow.download.resolver import is_address

_QUIET_S = 1.0
_BEAT_S = 0.05
_STANDSTILL = 0.25  # of the timeout, that a beat is late by
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_UNRELATED = 3  # domains that fail together before a network is suspected in which nothing ever worked
_REMEMBERED = 8  # domains
_PROBED = 4  # at once
_PATIENCE_AT_THE_START_S = 60.0

Probe = Callable[[URL], Awaitable[bool]]


class _Channel:
    """One kind of traffic: when it last worked, what fails since, and when it was lost."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.last = now
        self.probed = now
        """When the latest probe began that came to a verdict."""
        self.lost = False
        self.failing: dict[str, URL] = {}
        self.away: list[tuple[float, float]] = []
        self.changed = asyncio.Event()

    def works(self, now: float) -> None:
        if self.lost:
            self.away.append((self.last, now))
            self.lost = False
            print(f"{self.name}: back after {now - self.last:.0f} s", file=sys.stderr)
        self.last = now
        if self.failing:
            self.failing.clear()
            self.changed.set()

    def was_away(self, started: float, ended: float) -> bool:
        return any(lost < ended and back > started for lost, back in self.away)


class Network:
    """Watches a run's traffic. ``busy`` tells whether requests are waiting for answers."""

    def __init__(
        self, timeout_s: float, patience_s: float, busy: Callable[[], bool], resumed: Callable[[], None]
    ) -> None:
        now = time.monotonic()
        self._connections = _Channel("network", now)
        self._names = _Channel("name look-ups", now)
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._busy = busy
        self._resumed = resumed
        self._good: dict[str, URL] = {}
        self._stood_still_until = -math.inf

    @property
    def up(self) -> bool:
        """False while the network is lost."""
        return not (self._connections.lost or self._names.lost)

    def remember(self, addresses: Iterable[URL]) -> None:
        """Sites that answered in an earlier run."""
        for address in addresses:
            self._good.setdefault(domain(address.host or ""), address)

    def answered(self, address: URL) -> None:
        """A site sent the headers of an answer."""
        name = domain(address.host or "")
        if name not in self._good:
            if len(self._good) >= _REMEMBERED:
                self._good.pop(next(iter(self._good)))
            self._good[name] = address
        self._works(self._connections)

    def looked_up(self, host: str) -> None:
        """A name was found."""
        self._works(self._names)

    async def vouch(self, outcome: str, address: URL, started: float) -> bool:
        """Whether a failure since ``started`` (monotonic seconds) is the host's own; False when the network was away.

        Waits until others are heard from, or until the network is back.
        """
        if not self._patience_s:
            return True
        channel = self._names if outcome == "dns" else self._connections
        ended = time.monotonic()
        channel.failing.setdefault(domain(address.host or ""), address)
        while channel.last < ended and (channel.lost or channel.probed < ended):
            channel.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_S / 4):
                    await channel.changed.wait()
        return not channel.was_away(started, ended)

    def stood_still(self, started: float) -> bool:
        """Whether this process stood still after ``started`` for so long that an attempt may have failed for that.

        To be asked after :meth:`vouch`, which gives the heart a chance to beat.
        """
        return self._stood_still_until > started

    def watches(self, reaches: Probe, finds: Callable[[str], Awaitable[bool]]) -> list[Coroutine[Any, Any, None]]:
        """Tasks that probe where it is needed, until cancelled.

        They raise :class:`UserError` when patience ends.
        """

        async def found(address: URL) -> bool:
            return await finds(address.host or "")

        if not self._patience_s:
            return []
        return [self._beat(), self._watch(self._connections, reaches), self._watch(self._names, found)]

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
            known = self._candidates(channel)
            begun = time.monotonic()
            if await _any(probe, known[-_PROBED:] or list(channel.failing.values())[:_PROBED]):
                self._works(channel)
            elif channel.last < begun and (known or begun - channel.last > _QUIET_S):
                self._lose(channel, silent=len(known))
                channel.probed = begun
                channel.changed.set()
            pause = min(_LONGEST_PAUSE_S, pause * 1.5) if channel.lost else _FIRST_PAUSE_S

    def _works(self, channel: _Channel) -> None:
        was_up = self.up
        channel.works(time.monotonic())
        if not was_up and self.up:
            self._resumed()

    def _candidates(self, channel: _Channel) -> list[URL]:
        good = list(self._good.values())
        return good if channel is self._connections else [url for url in good if not is_address(url.host or "")]

    def _lose(self, channel: _Channel, silent: int) -> None:
        if not channel.lost and (silent or len(channel.failing) >= _UNRELATED):
            channel.lost = True
            print(f"{channel.name}: nothing answers any more; waiting", file=sys.stderr)
        quiet = time.monotonic() - channel.last
        patience = self._patience_s if silent else min(self._patience_s, _PATIENCE_AT_THE_START_S)
        if channel.lost and quiet > patience:
            some = ", ".join([*channel.failing, *self._good][:3])
            raise UserError(
                f"Nothing has answered for {quiet:.0f} s ({some}, ...): the network seems to be away, and no URL was "
                "written off for it; run again when it is back (download.outage_patience_s: 0 writes off at once)."
            )


async def _any(probe: Probe, addresses: list[URL]) -> bool:
    """Whether one of them succeeds; the others are not waited for."""
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
    """What hosts that are related share: the last two labels of a name, the whole of an address."""
    return host if is_address(host) else ".".join(host.lower().rsplit(".", 2)[-2:])
