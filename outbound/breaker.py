"""
The circuit breaker of a connection, shared by all processes through its ConnectionHealth row (`house.md` D3).

CLOSED lets everything through. BREAKER_FAILURES failures in a row, or one refusal of the credentials, OPEN it for
BREAKER_RESET_SECONDS. Then one call is let through as a probe (HALF_OPEN), on a lease, so that a worker that dies
with it blocks nothing for longer. Its success closes the breaker, its failure opens it anew.

Every change is one conditional UPDATE, so that of many processes exactly one makes it. Nobody holds a lock during
a call. In the happy path nothing is written but a time stamp, and nothing is read more often than once a second.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Protocol

import structlog
from django.db.models import F, Q, QuerySet

from outbound import queries
from outbound.choices import BreakerState
from outbound.events import breaker_changed
from outbound.models import ConnectionHealth
from outbound.texts import storable
from outbound.transports.base import CircuitOpen


logger = structlog.get_logger(__name__)

FRESH = dt.timedelta(seconds=1)
SUCCESS_STAMP_EVERY = dt.timedelta(seconds=30)
_REASON_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; `probe` is the token of the one call of a half-open breaker."""

    probe: uuid.UUID | None = None
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    at: dt.datetime
    failures: int
    last_success_at: dt.datetime | None


class CallsBreaker(Protocol):
    """What a call asks of a breaker, and tells it."""

    def admit(self, *, at: dt.datetime, hold_seconds: float) -> Permit:
        """Let a call through, or raise CircuitOpen."""

    def succeeded(self, permit: Permit, *, at: dt.datetime) -> None:
        """Hear that the target answered."""

    def failed(self, permit: Permit, *, at: dt.datetime, reason: str) -> None:
        """Hear that the target failed."""

    def refused_credentials(self, permit: Permit, *, at: dt.datetime, reason: str) -> None:
        """Hear that the target refused who calls."""

    def release(self, permit: Permit) -> None:
        """Take a permit back unused."""


class Breaker:
    """The breaker of one connection as one process sees it; threads may share it."""

    def __init__(self, *, connection_id: int | None, name: str) -> None:
        self._connection_id = connection_id
        self._name = name
        self._closed: _Seen | None = None

    def admit(self, *, at: dt.datetime, hold_seconds: float) -> Permit:
        """
        Let a call through.

        :param hold_seconds: how long the call can last at most; the lease of a probe.
        :raises CircuitOpen: when the breaker is open, or another call is probing.
        """
        if self.is_known_closed(at=at):
            return Permit()
        health = self._row()
        if health is None or health.state == BreakerState.CLOSED:
            self._closed = _Seen(
                at,
                health.consecutive_failures if health else 0,
                health.last_success_at if health else None,
            )
            return Permit()
        self._closed = None
        return self._probe(health, at, hold_seconds)

    def is_known_closed(self, *, at: dt.datetime) -> bool:
        """Whether a call may go without a look at the row: it was closed a moment ago."""
        seen = self._closed
        return seen is not None and dt.timedelta(0) <= at - seen.at < FRESH

    def is_told_of_success(self, permit: Permit, *, at: dt.datetime) -> bool:
        """Whether the row says already what a success of this call would say."""
        seen = self._closed
        return (
            not permit.by_hand
            and permit.probe is None
            and seen is not None
            and not seen.failures
            and seen.last_success_at is not None
            and at - seen.last_success_at < SUCCESS_STAMP_EVERY
        )

    def admit_by_hand(self, *, at: dt.datetime) -> Permit:
        """Let a person's test through, whatever the state; see `succeeded` for what its success does."""
        self._closed = None
        return Permit(by_hand=True)

    def succeeded(self, permit: Permit, *, at: dt.datetime) -> None:
        """Record that the target answered; a probe's or a person's success closes the breaker."""
        if permit.by_hand or permit.probe is not None:
            self._close(permit, at)
            return
        if not self.is_told_of_success(permit, at=at):
            seen = self._closed
            self._rows().filter(state=BreakerState.CLOSED).update(consecutive_failures=0, last_success_at=at)
            self._closed = _Seen(seen.at if seen else at, 0, at)

    def failed(self, permit: Permit, *, at: dt.datetime, reason: str) -> None:
        """Record that the target failed; the last failure of the allowed number opens the breaker."""
        self._closed = None
        facts = {"last_failure_at": at, "last_error": storable(reason[:_REASON_LENGTH])}
        if permit.probe is not None:
            self._open(self._rows().filter(state=BreakerState.HALF_OPEN, probe_token=permit.probe), at, reason)
            return
        if permit.by_hand:
            self._rows().update(**facts)
            return
        closed = self._rows().filter(state=BreakerState.CLOSED)
        if closed.update(consecutive_failures=F("consecutive_failures") + 1, **facts):
            threshold = int(queries.parameter("BREAKER_FAILURES"))
            self._open(closed.filter(consecutive_failures__gte=threshold), at, reason)

    def refused_credentials(self, permit: Permit, *, at: dt.datetime, reason: str) -> None:
        """
        Record that the target refused who calls: the connection pauses at once (`reliability.md` P4).

        A person's test pauses nothing: it may have asked for a path that nobody may see.
        """
        self._closed = None
        words = f"The target refused the credentials ({reason})."
        if permit.by_hand:
            self._rows().update(last_failure_at=at, last_error=storable(words[:_REASON_LENGTH]))
            return
        state = BreakerState.CLOSED if permit.probe is None else BreakerState.HALF_OPEN
        self._open(self._rows().filter(state=state, probe_token=permit.probe), at, words, credentials=True)

    def release(self, permit: Permit) -> None:
        """Give a permit back unused: the call ended for a reason that says nothing about the target."""
        if permit.probe is not None:
            self._rows().filter(state=BreakerState.HALF_OPEN, probe_token=permit.probe).update(
                state=BreakerState.OPEN, probe_token=None, probe_until=None
            )

    def _rows(self) -> QuerySet[ConnectionHealth]:
        return ConnectionHealth.objects.filter(connection_id=self._connection_id or 0)

    def _row(self) -> ConnectionHealth | None:
        if self._connection_id is None:
            return None
        return self._rows().first()

    def _probe(self, health: ConnectionHealth, at: dt.datetime, hold_seconds: float) -> Permit:
        reset = dt.timedelta(seconds=float(queries.parameter("BREAKER_RESET_SECONDS")))
        token = uuid.uuid4()
        due = Q(state=BreakerState.OPEN, opened_at__lte=at - reset) | Q(
            state=BreakerState.HALF_OPEN, probe_until__lte=at
        )
        won = (
            self._rows()
            .filter(due)
            .update(
                state=BreakerState.HALF_OPEN, probe_token=token, probe_until=at + dt.timedelta(seconds=hold_seconds)
            )
        )
        if won:
            logger.info("breaker_probe", connection=self._name)
            return Permit(probe=token)
        ends = (health.opened_at or at) + reset
        if health.state == BreakerState.HALF_OPEN:
            ends = at + min(reset, max((health.probe_until or at) - at, dt.timedelta(0)))
        retry_after = max((ends - at).total_seconds(), 0.1)
        why = "refused its credentials" if health.credentials_refused else "failed several times in a row"
        raise CircuitOpen(
            f"Connection {self._name} is held back: its target {why} ({health.last_error}). "
            f"The next try is in {retry_after:.0f} s.",
            retry_after=retry_after,
        )

    def _open(
        self, rows: QuerySet[ConnectionHealth], at: dt.datetime, reason: str, *, credentials: bool = False
    ) -> None:
        moved = rows.update(
            state=BreakerState.OPEN,
            opened_at=at,
            probe_token=None,
            probe_until=None,
            credentials_refused=credentials,
            last_failure_at=at,
            last_error=storable(reason[:_REASON_LENGTH]),
        )
        if moved:
            logger.warning("breaker_opened", connection=self._name, reason=reason, credentials=credentials)
            self._tell(BreakerState.OPEN, at, reason, credentials)

    def _close(self, permit: Permit, at: dt.datetime) -> None:
        rows = self._rows()
        if permit.probe is not None:
            rows = rows.filter(state=BreakerState.HALF_OPEN, probe_token=permit.probe)
        fresh = {
            "state": BreakerState.CLOSED,
            "consecutive_failures": 0,
            "opened_at": None,
            "probe_token": None,
            "probe_until": None,
            "credentials_refused": False,
            "last_success_at": at,
        }
        if rows.exclude(state=BreakerState.CLOSED).update(**fresh):
            logger.info("breaker_closed", connection=self._name)
            self._tell(BreakerState.CLOSED, at, "", credentials=False)
        else:
            rows.filter(state=BreakerState.CLOSED).update(consecutive_failures=0, last_success_at=at)

    def _tell(self, state: BreakerState, at: dt.datetime, reason: str, credentials: bool) -> None:
        breaker_changed.send(
            sender=Breaker, name=self._name, state=state, reason=reason, credentials=credentials, at=at
        )
