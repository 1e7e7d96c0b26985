"""Rows -> outcomes, as many at once as the settings and the hosts allow."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from yarl import URL

from affectflow.download.client import Client, Moved
from affectflow.download.hosts import Host, Task
from affectflow.download.lists import Row, parse_url
from affectflow.download.network import Network
from affectflow.download.outcomes import NETWORK, Failed, Outcome
from affectflow.download.settings import Settings
from affectflow.download.store import Store

MOST_OPEN = 2048
"""Requests that may wait for an answer at once, in one process."""

_LOOK_AHEAD = 4096  # rows that wait for their hosts
_MOST_HOSTS = 10_000  # before those that are done with are forgotten
_SLOW = 4  # times the usual time without an answer, and a request makes room for another
_EARLIEST_S, _LATEST_S = 0.1, 1.0  # when that may be
_WEIGHT = 0.02  # of one answer in the usual time
_MAX_HOPS = 10  # from host to host
_MOST_SPOILT = 10  # attempts of a row by standstills, so that a machine that always lags comes to an end
_FIRST_PAUSE_S = 1.0  # longer than the network can be away unnoticed
_LONGEST_PAUSE_S = 120.0

Finish = Callable[[Row, Outcome], None]


class Engine:
    """Fetches rows and reports each one's outcome once.

    ``concurrency`` counts requests that are being answered: one that has waited four times as long as is usual
    gives its place to another and goes on waiting, so that silent hosts hold nobody up.
    """

    def __init__(
        self, settings: Settings, store: Store, finish: Finish, known: Iterable[URL] = (), most_open: int = MOST_OPEN
    ) -> None:
        self._settings = settings
        self._most_open = most_open
        self._store = store
        self._finish = finish
        self._hosts: dict[str, Host] = {}
        self._most_hosts = _MOST_HOSTS
        self._ready: deque[Host] = deque()
        self._waiting = 0  # rows that wait for their host's turn
        self._left = 0  # rows under way
        self._open = 0
        self._active = 0
        self._places: deque[_Place] = deque()
        self._usual_s = 0.0
        self._wake = asyncio.Event()
        self._network = Network(settings.timeout_s, settings.outage_patience_s, lambda: self._open > 0, self._wake.set)
        self._network.remember(known)

    async def run(self, rows: Iterator[Row | None]) -> None:
        """Fetch all ``rows``; a None among them gives other work a chance.

        Raises :class:`UserError` (in a group) where this machine or its network is at fault.
        """
        async with Client(self._settings, self._network.looked_up) as self._client, asyncio.TaskGroup() as self._tasks:
            watches = self._network.watches(self._client.reaches, self._client.finds)
            watchers = [self._tasks.create_task(watch) for watch in (*watches, self._lend_places())]
            more = True
            while more or self._left:
                self._wake.clear()
                if more and self._waiting < _LOOK_AHEAD:
                    more = self._admit(rows)
                self._dispatch()
                if more and self._waiting < _LOOK_AHEAD:
                    await asyncio.sleep(0)
                elif self._left:
                    await self._wake.wait()
            for watcher in watchers:
                watcher.cancel()

    def _admit(self, rows: Iterator[Row | None]) -> bool:
        """Take in a few rows; False when there are no more."""
        for row in rows:
            if row is None:
                return True
            self._left += 1
            now = time.time()
            try:
                address = parse_url(row.url)
            except Failed as failed:
                self._fall_back(Task(row, URL(), URL(), first_try=now), failed)
            else:
                self._enqueue(Task(row, address, address, first_try=now))
                if self._waiting % 64 == 0:
                    return True
        return False

    def _enqueue(self, task: Task) -> None:
        site = task.address.host or ""
        host = self._hosts.get(site)
        if host is None:
            if len(self._hosts) >= self._most_hosts:
                self._forget_hosts()
            host = self._hosts[site] = Host()
        host.waiting.append(task)
        self._waiting += 1
        self._list(host)

    def _forget_hosts(self) -> None:
        """Or a list of a million hosts would fill the memory."""
        now = time.monotonic()
        self._hosts = {site: host for site, host in self._hosts.items() if not host.forgettable(now)}
        self._most_hosts = max(_MOST_HOSTS, 2 * len(self._hosts))

    def _list(self, host: Host) -> None:
        """Put a host in line if it may start something."""
        if host.listed or not host.waiting or not host.room(self._settings.per_host):
            return
        host.listed = True
        delay = host.opens_at - time.monotonic()
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._line_up, host)
        else:
            self._line_up(host)

    def _line_up(self, host: Host) -> None:
        self._ready.append(host)
        self._wake.set()

    def _dispatch(self) -> None:
        while (turn := self._next()) is not None:
            self._tasks.create_task(self._work(*turn))

    async def _work(self, task: Task, host: Host, place: _Place) -> None:
        """One attempt after another, for as long as there is something to do at once."""
        turn: _Turn | None = (task, host, place)
        while turn is not None:
            await self._try(*turn)
            turn = self._next()

    def _next(self) -> _Turn | None:
        """Whose turn it is, if there is room."""
        while (
            self._ready
            and self._active < self._settings.concurrency
            and self._open < self._most_open
            and self._network.up
        ):
            host = self._ready.popleft()
            host.listed = False
            task = None
            if host.waiting and host.given_up is not None:
                self._waiting -= 1
                self._fall_back(host.waiting.popleft(), host.given_up)
            elif host.waiting and host.room(self._settings.per_host) and host.opens_at <= (now := time.monotonic()):
                self._waiting -= 1
                if self._settings.rate_per_host:
                    host.not_before = now + 1 / self._settings.rate_per_host
                host.running += 1
                task = host.waiting.popleft()
            self._list(host)
            if task is not None:
                return task, host, _Place(self)
        return None

    async def _try(self, task: Task, host: Host, place: _Place) -> None:
        started = time.monotonic()
        failed: Failed | None = None
        outcome: Outcome | Moved | None = None
        if not task.hops:
            task.attempts += 1

        def answered() -> None:
            place.keep()
            host.answered()
            self._network.answered(task.address)

        try:
            outcome = await self._fetch(task, answered)
        except Failed as error:
            failed = error.with_traceback(None)  # or it would hold on to the body
        finally:
            place.leave()
            host.running -= 1
            self._list(host)
        if failed is None:
            assert outcome is not None
            if isinstance(outcome, Moved):
                self._move(task, outcome)
            else:
                self._end(task, outcome)
        elif failed.outcome in NETWORK and not await self._network.vouch(failed.outcome, task.address, started):
            self._again(task)
        elif failed.outcome in NETWORK and task.spoilt < _MOST_SPOILT and self._network.stood_still(started):
            task.spoilt += 1
            self._again(task)
        else:
            self._judge(task, host, failed)

    async def _fetch(self, task: Task, answered: Callable[[], None]) -> Outcome | Moved:
        answer = await self._client.attempt(task.address, answered)
        if isinstance(answer, Moved):
            return answer
        try:
            return await self._store.keep(task.row, answer)
        finally:
            answer.release()

    def _move(self, task: Task, moved: Moved) -> None:
        task.hops += 1
        if task.hops > _MAX_HOPS:
            detail = f"redirected from host to host more than {_MAX_HOPS} times"
            self._fall_back(task, Failed("redirect_loop", detail, moved.status, str(moved.target)))
        else:
            task.address = moved.target
            self._enqueue(task)

    def _again(self, task: Task) -> None:
        """From the start."""
        task.address, task.hops = task.start, 0
        self._enqueue(task)

    def _judge(self, task: Task, host: Host, failed: Failed) -> None:
        """Another try, the second URL, or the end."""
        now = time.monotonic()
        if failed.outcome in NETWORK and failed.http_status is None:
            host.failed(failed, now, self._settings.timeout_s)
        if failed.wait_s is not None and failed.passing:
            host.not_before = max(host.not_before, now + min(failed.wait_s, _LONGEST_PAUSE_S))
        task.tries += 1
        if failed.passing and task.tries <= self._settings.retries and host.given_up is None:
            pause = _FIRST_PAUSE_S * 2 ** (task.tries - 1) * random.uniform(1.0, 1.5)
            asyncio.get_running_loop().call_later(min(_LONGEST_PAUSE_S, pause), self._again, task)
        else:
            self._fall_back(task, failed)

    def _fall_back(self, task: Task, failed: Failed) -> None:
        outcome = Outcome(failed.outcome, failed.detail, failed.http_status, failed.final_url)
        if task.first_failure is None and task.row.url_orig.strip() not in ("", task.row.url.strip()):
            task.first_failure = outcome
            task.tries = 0
            try:
                task.start = parse_url(task.row.url_orig)
            except Failed:
                self._end(task, outcome)
            else:
                self._again(task)
        else:
            self._end(task, task.first_failure or outcome)

    def _end(self, task: Task, outcome: Outcome) -> None:
        outcome.attempts, outcome.first_try = task.attempts, task.first_try
        outcome.last_try = max(time.time(), task.first_try)
        self._finish(task.row, outcome)
        self._left -= 1
        self._wake.set()

    async def _lend_places(self) -> None:
        """Give the places of slow requests to others, again and again."""
        while True:
            patience = min(_LATEST_S, max(_EARLIEST_S, _SLOW * self._usual_s))
            await asyncio.sleep(patience / 5)
            long_ago = time.monotonic() - patience
            while self._places and self._places[0].since < long_ago:
                self._places.popleft().lend()
            self._wake.set()


class _Place:
    """A request's place among the active ones, lent to another while its host is slow to answer."""

    __slots__ = ("_engine", "_held", "_kept", "since")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held = True
        self._kept = False
        self.since = time.monotonic()
        engine._open += 1
        engine._active += 1
        engine._places.append(self)

    def keep(self) -> None:
        """An answer has come; redirects bring several."""
        if not self._kept:
            self._kept = True
            self._engine._usual_s += _WEIGHT * (time.monotonic() - self.since - self._engine._usual_s)

    def lend(self) -> None:
        if self._held and not self._kept:
            self._held = False
            self._engine._active -= 1

    def leave(self) -> None:
        self._engine._open -= 1
        if self._held:
            self._held = False
            self._engine._active -= 1
        self._engine._wake.set()


_Turn = tuple[Task, Host, _Place]
