"""The shapes of outbound messages (`api.md` 5): payloads are shown masked, headers and answers not at all."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outbound import masking, message_queries
from outbound.choices import AttemptOutcome, MessageAction, MessageMethod, MessageStatus
from outbound.models import OutboundMessage


class AttemptShape(serializers.Serializer[Any]):
    """One try."""

    number = serializers.IntegerField()
    retry = serializers.BooleanField(help_text="Whether it used one of the retries.")
    target = serializers.CharField()
    outcome = serializers.ChoiceField(choices=AttemptOutcome.choices)
    status = serializers.IntegerField(allow_null=True, help_text="HTTP status of the answer.")
    answer_excerpt = serializers.CharField()
    error = serializers.CharField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.DecimalField(max_digits=9, decimal_places=3, allow_null=True)


class InterventionShape(serializers.Serializer[Any]):
    """What a person did with it."""

    action = serializers.ChoiceField(choices=MessageAction.choices)
    status_before = serializers.CharField(help_text="One of the statuses of a message.")
    retries_before = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()


class OutboundMessageShape(serializers.Serializer[OutboundMessage]):
    """A message in a list."""

    id = serializers.IntegerField(source="pk")
    message_id = serializers.CharField()
    message_type = serializers.CharField(source="message_type.code")
    external_system = serializers.CharField(source="external_system.name")
    key = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()
    payload = serializers.SerializerMethodField(help_text="Masked.")
    status = serializers.ChoiceField(choices=MessageStatus.choices)
    num_retries = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    fault_type = serializers.CharField(help_text="TECHNICAL, REMOTE or BUSINESS; empty when there was no fault.")
    last_error = serializers.CharField()
    hold_reason = serializers.CharField(help_text="Why it is held back without using a retry.")
    created_at = serializers.DateTimeField()
    correlation_id = serializers.CharField(help_text="The id of the work that queued it, as in the logs.")
    sent_at = serializers.DateTimeField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)
    attempts = AttemptShape(many=True)

    @extend_schema_field(OpenApiTypes.ANY)
    def get_payload(self, message: OutboundMessage) -> Any:
        """Give the payload, masked."""
        return masking.masked_document(bytes(message.payload), media_type=message.media_type)


class OutboundMessageDetailShape(OutboundMessageShape):
    """A message with why it waits and what people did with it."""

    waits_because = serializers.SerializerMethodField()
    interventions = InterventionShape(many=True)

    def get_waits_because(self, message: OutboundMessage) -> str:
        """Give why it waits, empty when only for its time."""
        return message_queries.waits_because(message)


class NewMessageShape(serializers.Serializer[Any]):
    """A message to queue."""

    message_type = serializers.CharField(max_length=60, help_text="Code of the type.")
    external_system = serializers.CharField(max_length=60, help_text="Name of the system.")
    path = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    method = serializers.ChoiceField(
        choices=MessageMethod.choices, required=False, allow_blank=True, default="", help_text="Empty: the type's."
    )
    message_id = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", help_text="Empty: one is made."
    )
    key = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    not_before = serializers.DateTimeField(required=False, allow_null=True, default=None)
    context = serializers.DictField(  # type: ignore[assignment]
        required=False, default=dict, help_text="Values for {name} in the path."
    )
    payload = serializers.JSONField(help_text="Any JSON.")


class NewMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What NewMessageShape describes, read exactly: numbers of the payload stay as they are written."""

    message_type: str
    external_system: str
    payload: Any
    path: str = ""
    method: str = ""
    message_id: str = ""
    key: str = ""
    not_before: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    context: dict[str, Any] = {}


class MessageReasonShape(serializers.Serializer[Any]):
    """Why a person does something."""

    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
