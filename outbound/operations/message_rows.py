"""Messages as a worker has them in hand: what a delivery needs of a row, and none of the rest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BinaryField, ExpressionWrapper, F, QuerySet, TextField

from outbound.models import ExternalSystem, OutboundMessage, OutboundMessageType


@dataclass(slots=True, kw_only=True)
class MessageInHand:
    """
    A message as it was when its try was about to begin.

    `kept_payload` and `kept_headers` are as stored, still encrypted: a secret that cannot be decrypted spoils its own
    message and no other.
    """

    pk: int
    message_id: str
    message_type: OutboundMessageType
    external_system: ExternalSystem
    key: str
    method: str
    path: str
    media_type: str
    context: Mapping[str, Any]
    status: str
    num_retries: int
    recoveries: int
    asked_for: bool
    correlation_id: str
    traceparent: str
    kept_payload: bytes = field(repr=False)
    kept_headers: str = field(repr=False)

    @property
    def message_type_id(self) -> int:
        """The key of its type."""
        return self.message_type.pk

    @property
    def external_system_id(self) -> int:
        """The key of its system."""
        return self.external_system.pk

    def ended(self, facts: Mapping[str, Any]) -> OutboundMessage:
        """Give the row as it is with what has been written to it; what is not in hand is read when it is asked for."""
        written = {
            "id": self.pk,
            "message_id": self.message_id,
            "message_type_id": self.message_type.pk,
            "external_system_id": self.external_system.pk,
            "key": self.key,
            "method": self.method,
            "path": self.path,
            "media_type": self.media_type,
            "context": self.context,
            "correlation_id": self.correlation_id,
            "traceparent": self.traceparent,
            **{name: value for name, value in facts.items() if name != "answer"},
        }
        names = [name for name in _ALL_COLUMNS if name in written]
        row = OutboundMessage.from_db(None, names, [written[name] for name in names])
        row.message_type, row.external_system = self.message_type, self.external_system
        return row


# Either of them tells its type, its system and its key.
Message = OutboundMessage | MessageInHand

_ALL_COLUMNS = [str(column.attname) for column in OutboundMessage._meta.concrete_fields]
_COLUMNS = (
    "pk",
    "message_id",
    "key",
    "method",
    "path",
    "media_type",
    "status",
    "num_retries",
    "recoveries",
    "asked_for",
    "correlation_id",
    "traceparent",
)


def in_hand(message_pks: Iterable[int], token: uuid.UUID, *, setup: KindsAndSystems) -> dict[int, MessageInHand]:
    """Give the messages that are still held with this token, by their keys."""
    held = OutboundMessage.objects.filter(pk__any_of=message_pks, lease_token=token).order_by()
    return {message.pk: message for message in read_in_hand(held, setup=setup)}


def read_in_hand(messages: QuerySet[OutboundMessage], *, setup: KindsAndSystems) -> list[MessageInHand]:
    """Give messages in their order, as a delivery needs them."""
    found = messages.annotate(
        kept_payload=ExpressionWrapper(F("payload"), output_field=BinaryField()),
        kept_headers=ExpressionWrapper(F("headers"), output_field=TextField()),
        kept_context=ExpressionWrapper(F("context"), output_field=TextField()),
    ).values_list("message_type_id", "external_system_id", "kept_payload", "kept_headers", "kept_context", *_COLUMNS)
    rows = list(found)
    setup.know({row[0] for row in rows}, {row[1] for row in rows})
    return [
        MessageInHand(
            message_type=setup.kind(kind),
            external_system=setup.system(system),
            kept_payload=bytes(payload),
            kept_headers=headers,
            context={} if context == "{}" else json.loads(context),
            **dict(zip(_COLUMNS, columns, strict=True)),
        )
        for kind, system, payload, headers, context, *columns in rows
    ]


class KindsAndSystems:
    """Message types and external systems with their senders and connections, each read once."""

    def __init__(self) -> None:
        self._kinds: dict[int, OutboundMessageType] = {}
        self._systems: dict[int, ExternalSystem] = {}

    def know(self, kinds: set[int], systems: set[int]) -> None:
        """Read those that are not known yet."""
        if unknown := kinds - self._kinds.keys():
            self._kinds |= OutboundMessageType.objects.select_related("sender__connection").in_bulk(unknown)
        if unknown := systems - self._systems.keys():
            rows = ExternalSystem.objects.select_related("sender__connection", "connection")
            self._systems |= rows.in_bulk(unknown)

    def kind(self, pk: int) -> OutboundMessageType:
        """Give a type that is known."""
        return self._kinds[pk]

    def system(self, pk: int) -> ExternalSystem:
        """Give a system that is known."""
        return self._systems[pk]
