"""
Delivering messages: batches of what is due, from the reservation to what became of the calls (`house.md` D4).

What is called at once goes through the tables in three steps, each a few statements whatever its size: messages are
taken and their tries noted, the calls are made, their outcomes are written. While calls are out, the tries after them
begin and the outcomes of those before are written: a target that takes its time does not wait for the tables. A worker
that dies in between leaves tries that have begun, which `message_recovery` takes back; the receiver knows a repetition
by its Idempotency-Key.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

import structlog

from foundation import leases
from outbound import message_queries
from outbound.models import OutboundMessage
from outbound.operations import message_calls, message_holds, message_outcomes, message_targets
from outbound.operations.message_claims import (
    Begun,
    MessageNotDue,
    Reservation,
    Try,
    begin_due,
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
    with _Delivery(clock=clock, rng=rng) as delivery:
        delivery.take(reserved, at=at)
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
    more = message_queries.are_due(more_than=limit - 1, at=at, zone=zone)
    with _Delivery(clock=clock, rng=rng) as delivery:
        delivery.take_due(at=at, limit=limit, zone=zone)
    if more:
        wake_batch(zone=zone or "")
    return delivery.done


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
    began = clock()
    shared = False
    with _Delivery(clock=clock, rng=rng) as delivery:
        if first is not None:
            reserved = reserve(at=began, message_pk=first)
            if not reserved:
                raise MessageNotDue(f"Message {first} is not due, waits for another, or a worker holds it.")
            delivery.take(reserved, at=began)
        while (at := clock()) - began <= dt.timedelta(seconds=BATCH_SECONDS):
            if not shared and message_queries.are_due(more_than=limit - 1, at=at, zone=zone):
                wake_batch(zone=zone)
                shared = True
            if not delivery.take_due(at=at, limit=limit, zone=zone) and not delivery.finish():
                return delivery.done
    wake_batch(zone=zone)
    return delivery.done


class _Delivery:
    """
    What a worker has in hand, one batch after the other, and the calls that are out.

    Batches join without a gap: the calls of one are still out when the next is reserved. As a context manager it keeps
    the leases meanwhile, and waits for what is out in the end.

    :ivar done: how many messages were tried or settled.
    """

    def __init__(self, *, clock: Clock, rng: Callable[[], float]) -> None:
        self.done = 0
        self._clock = clock
        # The batch in hand and the one before, whose last calls may be out still.
        self._tokens: deque[uuid.UUID] = deque(maxlen=2)
        self._calls = _Calls(clock=clock, rng=rng)
        self._routes: message_targets.Routes | None = None
        self._kept = leases.kept(self._renew)

    def __enter__(self) -> Self:
        self._kept.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            # What is out has an outcome, whatever happened here.
            self.finish()
        finally:
            self._calls.close()
            self._kept.__exit__(None, None, None)

    def take(self, reserved: Sequence[Reservation], *, at: dt.datetime) -> None:
        """Deliver reserved messages, a few seconds' worth of calls at a time; the last of them may be out after it."""
        if not reserved:
            return
        self._tokens.append(reserved[0].token)
        waiting, now = list(reserved), at
        try:
            while waiting:
                if len(waiting) < len(reserved):
                    now = self._clock()
                if (now - at).total_seconds() > BATCH_SECONDS:
                    break
                chunk = _chunk(waiting, self._calls.pace)
                waiting = waiting[len(chunk) :]
                waiting += self._begin(chunk, at=now)
        finally:
            put_back(waiting)

    def take_due(self, *, at: dt.datetime, limit: int, zone: str | None) -> int:
        """Deliver messages that are due, as many as suit their targets at a time; give how many were taken."""
        taken, now = 0, at
        while taken < limit and (now - at).total_seconds() <= BATCH_SECONDS:
            begun = begin_due(
                at=now, limit=min(self._calls.pace, limit - taken), zone=zone, routes=self._fresh_routes(at=now)
            )
            if begun.tries:
                self._tokens.append(begun.tries[0].token)
            elif not (begun.held or begun.ended or begun.later):
                break
            taken += len(begun.tries) + len(begun.held) + len(begun.ended)
            self._follow(begun, at=now)
            now = self._clock()
        return taken

    def finish(self) -> int:
        """Wait for the calls that are out; give how many were made."""
        made = self._calls.end()
        self.done += made
        return made

    def _begin(self, chunk: Sequence[Reservation], *, at: dt.datetime) -> list[Reservation]:
        """Begin the tries of a chunk, and let their calls go out; give those that wait for a probe."""
        begun = begin_many(chunk, at=at, routes=self._fresh_routes(at=at))
        put_back(reservation for reservation, _ in begun.held)
        self._follow(begun, at=at)
        return begun.later

    def _fresh_routes(self, *, at: dt.datetime) -> message_targets.Routes:
        if self._routes is None or not self._calls.well or not self._routes.are_good(at=at):
            self._routes = message_targets.Routes(at=at)
        return self._routes

    def _follow(self, begun: Begun, *, at: dt.datetime) -> None:
        """Hold what has to wait, and let the calls of what has begun go out."""
        _hold(begun, at=at)
        for reservation, reason in begun.ended:
            logger.info("message_ended", message=reservation.message_pk, reason=reason)
        self.done += len(begun.held) + len(begun.ended)
        self.done += self._calls.follow(begun.tries, start_by=at + dt.timedelta(seconds=BATCH_SECONDS))
        if len(begun.tries) == 1 or begun.later:
            # What comes next depends on what becomes of this one.
            self.finish()

    def _renew(self) -> None:
        for token in tuple(self._tokens):
            renew(token, at=self._clock())


class _Calls:
    """
    Calls that are out; their outcomes are written once all of them are through, while those after them are out.

    :ivar pace: how many tries are begun together; a first one shows how fast its target is.
    :ivar well: whether all of the last calls whose outcomes were written were answered.
    """

    def __init__(self, *, clock: Clock, rng: Callable[[], float]) -> None:
        self.pace = 1
        self.well = True
        self._clock = clock
        self._rng = rng
        self._desk = message_calls.Desk()
        self._out: message_calls.UnderWay | None = None

    def follow(self, tries: Sequence[Try], *, start_by: dt.datetime) -> int:
        """Let these calls go out as those before come back; give how many of those were made."""
        before, self._out = self._out, None
        # The calls of a target that answers at once are made here, and have to be through before others are out.
        through = before.finish() if before is not None and before.waits else None
        if tries:
            self._out = message_calls.UnderWay(tries, desk=self._desk, clock=self._clock, start_by=start_by)
        if before is None:
            return 0
        calls, defects = through or before.finish()
        self.well = not defects and all(called.answer is not None for called in calls)
        done = message_outcomes.write(calls, rng=self._rng)
        if defects:
            raise defects[0]
        self.pace = before.pace()
        return done

    def end(self) -> int:
        """Wait for the calls that are out; give how many were made."""
        return self.follow((), start_by=self._clock())

    def close(self) -> None:
        """Need no threads any more."""
        self._desk.crew.dismiss()


def _chunk(waiting: Sequence[Reservation], size: int) -> list[Reservation]:
    """Give the next ones that begin together; one that a worker disappeared with goes by itself."""
    chunk: list[Reservation] = []
    for reservation in waiting[:size]:
        if reservation.alone:
            return chunk or [reservation]
        chunk.append(reservation)
    return chunk


def _hold(begun: Begun, *, at: dt.datetime) -> None:
    # All of one type and system have the same reason, and holding one holds all that are due.
    for reservation, held in {id(held): (reservation, held) for reservation, held in begun.held}.values():
        message_holds.hold_due(reservation.message_pk, held, at=at)
