"""
Who works on a message: reservations with a lease token, and the start of tries (`reliability.md` Q1, Q4, Q11).

A worker takes what it calls at once: the lease, IN_PROGRESS, the used retries and the DeliveryAttempts are written in
one transaction, before any target is called. One message that a worker was woken for is reserved first, by a
conditional update. On PostgreSQL rows that others look at are skipped. The lease is short, and renewed while the
worker is at it. Only the holder of the token writes the outcome.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connections as databases
from django.db import router, transaction
from django.db.models import F, Max, QuerySet

from foundation.bulk_writes import insert_each
from foundation.leases import LEASE
from outbound import message_queries
from outbound.choices import TAKEABLE_MESSAGES, AttemptOutcome, MessageFault, MessageStatus
from outbound.models import DeliveryAttempt, OutboundMessage
from outbound.operations import message_targets
from outbound.operations.message_ends import settle
from outbound.operations.message_rows import MessageInHand, in_hand, read_in_hand
from outbound.texts import storable


class MessageNotDue(Exception):
    """The message is not waiting, not due yet, blocked by an earlier one, or another worker holds it."""


class MessageEnded(Exception):
    """The message came to its end without a call: its retries are used up, or no call can be made of it."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A message in a worker's hands; `alone`: a worker disappeared with it before, so nothing else shares its try."""

    message_pk: int
    token: uuid.UUID
    alone: bool = False


@dataclass(slots=True, kw_only=True)
class AttemptInHand:
    """The evidence of a try that has begun; `retry`: it used one of the retries."""

    pk: int
    retry: bool
    started_at: dt.datetime


@dataclass(slots=True, kw_only=True)
class Try:
    """A try that has begun: its message as it was before, and its evidence."""

    message: MessageInHand
    token: uuid.UUID
    attempt: AttemptInHand
    target: message_targets.Target


@dataclass(slots=True)
class Begun:
    """
    What became of reservations when their tries were to begin.

    `held`: their connection cannot be used now, nothing was noted. `ended`: they came to their end without a call.
    `later`: the breaker lets one call through to see how the target does; these wait for its outcome.
    """

    tries: list[Try] = field(default_factory=list)
    held: list[tuple[Reservation, message_targets.HeldBack]] = field(default_factory=list)
    ended: list[tuple[Reservation, str]] = field(default_factory=list)
    later: list[Reservation] = field(default_factory=list)


def reserve(
    *, at: dt.datetime, limit: int = 1, message_pk: int | None = None, zone: str | None = None
) -> list[Reservation]:
    """
    Take messages that are due, the longest due first; give those that were won.

    :param message_pk: only this one.
    :param zone: only messages whose connection lies in this zone; empty: in none.
    """
    token = uuid.uuid4()
    due = message_queries.due_messages(at=at)
    if message_pk is not None:
        due = due.filter(pk=message_pk)
    elif zone is not None:
        due = message_queries.in_zone(due, zone)
    skips_locked = databases[router.db_for_write(OutboundMessage)].features.has_select_for_update_skip_locked
    with transaction.atomic():
        if skips_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        wanted = dict(due.values_list("pk", "recoveries")[:limit])
        if not wanted:
            return []
        mine = OutboundMessage.objects.filter(pk__any_of=wanted)
        if not skips_locked:
            # Nothing holds them until here: another worker may have been faster.
            mine = mine.filter(
                pk__in=message_queries.due_messages(at=at).order_by().filter(pk__any_of=wanted).values("pk")
            )
        if mine.update(lease_token=token, lease_until=at + LEASE) < len(wanted):
            held = set(
                OutboundMessage.objects.filter(pk__any_of=wanted, lease_token=token).values_list("pk", flat=True)
            )
            wanted = {pk: recoveries for pk, recoveries in wanted.items() if pk in held}
        return [Reservation(pk, token, recoveries > 0) for pk, recoveries in wanted.items()]


def begin(reservation: Reservation, *, at: dt.datetime) -> Try:
    """
    Begin one try: note it, and give the call to make.

    :raises MessageNotDue: when the message is no longer in this worker's hands.
    :raises MessageEnded: when it came to its end instead.
    :raises HeldBack: when its connection cannot be used now; nothing was noted.
    """
    begun = begin_many([reservation], at=at)
    if begun.tries:
        return begun.tries[0]
    if begun.held:
        raise begun.held[0][1]
    if begun.ended:
        raise MessageEnded(begun.ended[0][1])
    raise MessageNotDue(f"Message {reservation.message_pk} is not in this worker's hands any more.")


def begin_many(
    reservations: Sequence[Reservation], *, at: dt.datetime, routes: message_targets.Routes | None = None
) -> Begun:
    """
    Begin tries of one worker's reservations: every one is noted, in one transaction, before any target is called.

    A message that is no longer in this worker's hands is left alone.

    :param routes: what was read a moment ago of the ways that messages go.
    """
    if not reservations:
        return Begun()
    (token,) = {reservation.token for reservation in reservations}
    routes = routes or message_targets.Routes(at=at)
    held = in_hand((reservation.message_pk for reservation in reservations), token, setup=routes)
    messages = [held[each.message_pk] for each in reservations if each.message_pk in held]
    begun, ready = _sorted_out(messages, routes, token=token, holder=token, at=at)
    if ready:
        with transaction.atomic():
            begun.tries = _noted(ready, token, mine=OutboundMessage.objects.filter(lease_token=token), at=at)
    return begun


def begin_due(
    *, at: dt.datetime, limit: int, zone: str | None = None, routes: message_targets.Routes | None = None
) -> Begun:
    """
    Take messages that are due, the longest due first, and begin their tries, all in one transaction.

    What cannot be called now is in nobody's hands afterwards. One that a worker disappeared with goes by itself.

    :param limit: how many at most.
    :param zone: only messages whose connection lies in this zone; empty: in none.
    :param routes: what was read a moment ago of the ways that messages go.
    """
    token = uuid.uuid4()
    routes = routes or message_targets.Routes(at=at)
    due = message_queries.due_messages(at=at)
    if zone is not None:
        due = message_queries.in_zone(due, zone)
    with transaction.atomic():
        if databases[router.db_for_write(OutboundMessage)].features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        messages = _together(read_in_hand(due[:limit], setup=routes))
        begun, ready = _sorted_out(messages, routes, token=token, holder=None, at=at)
        if ready:
            # Where nothing could be locked, another worker may have been faster.
            mine = OutboundMessage.objects.filter(
                lease_token=None, status__in=TAKEABLE_MESSAGES, next_attempt_at__lte=at
            )
            begun.tries = _noted(ready, token, mine=mine, at=at)
    return begun


def _together(messages: Sequence[MessageInHand]) -> Sequence[MessageInHand]:
    """Give the first ones that begin together."""
    for place, message in enumerate(messages):
        if message.recoveries:
            return messages[: max(place, 1)]
    return messages


def _sorted_out(
    messages: Sequence[MessageInHand],
    routes: message_targets.Routes,
    *,
    token: uuid.UUID,
    holder: uuid.UUID | None,
    at: dt.datetime,
) -> tuple[Begun, list[tuple[MessageInHand, message_targets.Target, bool]]]:
    """
    Give what is not tried now, and the others with their calls and whether they use a retry.

    :param holder: the token that the messages are held with at this moment.
    """
    begun = Begun()
    ready: list[tuple[MessageInHand, message_targets.Target, bool]] = []
    for message in messages:
        reservation = Reservation(message.pk, token, message.recoveries > 0)
        is_retry = message.status == MessageStatus.FAIL and not message.asked_for
        if is_retry and message.num_retries >= routes.max_retries(message.message_type):
            settle(message, token=holder, status=MessageStatus.FAIL, at=at)
            begun.ended.append((reservation, "Its retries are used up."))
            continue
        try:
            target = routes.target_of(message)
        except message_targets.HeldBack as held:
            begun.held.append((reservation, held))
        except message_targets.WaitsForProbe:
            begun.later.append(reservation)
        except message_targets.UnableToAddress as error:
            facts = {"fault_type": MessageFault.TECHNICAL, "last_error": storable(str(error))}
            settle(message, token=holder, status=MessageStatus.FAIL, at=at, **facts)
            begun.ended.append((reservation, str(error)))
        else:
            ready.append((message, target, is_retry))
    return begun, ready


def _noted(
    ready: Sequence[tuple[MessageInHand, message_targets.Target, bool]],
    token: uuid.UUID,
    *,
    mine: QuerySet[OutboundMessage],
    at: dt.datetime,
) -> list[Try]:
    """Write the lease, IN_PROGRESS, the used retries and the attempts; give the tries of those that are `mine`."""
    alike: dict[bool, list[int]] = {}
    for message, _, is_retry in ready:
        alike.setdefault(is_retry, []).append(message.pk)
    held: set[int] = set()
    for is_retry, ids in alike.items():
        started = mine.filter(pk__any_of=ids).update(
            status=MessageStatus.IN_PROGRESS,
            num_retries=F("num_retries") + (1 if is_retry else 0),
            asked_for=False,
            hold_reason="",
            held_by="",
            lease_token=token,
            lease_until=at + LEASE,
        )
        taken = OutboundMessage.objects.filter(pk__any_of=ids, lease_token=token)
        held.update(ids if started == len(ids) else taken.values_list("pk", flat=True))
    ready = [each for each in ready if each[0].pk in held]
    highest = dict(
        DeliveryAttempt.objects.filter(message__any_of=held)
        .order_by()
        .values_list("message_id")
        .annotate(highest=Max("number"))
    )
    attempts = insert_each(
        DeliveryAttempt,
        shared={"outcome": AttemptOutcome.STARTED, "answer_excerpt": "", "error": "", "started_at": at},
        names=("message", "number", "retry", "target"),
        rows=[
            (message.pk, highest.get(message.pk, 0) + 1, is_retry, storable(str(target))[:1200])
            for message, target, is_retry in ready
        ],
        by="message_id",
    )
    return [
        Try(
            message=message,
            token=token,
            attempt=AttemptInHand(pk=attempts[message.pk], retry=is_retry, started_at=at),
            target=target,
        )
        for message, target, is_retry in ready
    ]


def renew(token: uuid.UUID, *, at: dt.datetime) -> int:
    """Move the lease of everything that a worker has in hand forward; give of how many messages."""
    held = OutboundMessage.objects.filter(lease_token=token)
    if databases[router.db_for_write(OutboundMessage)].features.has_select_for_update_skip_locked:
        # What the worker writes at this moment needs no renewal, and must not wait for one that waits for it.
        held = held.select_for_update(skip_locked=True)
    with transaction.atomic():
        return OutboundMessage.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(
            lease_until=at + LEASE
        )


def put_back(reservations: Iterable[Reservation]) -> None:
    """Give reserved messages back untouched."""
    ids: dict[uuid.UUID, list[int]] = {}
    for reservation in reservations:
        ids.setdefault(reservation.token, []).append(reservation.message_pk)
    for token, mine in ids.items():
        OutboundMessage.objects.filter(pk__in=mine, lease_token=token).exclude(status=MessageStatus.IN_PROGRESS).update(
            lease_token=None, lease_until=None
        )


def call_off(tries: Iterable[Try]) -> None:
    """Put messages back as they were: their tries had begun, and their targets were not called."""
    alike: dict[tuple[uuid.UUID, str, int, bool], list[Try]] = {}
    for tried in tries:
        message = tried.message
        before = (tried.token, message.status, message.num_retries, message.asked_for)
        alike.setdefault(before, []).append(tried)
    for (token, status, retries, asked_for), mine in alike.items():
        with transaction.atomic():
            held = OutboundMessage.objects.filter(pk__in=[tried.message.pk for tried in mine], lease_token=token)
            kept = set(held.select_for_update().values_list("pk", flat=True))
            DeliveryAttempt.objects.filter(
                pk__in=[tried.attempt.pk for tried in mine if tried.message.pk in kept]
            ).delete()
            held.filter(pk__in=kept).update(
                status=status, num_retries=retries, asked_for=asked_for, lease_token=None, lease_until=None
            )
