"""
The calls of a batch: each connection by a bounded number of threads over its pooled sockets.

The tries stand already. Threads hide the latency of a target, and cost more than they bring when it answers at once:
how many there are follows from how long its calls took. They use no database of their own, unless the target is Tieline
itself; the thread that began the batch does what their circuit breakers need, and gets the answers.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import functools
import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connections

from foundation import correlation, tracing
from foundation.crypto import UnableToDecrypt, decrypt
from outbound.breaker import CallsBreaker
from outbound.operations.message_claims import Try
from outbound.operations.message_targets import Target
from outbound.relayed_breaker import RelayedBreaker
from outbound.transports.base import Answer, TransportError


Clock = Callable[[], dt.datetime]

# Of a call that takes this long most is work of this process: a second thread begins to pay.
_WORTH_A_THREAD = 0.001
_MOST_BEGUN = 100
# So many seconds of calls are begun at a time.
_AHEAD_SECONDS = 4.0
_seconds: dict[str, float] = {}

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What became of one try's call: an answer, or an error; neither when it was not made."""

    tried: Try
    answer: Answer | None = None
    error: TransportError | UnableToDecrypt | None = None
    at: dt.datetime

    @property
    def made(self) -> bool:
        """Whether the call was made, or could not be."""
        return self.answer is not None or self.error is not None


def most_at_once(*, connection: str, at_once: int, a_second: float | None) -> int:
    """Give how many tries of a connection are worth beginning together: a few seconds' worth of calls."""
    known = _seconds.get(connection)
    if known is None:
        return 1
    rate = at_once / max(known, _WORTH_A_THREAD)
    if a_second is not None:
        rate = min(rate, a_second)
    return max(1, min(_MOST_BEGUN, math.ceil(rate * _AHEAD_SECONDS)))


def forget() -> None:
    """Know nothing of how fast targets are, as a new process does."""
    _seconds.clear()


class _Crew:
    """Threads that stay from one chunk of calls to the next, as many as were ever needed at once."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._free = self._all = 0

    def do(self, job: Callable[[], Any]) -> None:
        """Let a thread do something that raises nothing, in the context of whoever asks for it."""
        context = contextvars.copy_context()
        with self._lock:
            if self._free:
                self._free -= 1
            else:
                self._all += 1
                threading.Thread(target=self._work, daemon=True, name="deliver").start()
        self._jobs.put(lambda: context.run(job))

    def dismiss(self) -> None:
        """Let the threads end, each after what it does."""
        with self._lock:
            count, self._all, self._free = self._all, 0, 0
        for _ in range(count):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            with self._lock:
                self._free += 1


class Desk:
    """
    What the calls of one worker share: the places of its connections, its threads, and what these ask of it.

    Calls that are begun while others are out take the places of those one by one, as they become free: nothing waits
    for the last of them.
    """

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[_Threads, Callable[[], Any] | None, Future[Any]]] = queue.SimpleQueue()
        self._places: dict[tuple[str, int], threading.Semaphore] = {}
        self.crew = _Crew()

    def places(self, target: Target) -> threading.Semaphore:
        """Give the places of a connection: as many as it may have calls at once."""
        return self._places.setdefault((target.connection, target.at_once), threading.Semaphore(target.at_once))

    def ask(self, threads: _Threads, do: Callable[[], Any] | None) -> Future[Any]:
        """Ask the worker to do something for these threads; nothing: one of them is through."""
        future: Future[Any] = Future()
        self._asked.put((threads, do, future))
        return future

    def serve(self) -> None:
        """Do the next that is asked for, whoever asks."""
        threads, do, future = self._asked.get()
        if do is None:
            threads.running -= 1
            return
        try:
            future.set_result(do())
        except BaseException as error:  # noqa: BLE001  (raised by the one who asked)
            if not isinstance(error, TransportError):
                threads.errors.append(error)
            future.set_exception(error)


class UnderWay:
    """
    The calls of tries, some of which may be out already; after `start_by` no further call is made.

    When a connection turns out to be held back, no further call of it is made either.
    """

    def __init__(self, tries: Sequence[Try], *, desk: Desk, clock: Clock, start_by: dt.datetime) -> None:
        shares: dict[int, list[Try]] = {}
        for tried in tries:
            shares.setdefault(id(tried.target.client), []).append(tried)
        self._tries = tries
        self._shares = [_Share(share, clock=clock, start_by=start_by) for share in shares.values()]
        self._threads = None if all(share.width == 1 for share in self._shares) else _Threads(self._shares, desk)

    @property
    def waits(self) -> bool:
        """Whether no call is out before `finish`, which makes them all."""
        return self._threads is None

    def finish(self) -> tuple[list[Called], list[BaseException]]:
        """
        Wait for the calls and give what became of each; a target that answers at once is called here and now.

        Of a call that ended in a defect nothing is known: it is not among them, and its error is given beside them.
        """
        defects: list[BaseException] = []
        if self._threads is None:
            for share in self._shares:
                share.work(None)
        else:
            defects += self._threads.join()
        defects += [error for share in self._shares for error in share.defects]
        return [called for share in self._shares for called in share.ended()], defects

    def pace(self) -> int:
        """Give how many tries are worth beginning together after these: as many as suits the slowest target."""
        return min(
            most_at_once(
                connection=tried.target.connection,
                at_once=tried.target.at_once,
                a_second=tried.target.a_second,
            )
            for tried in self._tries
        )


class _Share:
    """The calls of one client; threads take one after the other."""

    def __init__(self, tries: Sequence[Try], *, clock: Clock, start_by: dt.datetime) -> None:
        self.target = tries[0].target
        self.client = self.target.client
        self._connection = self.target.connection
        self._waiting = deque(tries)
        self._called: list[Called] = []
        self.defects: list[BaseException] = []
        self._clock = clock
        self._start_by = start_by
        self._stopped = False
        known = _seconds.get(self._connection, 0.0)
        self.width = max(1, min(self.target.at_once, len(tries), round(known / _WORTH_A_THREAD)))

    def work(self, breaker: CallsBreaker | None) -> None:
        """Make calls until there is none left, or none may be made."""
        while self._waiting and not self._stopped and self._clock() < self._start_by:
            try:
                tried = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._called.append(self._call(tried, breaker))
            except Exception as error:
                # The others are on their way, and what becomes of them is to be written.
                logger.exception("message_call_defect", message=tried.message.pk)
                self.defects.append(error)

    def ended(self) -> list[Called]:
        """Give all calls, also those that were not made."""
        taken = [called.answer.elapsed_seconds for called in self._called if called.answer is not None]
        if taken:
            mean = sum(taken) / len(taken)
            known = _seconds.get(self._connection)
            _seconds[self._connection] = mean if known is None else (known + mean) / 2
        if not self._waiting:
            return self._called
        at = self._called[-1].at if self._called else self._start_by
        return [*self._called, *(Called(tried=tried, at=at) for tried in self._waiting)]

    def _call(self, tried: Try, breaker: CallsBreaker | None) -> Called:
        own = {} if breaker is None else {"breaker": breaker}
        try:
            # Its own and not that of whatever woke the worker: a batch holds messages of many requests.
            with correlation.bound(tried.message.correlation_id), tracing.continuing(tried.message.traceparent):
                answer = self.client.request(
                    tried.target.method,
                    tried.target.path,
                    body=decrypt(tried.message.kept_payload),
                    headers=tried.target.headers,
                    idempotency_key=tried.message.message_id,
                    timeout=tried.target.timeout,
                    **own,
                )
        except (TransportError, UnableToDecrypt) as error:
            self._stopped = self._stopped or (isinstance(error, TransportError) and error.held)
            return Called(tried=tried, error=error, at=self._clock())
        return Called(tried=tried, answer=answer, at=self._clock())


class _Threads:
    """Threads that make the calls of shares from now on; what they ask for is done by the one who joins them."""

    def __init__(self, shares: Sequence[_Share], desk: Desk) -> None:
        self._desk = desk
        self.errors: list[BaseException] = []
        self.running = 0
        for share in shares:
            breaker = RelayedBreaker(share.client.breaker, self._hand)
            places = desk.places(share.target)
            for _ in range(share.width):
                desk.crew.do(functools.partial(self._work, share, breaker, places))
                self.running += 1

    def join(self) -> list[BaseException]:
        """Do what threads ask for until all of these are through; give what went wrong."""
        while self.running:
            self._desk.serve()
        return self.errors

    def _hand(self, do: Callable[[], Any]) -> Future[Any]:
        return self._desk.ask(self, do)

    def _work(self, share: _Share, breaker: CallsBreaker, places: threading.Semaphore) -> None:
        try:
            with places:
                share.work(breaker)
        except BaseException as error:  # noqa: BLE001  (told with the others)
            self.errors.append(error)
        finally:
            # A call to Tieline itself has opened one in this thread.
            connections.close_all()
            self._desk.ask(self, None)
