"""
How fast and how wide a connection is used, per process. Plain Python with an injected clock.

The limits hold per process: two workers with a limit of 10 calls a second make up to 20.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from outbound.transports.base import ConnectionBusy


class TokenBucket:
    """
    Lets `rate` calls a second through, up to one second's worth at once.

    Times are seconds on the caller's monotonic clock.
    """

    def __init__(self, *, rate: float, clock: Callable[[], float]) -> None:
        if rate <= 0:
            raise ValueError(f"rate must be positive, not {rate}")
        self._rate = rate
        self._burst = max(1.0, rate)
        self._tokens = self._burst
        self._clock = clock
        self._filled_at = clock()
        self._lock = threading.Lock()

    def reserve(self, *, at_most: float) -> float | None:
        """Take the next place and give the seconds to wait for it; None, and no place, when that is over `at_most`."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + max(0.0, now - self._filled_at) * self._rate)
            self._filled_at = now
            wait = max(0.0, (1.0 - self._tokens) / self._rate)
            if wait > at_most:
                return None
            self._tokens -= 1.0
            return wait


class Limiter:
    """The places of one connection in this process: at most so many calls at once, at most so many a second."""

    def __init__(
        self,
        *,
        max_concurrency: int,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._places = threading.BoundedSemaphore(max_concurrency)
        self._bucket = TokenBucket(rate=rate, clock=clock) if rate else None
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def place(self, *, timeout: float) -> Iterator[None]:
        """
        Hold a place for the length of a call.

        :param timeout: seconds to wait for it at most.
        :raises ConnectionBusy: when there is none in time.
        """
        started = self._clock()
        if not self._places.acquire(timeout=max(timeout, 0.0)):
            raise ConnectionBusy(f"All places of the connection were taken for {timeout:g} s.")
        try:
            if self._bucket is not None:
                wait = self._bucket.reserve(at_most=timeout - (self._clock() - started))
                if wait is None:
                    raise ConnectionBusy("The connection's rate limit leaves no room before the deadline.")
                if wait > 0:
                    self._sleep(wait)
            yield
        finally:
            self._places.release()
