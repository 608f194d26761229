"""
Delivering messages: batches of what is due, from the reservation to what became of the calls (`house.md` D4).

A batch goes through the tables in three steps, each a few statements whatever its size: the tries are noted, the calls
are made, their outcomes are written. A worker that dies in between leaves reservations or tries that have begun, which
`message_recovery` takes back; the receiver knows a repetition by its Idempotency-Key.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from foundation import leases
from outbound import message_queries
from outbound.models import OutboundMessage
from outbound.operations import message_calls, message_holds, message_outcomes
from outbound.operations.message_claims import (
    Begun,
    MessageNotDue,
    Reservation,
    Try,
    begin_many,
    put_back,
    renew,
    reserve,
)
from outbound.operations.messages import wake_batch


logger = structlog.get_logger(__name__)

BATCH_SIZE = 200
# A worker stops taking more of its batch after this long; what is left goes back.
BATCH_SECONDS = 20.0

Clock = Callable[[], dt.datetime]


def deliver(
    *, message_pk: int, at: dt.datetime, clock: Clock, rng: Callable[[], float] = random.random
) -> OutboundMessage:
    """
    Try to deliver one message now and record how that ended.

    :param clock: gives the time after the call, for the outcome.
    :raises MessageNotDue: when there is nothing to do.
    """
    reserved = reserve(at=at, message_pk=message_pk)
    if not reserved:
        raise MessageNotDue(f"Message {message_pk} is not due, waits for another, or a worker holds it.")
    _deliver(reserved, at=at, clock=clock, rng=rng, pace=_Pace())
    return message_queries.message(message_pk=message_pk)


def deliver_due(
    *,
    at: dt.datetime,
    clock: Clock,
    zone: str | None = "",
    limit: int = BATCH_SIZE,
    rng: Callable[[], float] = random.random,
) -> int:
    """
    Take a batch of due messages and deliver them; give how many were tried or settled.

    When more are due than fit, another worker is woken for them.
    """
    reserved = reserve(at=at, limit=limit, zone=zone)
    done = _deliver(reserved, at=at, clock=clock, rng=rng, pace=_Pace())
    if len(reserved) == limit:
        wake_batch(zone=zone or "")
    return done


def drain(
    *,
    clock: Clock,
    zone: str = "",
    first: int | None = None,
    limit: int = BATCH_SIZE,
    rng: Callable[[], float] = random.random,
) -> int:
    """
    Deliver batches until nothing is due any more, or others should have a turn; give how many were tried or settled.

    A second worker is woken when there is more than a batch.

    :param first: a message that this worker was woken for; when it is not due, nothing is done.
    """
    began, pace = clock(), _Pace()
    done = 0
    if first is not None:
        reserved = reserve(at=began, message_pk=first)
        if not reserved:
            raise MessageNotDue(f"Message {first} is not due, waits for another, or a worker holds it.")
        done += _deliver(reserved, at=began, clock=clock, rng=rng, pace=pace)
    shared = False
    while True:
        at = clock()
        if (at - began).total_seconds() > BATCH_SECONDS:
            wake_batch(zone=zone)
            return done
        reserved = reserve(at=at, limit=limit, zone=zone)
        if not reserved:
            return done
        if len(reserved) == limit and not shared:
            wake_batch(zone=zone)
            shared = True
        done += _deliver(reserved, at=at, clock=clock, rng=rng, pace=pace)


@dataclass(slots=True)
class _Pace:
    """How many tries are begun together; a first one shows how fast its target is."""

    size: int = 1


def _deliver(
    reserved: Sequence[Reservation], *, at: dt.datetime, clock: Clock, rng: Callable[[], float], pace: _Pace
) -> int:
    """Deliver what is in this worker's hands, and keep it there meanwhile."""
    if not reserved:
        return 0
    (token,) = {reservation.token for reservation in reserved}
    with leases.kept(lambda: renew(token, at=clock())):
        return _deliver_held(reserved, at=at, clock=clock, rng=rng, pace=pace)


def _deliver_held(
    reserved: Sequence[Reservation], *, at: dt.datetime, clock: Clock, rng: Callable[[], float], pace: _Pace
) -> int:
    """Make a few seconds' worth of calls at a time; the next tries begin while the calls before are out."""
    waiting = list(reserved)
    calls = _Calls(clock=clock, rng=rng, pace=pace)
    done, now = 0, at
    try:
        while waiting:
            if len(waiting) < len(reserved):
                now = clock()
            if (now - at).total_seconds() > BATCH_SECONDS:
                put_back(waiting)
                break
            chunk = _chunk(waiting, pace.size)
            waiting = waiting[len(chunk) :]
            begun = begin_many(chunk, at=now)
            waiting += begun.later
            _hold(begun, at=now)
            for reservation, reason in begun.ended:
                logger.info("message_ended", message=reservation.message_pk, reason=reason)
            done += len(begun.held) + len(begun.ended)
            done += calls.follow(begun.tries, start_by=now + dt.timedelta(seconds=BATCH_SECONDS))
            if len(begun.tries) == 1 or begun.later:
                # What comes next depends on what becomes of this one.
                done += calls.end()
        return done + calls.end()
    except BaseException:
        # What is out has an outcome, whatever happened here.
        calls.end()
        put_back(waiting)
        raise


@dataclass(slots=True)
class _Calls:
    """Calls that are out; their outcomes are written once all of them are through, while those after them are out."""

    clock: Clock
    rng: Callable[[], float]
    pace: _Pace
    _out: message_calls.UnderWay | None = None

    def follow(self, tries: Sequence[Try], *, start_by: dt.datetime) -> int:
        """Let these calls go out as soon as the ones before are through; give how many of those were made."""
        before, self._out = self._out, None
        through = None if before is None else before.finish()
        if tries:
            self._out = message_calls.UnderWay(tries, clock=self.clock, start_by=start_by)
        return 0 if before is None or through is None else self._written(before, *through)

    def end(self) -> int:
        """Wait for the calls that are out; give how many were made."""
        return self.follow((), start_by=self.clock())

    def _written(
        self,
        before: message_calls.UnderWay,
        calls: Sequence[message_calls.Called],
        defects: Sequence[BaseException],
    ) -> int:
        done = message_outcomes.write(calls, rng=self.rng)
        if defects:
            raise defects[0]
        self.pace.size = before.pace()
        return done


def _chunk(waiting: Sequence[Reservation], size: int) -> list[Reservation]:
    """Give the next ones that begin together; one that a worker disappeared with goes by itself."""
    chunk: list[Reservation] = []
    for reservation in waiting[:size]:
        if reservation.alone:
            return chunk or [reservation]
        chunk.append(reservation)
    return chunk


def _hold(begun: Begun, *, at: dt.datetime) -> None:
    put_back(reservation for reservation, _ in begun.held)
    # All of one type and system have the same reason, and holding one holds all that are due.
    for reservation, held in {id(held): (reservation, held) for reservation, held in begun.held}.values():
        message_holds.hold_due(reservation.message_pk, held, at=at)
