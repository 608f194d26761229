"""A connection's breaker for threads that have no database: what needs one is done by the thread that has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from outbound.breaker import Breaker, Permit


# Takes something to do, and gives what will become of it.
Hand = Callable[[Callable[[], Any]], "Future[Any]"]


class RelayedBreaker:
    """See `outbound.breaker.CallsBreaker`. Nothing is handed over while the breaker is known to be closed and well."""

    def __init__(self, breaker: Breaker, hand: Hand) -> None:
        self._breaker = breaker
        self._hand = hand

    def admit(self, *, at: dt.datetime, hold_seconds: float) -> Permit:
        """Let a call through; see `Breaker.admit`."""
        if self._breaker.is_known_closed(at=at):
            return Permit()
        permit: Permit = self._hand(lambda: self._breaker.admit(at=at, hold_seconds=hold_seconds)).result()
        return permit

    def succeeded(self, permit: Permit, *, at: dt.datetime) -> None:
        """Record that the target answered."""
        if not self._breaker.is_told_of_success(permit, at=at):
            self._hand(lambda: self._breaker.succeeded(permit, at=at))

    def failed(self, permit: Permit, *, at: dt.datetime, reason: str) -> None:
        """Record that the target failed."""
        self._hand(lambda: self._breaker.failed(permit, at=at, reason=reason))

    def refused_credentials(self, permit: Permit, *, at: dt.datetime, reason: str) -> None:
        """Record that the target refused who calls."""
        self._hand(lambda: self._breaker.refused_credentials(permit, at=at, reason=reason))

    def release(self, permit: Permit) -> None:
        """Give a permit back unused."""
        if permit.probe is not None:
            self._hand(lambda: self._breaker.release(permit))
