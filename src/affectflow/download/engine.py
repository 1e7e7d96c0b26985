"""Fetch rows and report their outcomes, as many at once as the settings and the hosts allow."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from affectflow.core.errors import UserError
from affectflow.download.address import Address
from affectflow.download.archive import Archive
from affectflow.download.client import Client, Redirect
from affectflow.download.cookies import Cookies
from affectflow.download.lists import Row
from affectflow.download.network import Host, Network
from affectflow.download.outcomes import NETWORK, Failed, Outcome
from affectflow.download.placeholders import KNOWN_ADDRESS, is_placeholder
from affectflow.download.settings import Settings
from affectflow.download.store import Store
from affectflow.download.task import Task

log = logging.getLogger(__name__)

MAX_OPEN = 2048
"""Requests that may wait for a response at once, in one process."""

_MAX_WAITING = 4096  # rows that wait for their hosts
_MAX_HOSTS = 10_000  # before the idle ones are dropped
_SLOW = 4  # a request without a response for this many times the usual time lends its slot
_MIN_LEND_S, _MAX_LEND_S = 0.1, 1.0  # bounds of that time
_WEIGHT = 0.02  # of one response in the usual time
_MAX_HOPS = 10  # redirects from host to host
_MAX_STANDSTILLS = 10  # of a row, so that a machine that always lags comes to an end
_ARCHIVE_AT_ONCE = 2  # requests to a web archive
_FIRST_PAUSE_S = 1.0  # longer than the network can be down unnoticed
_MAX_PAUSE_S = 120.0

_UNUSABLE = Address("http", "", 80, "/")  # in place of a URL that cannot be parsed

Finish = Callable[[Row, Outcome], None]


class Engine:
    """Fetches rows and reports the outcome of each once.

    ``concurrency`` counts requests that are being served: one that has waited four times as long as usual lends its
    slot to another and goes on waiting, so that silent hosts do not delay the others.
    """

    def __init__(
        self, settings: Settings, store: Store, finish: Finish, known: Iterable[Address] = (), max_open: int = MAX_OPEN
    ) -> None:
        """Prepare a run.

        Args:
            settings: The download's settings.
            store: Where images are stored.
            finish: Called with each row and its outcome.
            known: Sites that responded in an earlier run.
            max_open: How many requests may wait for a response at once.
        """
        self._settings = settings
        self._max_open = max_open
        self._store = store
        self._finish = finish
        self._hosts: dict[str, Host] = {}
        self._max_hosts = _MAX_HOSTS
        self._queue: deque[Host] = deque()
        self._waiting = 0  # tasks that wait for their hosts
        self._unfinished = 0  # rows without an outcome
        self._open = 0
        self._active = 0
        self._slots: deque[_Slot] = deque()
        self._usual_s = 0.0
        self._wake = asyncio.Event()
        self._network = Network(settings.timeout_s, settings.outage_patience_s, lambda: self._open > 0, self._wake.set)
        self._network.add_known(known)
        self._archive = Archive.of(settings.archive)

    async def run(self, rows: Iterator[Row | None]) -> None:
        """Fetch all rows.

        Args:
            rows: The rows; at a None among them the event loop gets to run.

        Raises:
            UserError: (in a group) If this machine or its network fails.
        """
        async with (
            Client(self._settings, self._network.record_look_up) as self._client,
            asyncio.TaskGroup() as self._tasks,
        ):
            watches = self._network.watches(self._client.reaches, self._client.resolves)
            watchers = [self._tasks.create_task(watch) for watch in (*watches, self._lend_slots())]
            more = True
            while more or self._unfinished:
                self._wake.clear()
                if more and self._waiting < _MAX_WAITING:
                    more = self._admit(rows)
                self._dispatch()
                if more and self._waiting < _MAX_WAITING:
                    await asyncio.sleep(0)
                elif self._unfinished:
                    await self._wake.wait()
            for watcher in watchers:
                watcher.cancel()

    def _admit(self, rows: Iterator[Row | None]) -> bool:
        """Enqueue a few rows; return False when there are no more."""
        for row in rows:
            if row is None:
                return True
            self._unfinished += 1
            now = time.time()
            try:
                address = Address.parse(row.url)
            except Failed as failed:
                self._fall_back(Task(row, _UNUSABLE, _UNUSABLE, first_try=now), failed)
            else:
                self._enqueue_task(Task(row, address, address, first_try=now))
                if self._waiting % 64 == 0:
                    return True
        return False

    def _enqueue_task(self, task: Task) -> None:
        asks = task.search is not None and task.search.asks
        site = f"{task.address.host}{' (index)' if asks else ''}"
        host = self._hosts.get(site)
        if host is None:
            if len(self._hosts) >= self._max_hosts:
                self._drop_idle_hosts()
            host = self._hosts[site] = Host(*self._limits(task.address, asks))
        host.waiting.append(task)
        self._waiting += 1
        self._queue_host(host)

    def _limits(self, address: Address, asks: bool) -> tuple[int, float]:
        """Return how many requests to a host may run at once, and how many may start in a second."""
        if self._archive is None or not self._archive.holds(address):
            return self._settings.per_host, self._settings.rate_per_host
        how = self._settings.archive
        return _ARCHIVE_AT_ONCE, (how.searches_per_minute if asks else how.copies_per_minute) / 60

    def _drop_idle_hosts(self) -> None:
        """Drop hosts without state, or a list of a million hosts would fill the memory."""
        now = time.monotonic()
        self._hosts = {site: host for site, host in self._hosts.items() if not host.is_disposable(now)}
        self._max_hosts = max(_MAX_HOSTS, 2 * len(self._hosts))

    def _queue_host(self, host: Host) -> None:
        """Put a host into the queue if it may start an attempt, now or when its pause ends."""
        if host.queued or not host.waiting or not host.has_capacity:
            return
        host.queued = True
        delay = host.opens_at - time.monotonic()
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._enqueue_now, host)
        else:
            self._enqueue_now(host)

    def _enqueue_now(self, host: Host) -> None:
        self._queue.append(host)
        self._wake.set()

    def _dispatch(self) -> None:
        while (attempt := self._next()) is not None:
            self._tasks.create_task(self._work(attempt))

    async def _work(self, attempt: _Attempt | None) -> None:
        """Make attempts one after another until none may start at once."""
        while attempt is not None:
            await self._make(attempt)
            attempt = self._next()

    def _next(self) -> _Attempt | None:
        """Start the next attempt that the limits allow; hosts take turns."""
        while (
            self._queue
            and self._active < self._settings.concurrency
            and self._open < self._max_open
            and self._network.up
        ):
            host = self._queue.popleft()
            host.queued = False
            task = None
            if host.waiting and host.given_up is not None:
                self._waiting -= 1
                self._fall_back(host.waiting.popleft(), host.given_up)
            elif self._may_start(host, now := time.monotonic()):
                self._waiting -= 1
                if host.rate:
                    host.not_before = now + 1 / host.rate
                host.running += 1
                task = host.waiting.popleft()
            self._queue_host(host)
            if task is not None:
                return _Attempt(task, host, _Slot(self))
        return None

    def _may_start(self, host: Host, now: float) -> bool:
        return bool(host.waiting) and host.has_capacity and host.opens_at <= now

    async def _make(self, attempt: _Attempt) -> None:
        task, host, slot = attempt.task, attempt.host, attempt.slot
        started = time.monotonic()
        failed: Failed | None = None
        outcome: Outcome | Redirect | None = None
        if not task.hops:
            task.attempts += 1

        def on_response() -> None:
            slot.keep()
            host.record_response()
            self._network.record_response(task.address)

        try:
            outcome = await self._fetch(task, on_response)
        except Failed as error:
            failed = error.with_traceback(None)  # the traceback keeps the body in memory
        except UserError:
            raise  # this machine's fault
        except Exception as error:  # what one row does must not end the others
            log.debug("%s", task.address, exc_info=True)
            failed = Failed("unexpected", f"{type(error).__name__}: {error}"[:300])
        finally:
            slot.leave()
            host.running -= 1
            self._queue_host(host)
        if failed is None:
            if isinstance(outcome, Redirect):
                self._follow(task, outcome)
            elif outcome is None:
                self._search(task)
            else:
                self._end(task, outcome if task.search is None else task.search.success(outcome))
        elif failed.outcome in NETWORK and not await self._network.is_fault_of_host(
            failed.outcome, task.address, started
        ):
            self._restart(task)
        elif failed.outcome in NETWORK and task.standstills < _MAX_STANDSTILLS and self._network.stood_still(started):
            task.standstills += 1
            self._restart(task)
        else:
            self._handle_failure(task, host, failed)

    async def _fetch(self, task: Task, on_response: Callable[[], None]) -> Outcome | Redirect | None:
        """Fetch an image, or the answer of an archive's index, which has no outcome."""
        response = await self._client.attempt(task.address, on_response, task.cookies)
        if isinstance(response, Redirect):
            return response
        try:
            if task.search is not None and task.search.asks:
                task.search.add(response.body)
                return None
            if task.search is not None:
                task.search.check(response.final_url)
            if not task.row.sha256 and is_placeholder(response.final_url):
                raise Failed("placeholder", KNOWN_ADDRESS, response.status, response.final_url)
            return await self._store.save(task.row, response)
        finally:
            response.release()

    def _follow(self, task: Task, redirect: Redirect) -> None:
        task.hops += 1
        if task.hops > _MAX_HOPS:
            detail = f"redirected from host to host more than {_MAX_HOPS} times"
            self._fall_back(task, Failed("redirect_loop", detail, redirect.status, str(redirect.target)))
        elif task.search is not None and not task.search.stays(redirect.target):
            detail = f"redirected out of the archive, to {redirect.target.host}"
            self._fall_back(task, Failed("redirect", detail, redirect.status, str(redirect.target)))
        else:
            task.address = redirect.target
            self._enqueue_task(task)

    def _restart(self, task: Task) -> None:
        """Enqueue a task from its start, before any redirect."""
        task.address, task.hops, task.cookies = task.start, 0, Cookies()
        self._enqueue_task(task)

    def _handle_failure(self, task: Task, host: Host, failed: Failed) -> None:
        """Schedule another attempt, fall back on the second URL, or end the task."""
        now = time.monotonic()
        if failed.outcome in NETWORK and failed.http_status is None:
            host.record_failure(failed, now, self._settings.timeout_s)
        if failed.wait_s is not None and failed.is_transient:
            host.not_before = max(host.not_before, now + min(failed.wait_s, _MAX_PAUSE_S))
        task.tries += 1
        if failed.is_transient and task.tries <= self._settings.retries and host.given_up is None:
            pause = _FIRST_PAUSE_S * 2 ** (task.tries - 1) * random.uniform(1.0, 1.5)
            asyncio.get_running_loop().call_later(min(_MAX_PAUSE_S, pause), self._restart, task)
        else:
            self._fall_back(task, failed)

    def _fall_back(self, task: Task, failed: Failed) -> None:
        outcome = Outcome(failed.outcome, failed.detail, failed.http_status, failed.final_url)
        if task.search is not None:
            task.search.record(failed)
            self._search(task)
        elif task.first_failure is None and task.row.url_orig.strip() not in ("", task.row.url.strip()):
            task.first_failure = outcome
            task.tries = 0
            try:
                task.start = Address.parse(task.row.url_orig)
            except Failed:
                self._give_up(task, outcome)
            else:
                self._restart(task)
        else:
            self._give_up(task, task.first_failure or outcome)

    def _give_up(self, task: Task, outcome: Outcome) -> None:
        """End a task whose URLs failed, or begin to search for a copy where an archive may have one."""
        if self._archive is None or not self._archive.may_have(outcome):
            self._end(task, outcome)
        else:
            task.search = self._archive.search(task.row, outcome)
            self._search(task)

    def _search(self, task: Task) -> None:
        """Go on with the search for a copy, or end it."""
        assert task.search is not None
        task.tries = 0
        address = task.search.next()
        if address is None:
            self._end(task, task.search.failure())
        else:
            task.start = address
            self._restart(task)

    def _end(self, task: Task, outcome: Outcome) -> None:
        outcome.attempts, outcome.first_try = task.attempts, task.first_try
        outcome.last_try = max(time.time(), task.first_try)
        self._finish(task.row, outcome)
        self._unfinished -= 1
        self._wake.set()

    async def _lend_slots(self) -> None:
        """Lend the slots of slow requests to others until cancelled."""
        while True:
            patience = min(_MAX_LEND_S, max(_MIN_LEND_S, _SLOW * self._usual_s))
            await asyncio.sleep(patience / 5)
            long_ago = time.monotonic() - patience
            while self._slots and self._slots[0].since < long_ago:
                self._slots.popleft().lend()
            self._wake.set()


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    task: Task
    host: Host
    slot: _Slot


class _Slot:
    """A request's slot among the active ones, lent to another while its host is slow to respond."""

    __slots__ = ("_engine", "_has_response", "_held", "since")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held = True
        self._has_response = False
        self.since = time.monotonic()
        engine._open += 1
        engine._active += 1
        engine._slots.append(self)

    def keep(self) -> None:
        """Keep the slot from now on, since a response came; redirects bring several."""
        if not self._has_response:
            self._has_response = True
            self._engine._usual_s += _WEIGHT * (time.monotonic() - self.since - self._engine._usual_s)

    def lend(self) -> None:
        if self._held and not self._has_response:
            self._held = False
            self._engine._active -= 1

    def leave(self) -> None:
        self._engine._open -= 1
        if self._held:
            self._held = False
            self._engine._active -= 1
        self._engine._wake.set()
