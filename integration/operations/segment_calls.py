"""
The calls of a worker's segments: side by side, each in a thread of the worker that has no database.

The worker itself does what their circuit breakers need, while it waits for answers. Threads are made as they are
needed, and serve one segment after the other.
"""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import structlog
from django.db import connections

from integration.flows.file_batches import BatchFileFlow, Begun
from outbound.breaker import CallsBreaker
from outbound.relayed_breaker import RelayedBreaker
from outbound.transports import base, rest


logger = structlog.get_logger(__name__)

Key = TypeVar("Key")

# Answers that come soon after the first are settled with it: within a part of the time that its call took, or at most
# these seconds.
_GATHERED_PART = 0.25
_GATHERED_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Through(Generic[Key]):
    """A call that is through: what the flow gave, or the defect that it ended in."""

    key: Key
    begun: Begun
    seconds: float
    answer: Any = None
    defect: Exception | None = None


class Calls(Generic[Key]):
    """Calls that are out, as a context manager; in the end it waits for those that still are."""

    def __init__(self, flow: BatchFileFlow) -> None:
        self._flow = flow
        self.out = 0
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[tuple[Key, Begun] | None] = queue.SimpleQueue()
        self._desk: queue.SimpleQueue[Through[Key] | tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self.out:
            self._next(None)
        for _each in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def make(self, key: Key, begun: Begun) -> None:
        """Let the call of a segment go out."""
        self.out += 1
        self._waiting.put((key, begun))
        if len(self._threads) < self.out:
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(self._work,), daemon=True, name="segment")
            self._threads.append(thread)
            thread.start()

    def answered(self) -> list[Through[Key]]:
        """Wait for calls, and give those that are through at about the same time."""
        through: list[Through[Key]] = []
        until: float | None = None
        while self.out:
            left = None if until is None else max(until - time.monotonic(), 0.0)
            found = self._next(left)
            if found is None:
                if until is not None and time.monotonic() >= until:
                    break
                continue
            through.append(found)
            if until is None:
                until = time.monotonic() + min(_GATHERED_PART * found.seconds, _GATHERED_SECONDS)
        return through

    def _next(self, seconds: float | None) -> Through[Key] | None:
        """Give a call that is through, or do what a thread asks for; None when it was that, or nothing in time."""
        try:
            found = self._desk.get(timeout=seconds) if seconds else self._desk.get(block=seconds is None)
        except queue.Empty:
            return None
        if isinstance(found, Through):
            self.out -= 1
            return found
        do, future = found
        try:
            future.set_result(do())
        except Exception as error:
            # Who waits for it hears of it; what a breaker is told after a call is told by nobody else.
            if not isinstance(error, base.TransportError):
                logger.exception("breaker_of_segments_failed")
            future.set_exception(error)
        return None

    def _hand(self, do: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._desk.put((do, future))
        return future

    def _work(self) -> None:
        try:
            while (taken := self._waiting.get()) is not None:
                self._desk.put(self._called(*taken))
        finally:
            # A call to Tieline itself has opened one in this thread.
            connections.close_all()

    def _called(self, key: Key, begun: Begun) -> Through[Key]:
        began = time.monotonic()
        client = _Client(begun.client, RelayedBreaker(begun.client.breaker, self._hand))
        try:
            answer = self._flow.call(begun, client)
        except Exception as error:  # noqa: BLE001  (told as the segment's fault)
            return Through(key=key, begun=begun, seconds=time.monotonic() - began, defect=error)
        return Through(key=key, begun=begun, seconds=time.monotonic() - began, answer=answer)


class _Client:
    """A connection's client for a thread without a database."""

    def __init__(self, client: rest.RestClient, breaker: CallsBreaker) -> None:
        self._client = client
        self._breaker = breaker

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> base.Answer:
        return self._client.request(
            method, path, body=body, headers=headers, idempotency_key=idempotency_key, breaker=self._breaker
        )
