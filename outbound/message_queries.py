"""What others read of the outbound message queue."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Exists, JSONField, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, JSONObject

from foundation.searching import found_by
from outbound import queries
from outbound.choices import TAKEABLE_MESSAGES, MessageStatus
from outbound.models import Connection, DeliveryAttempt, ExternalSystem, OutboundMessage, OutboundMessageType
from outbound.texts import storable


# Not at its end: waits for its first try or a retry, or is in a worker's hands.
UNFINISHED = Q(status=MessageStatus.IN_PROGRESS) | Q(status__in=TAKEABLE_MESSAGES, next_attempt_at__isnull=False)
_EARLIER = OutboundMessage.objects.filter(
    UNFINISHED,
    external_system=OuterRef("external_system"),
    key=OuterRef("key"),
    pk__lt=OuterRef("pk"),
    message_type__ordered=True,
    # Whoever asks has a key. Without this the index of the keys cannot be used, and every message that waits is read.
).exclude(key="")
# Counted for the rows of a page, where a join would count those of the whole table first.
_TRIES = (
    DeliveryAttempt.objects.filter(message=OuterRef("pk"))
    .order_by()
    .values("message")
    .annotate(n=Count("pk"))
    .values("n")
)
DEAD_LETTER = Q(status=MessageStatus.FAIL, next_attempt_at__isnull=True)


class UnknownMessage(LookupError):
    """No outbound message of this id exists."""


def due_messages(*, at: dt.datetime) -> QuerySet[OutboundMessage]:
    """
    Give the messages whose time has come and which no worker holds, the longest due first.

    One of an ordered type is not among them while an earlier one of its key and system is unfinished. Whether its
    connection can be used is found out, and noted with it, when its try begins.
    """
    waiting = OutboundMessage.objects.filter(
        status__in=TAKEABLE_MESSAGES, next_attempt_at__lte=at, lease_token__isnull=True
    )
    # No join, here and in the zones: with the messages alone the index of what is due gives them in their order, and
    # whoever takes the first of them reads no more than those.
    unordered = OutboundMessageType.objects.filter(ordered=False).order_by()
    in_order = Q(message_type__in=unordered.values("pk")) | Q(key="") | ~Exists(_EARLIER)
    return waiting.filter(in_order).order_by("next_attempt_at", "id")


def are_due(*, more_than: int, at: dt.datetime, zone: str | None = None) -> bool:
    """Whether more messages than this are due; `zone` as in `in_zone`, None: wherever their connections lie."""
    due = due_messages(at=at)
    if zone is not None:
        due = in_zone(due, zone)
    return bool(due.values_list("pk", flat=True)[more_than : more_than + 1])


def in_zone(messages: QuerySet[OutboundMessage], zone: str) -> QuerySet[OutboundMessage]:
    """Keep the messages whose connection lies in a zone; empty: in none."""
    # The connection is that of the type's sender, of the system's, of the system, or the one of the system's name.
    by_name = Connection.objects.filter(name=OuterRef("name")).values("zone")[:1]
    systems = (
        ExternalSystem.objects.annotate(
            zone=Coalesce("sender__connection__zone", "connection__zone", Subquery(by_name), Value(""))
        )
        .filter(zone=zone)
        .order_by()
    )
    types = OutboundMessageType.objects.order_by()
    by_type = types.filter(sender__connection__zone=zone)
    by_system = types.filter(sender__connection__isnull=True)
    return messages.filter(
        Q(message_type__in=by_type.values("pk"))
        | Q(message_type__in=by_system.values("pk"), external_system__in=systems.values("pk"))
    )


def with_types(messages: QuerySet[OutboundMessage]) -> list[OutboundMessage]:
    """Give messages with their types and systems, one object for all that have the same."""
    found = list(messages)
    if not found:
        return found
    kind_of = OutboundMessageType.objects.in_bulk({message.message_type_id for message in found})
    system_of = ExternalSystem.objects.in_bulk({message.external_system_id for message in found})
    for message in found:
        message.message_type = kind_of[message.message_type_id]
        message.external_system = system_of[message.external_system_id]
    return found


def blocking(message: OutboundMessage) -> OutboundMessage | None:
    """Give the unfinished message that an ordered one waits for; None when it waits for none."""
    if not message.key or not message.message_type.ordered:
        return None
    return (
        OutboundMessage.objects.filter(
            UNFINISHED,
            external_system_id=message.external_system_id,
            key=message.key,
            pk__lt=message.pk,
            message_type__ordered=True,
        )
        .select_related("message_type")
        .order_by("id")
        .first()
    )


def waits_because(message: OutboundMessage) -> str:
    """Give why a message waits, in words; empty when it does not, or only for its time."""
    if message.status not in TAKEABLE_MESSAGES or message.next_attempt_at is None:
        return ""
    # A list has it for all of its rows already.
    earlier = vars(message)["earlier"] if "earlier" in vars(message) else _facts_of(blocking(message))
    if earlier is not None:
        why = f": {earlier['error']}" if earlier["error"] else "."
        return (
            f"Waits for message {earlier['id']} ({earlier['type']}) of the same key {message.key}, "
            f"which is {MessageStatus(earlier['status']).label.lower()}{why}"
        )
    return message.hold_reason


def _facts_of(message: OutboundMessage | None) -> dict[str, str] | None:
    if message is None:
        return None
    return {
        "id": message.message_id,
        "type": message.message_type.code,
        "status": message.status,
        "error": message.last_error,
    }


def _with_earlier(messages: QuerySet[OutboundMessage]) -> QuerySet[OutboundMessage]:
    """Add to messages the facts of the unfinished one that each waits for, as `waits_because` tells them."""
    facts = JSONObject(id="message_id", type="message_type__code", status="status", error="last_error")
    first = _EARLIER.order_by("id").annotate(facts=facts).values("facts")[:1]
    waits = Q(message_type__ordered=True, next_attempt_at__isnull=False) & ~Q(key="")
    return messages.annotate(earlier=Case(When(waits, then=Subquery(first)), output_field=JSONField()))


def next_of_key(*, key: str, system_pk: int, after: int) -> OutboundMessage | None:
    """Give the first message of a key and system that waits behind an ordered one which has come to its end."""
    return (
        OutboundMessage.objects.filter(
            UNFINISHED,
            external_system_id=system_pk,
            key=key,
            message_type__ordered=True,
        )
        .exclude(pk=after)
        .select_related("external_system")
        .order_by("id")
        .first()
    )


def max_retries(kind: OutboundMessageType) -> int:
    """Give how often messages of a type are retried: its own number, else the parameter MAX_RETRIES."""
    return kind.max_retries if kind.max_retries is not None else int(queries.parameter("MAX_RETRIES"))


def untold_messages(*, before: dt.datetime, limit: int) -> list[int]:
    """Give the ids of messages that ended before a time and whose end was not told."""
    return list(
        OutboundMessage.objects.filter(told=False, settled_at__lte=before)
        .order_by("settled_at")
        .values_list("pk", flat=True)[:limit]
    )


def messages_for_display() -> QuerySet[OutboundMessage]:
    """Give messages with their type, system and number of attempts (`tries`); payloads and answers stay unread."""
    return _with_earlier(
        OutboundMessage.objects.select_related("message_type", "external_system")
        .defer("payload", "answer", "headers")
        .annotate(tries=Coalesce(Subquery(_TRIES), 0))
    )


def messages_for_api() -> QuerySet[OutboundMessage]:
    """Give messages with their type, system and attempts, the latest first; answers stay unread."""
    return _with_earlier(
        OutboundMessage.objects.select_related("message_type", "external_system")
        .prefetch_related("attempts")
        .defer("answer", "headers")
        .order_by("-id")
    )


def searched(messages: QuerySet[OutboundMessage], text: str) -> QuerySet[OutboundMessage]:
    """Keep the messages whose id or key begins with a text."""
    return messages.filter(search_condition(text)) if storable(text.strip()) else messages


def search_condition(text: str) -> Q:
    """
    Give the condition for messages whose id or key begins with a text, as it was typed or in capitals or without any.

    Each is found by an index of its own, which knows one case only.
    """
    wanted = storable(text.strip())
    # The index of keys begins with the system.
    with_key = OutboundMessage.objects.filter(external_system__in=ExternalSystem.objects.values("pk")).exclude(key="")
    return found_by(
        *(
            messages
            for typed in sorted({wanted, wanted.upper(), wanted.lower()})
            for messages in (
                OutboundMessage.objects.filter(message_id__startswith=typed),
                with_key.filter(key__startswith=typed),
            )
        )
    )


def message(*, message_pk: int) -> OutboundMessage:
    """
    Give one message with all that belongs to it.

    :raises UnknownMessage: when there is none of this id.
    """
    found = (
        OutboundMessage.objects.select_related("message_type", "external_system")
        .prefetch_related("attempts", "interventions")
        .filter(pk=message_pk)
        .first()
    )
    if found is None:
        raise UnknownMessage(f"There is no outbound message {message_pk}.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOfSystem:
    """The unsettled messages to one system; `oldest_due_at`: since when the longest due one could have left."""

    system: str
    waiting: int
    held: int
    in_progress: int
    dead: int
    oldest_due_at: dt.datetime | None


def queues_by_system(*, at: dt.datetime) -> list[QueueOfSystem]:
    """Sum up what has not been delivered, by system; those without any are there with zeros."""
    taken = Q(status=MessageStatus.IN_PROGRESS)
    held = UNFINISHED & ~taken & ~Q(hold_reason="")
    # Delivered ones are the many, and the index by status leaves them out.
    unsettled = OutboundMessage.objects.filter(status__in=[*TAKEABLE_MESSAGES, MessageStatus.IN_PROGRESS])
    counted: dict[int, tuple[Any, ...]] = {
        system: tuple(sums)
        for system, *sums in unsettled.order_by()
        .values_list("external_system")
        .annotate(
            waiting=Count("pk", filter=UNFINISHED & ~taken & Q(hold_reason="")),
            held=Count("pk", filter=held),
            in_progress=Count("pk", filter=taken),
            dead=Count("pk", filter=DEAD_LETTER),
            oldest_due_at=Min("next_attempt_at", filter=UNFINISHED & ~taken & Q(next_attempt_at__lte=at)),
        )
    }
    found = []
    for pk, name in ExternalSystem.objects.order_by("name").values_list("pk", "name"):
        waiting, held_back, in_progress, dead, oldest_due_at = counted.get(pk, (0, 0, 0, 0, None))
        found.append(
            QueueOfSystem(
                system=name,
                waiting=waiting,
                held=held_back,
                in_progress=in_progress,
                dead=dead,
                oldest_due_at=oldest_due_at,
            )
        )
    return found
