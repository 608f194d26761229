"""The outbound message queue over HTTP (`api.md` 5): read it, queue a message, resend, send again, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
import msgspec
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from foundation.api import decoding, idempotency, problems
from foundation.api.filters import InstantFilter
from outbound import message_queries
from outbound.api import message_shapes as shapes
from outbound.choices import MessageStatus
from outbound.models import OutboundMessage
from outbound.operations import message_actions, messages


_ENCODER = msgspec.json.Encoder(decimal_format="number")


class MessageNotFound(problems.Problem):
    """There is no such message."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_found"


class MessageFilters(django_filters.FilterSet):
    """Filters of the list of messages."""

    message_type = django_filters.CharFilter(field_name="message_type__code", help_text="Code of the type.")
    external_system = django_filters.CharFilter(field_name="external_system__name", help_text="Name of the system.")
    status = django_filters.ChoiceFilter(choices=MessageStatus.choices)
    key = django_filters.CharFilter(field_name="key")
    message_id = django_filters.CharFilter(field_name="message_id")
    created_after = InstantFilter(field_name="created_at", lookup_expr="gte")
    created_before = InstantFilter(field_name="created_at", lookup_expr="lt")
    search = django_filters.CharFilter(method="searched", help_text="The start of a message id or key.")

    class Meta:
        model = OutboundMessage
        fields = [
            *("message_type", "external_system", "status", "key", "message_id"),
            *("created_after", "created_before", "search"),
        ]

    def searched(self, found: QuerySet[OutboundMessage], name: str, value: str) -> QuerySet[OutboundMessage]:
        """Keep the messages of a business identifier."""
        return message_queries.searched(found, value)


class OutboundMessageList(ListAPIView[OutboundMessage]):
    """The queue, the latest first; and a message more."""

    rights = {"GET": ["outbound.view_outboundmessage"], "POST": ["outbound.add_outboundmessage"]}
    serializer_class = shapes.OutboundMessageShape
    filterset_class = MessageFilters
    queryset = OutboundMessage.objects.none()

    def get_queryset(self) -> QuerySet[OutboundMessage]:
        """Give the messages with what a line shows."""
        return message_queries.messages_for_api()

    @extend_schema(
        operation_id="outbound_messages_create",
        tags=["outbound-messages"],
        request=shapes.NewMessageShape,
        responses={202: shapes.OutboundMessageDetailShape},
        description="Queues a message. The same `message_id` (or `Idempotency-Key`) with the same message gives the "
        "original answer; with another message 409 `idempotency_key_reused`, nothing stored.",
    )
    def post(self, request: Request) -> Any:
        """Queue a message."""
        digest = idempotency.digest_of_body(request)
        return idempotency.answer_once(request, digest=digest, respond=lambda: self._queue(request))

    def _queue(self, request: Request) -> Response:
        asked = decoding.convert_body(request.data, shapes.NewMessage)
        try:
            row = messages.queue_message(
                message_type=asked.message_type,
                external_system=asked.external_system,
                payload=_ENCODER.encode(asked.payload),
                path=asked.path,
                method=asked.method,
                message_id=asked.message_id,
                key=asked.key,
                not_before=asked.not_before,
                context=asked.context,
                at=timezone.now(),
            )
        except messages.UnableToQueueMessage as error:
            raise problems.InvalidBody(str(error), errors=error.errors) from None
        except messages.MessageIdReused as error:
            raise problems.IdempotencyKeyReused(str(error)) from None
        place = reverse("outbound-message-detail", args=[row.pk], request=request)
        return Response(_detail(row.pk), status=status.HTTP_202_ACCEPTED, headers={"Location": place})


class OutboundMessageDetail(APIView):
    """One message with its attempts."""

    rights = {"GET": ["outbound.view_outboundmessage"]}

    @extend_schema(
        operation_id="outbound_messages_retrieve",
        tags=["outbound-messages"],
        responses=shapes.OutboundMessageDetailShape,
        parameters=[OpenApiParameter("message_pk", OpenApiTypes.INT, OpenApiParameter.PATH)],
    )
    def get(self, request: Request, message_pk: int) -> Response:
        """Give a message."""
        return Response(_detail(message_pk))


def _action(name: str, operation: Callable[..., OutboundMessage], right: str, description: str) -> type[APIView]:
    class Act(APIView):
        rights = {"POST": [right]}

        @extend_schema(
            operation_id=f"outbound_messages_{name}",
            tags=["outbound-messages"],
            description=description,
            request=shapes.MessageReasonShape,
            responses={202: shapes.OutboundMessageDetailShape},
            parameters=[OpenApiParameter("message_pk", OpenApiTypes.INT, OpenApiParameter.PATH)],
        )
        def post(self, request: Request, message_pk: int) -> Response:
            body = shapes.MessageReasonShape(data=request.data)
            body.is_valid(raise_exception=True)
            reason = body.validated_data["reason"] or f"{name} by way of the API"
            try:
                operation(message_pk=message_pk, by=request.user, reason=reason, at=timezone.now())
            except message_queries.UnknownMessage as error:
                raise MessageNotFound(str(error)) from None
            except message_actions.UnableToAct as error:
                raise problems.StateConflict(str(error)) from None
            return Response(_detail(message_pk), status=status.HTTP_202_ACCEPTED)

    Act.__name__ = Act.__qualname__ = f"OutboundMessage{name.title().replace('_', '')}"
    Act.__doc__ = description
    return Act


Resend = _action(
    "resend",
    message_actions.resend,
    "outbound.resend_outboundmessage",
    "Send a message that failed or waits now, with its retries from 0.",
)
SendAgain = _action(
    "send_again",
    message_actions.send_again,
    "outbound.resend_outboundmessage",
    "Send a delivered message once more: SUCCESS becomes FAIL with its retries from 0, and it goes out.",
)
Cancel = _action(
    "cancel",
    message_actions.cancel,
    "outbound.cancel_outboundmessage",
    "End a message that waits, failed, or awaits its acknowledgement.",
)


def _detail(message_pk: int) -> Any:
    try:
        return shapes.OutboundMessageDetailShape(message_queries.message(message_pk=message_pk)).data
    except message_queries.UnknownMessage as error:
        raise MessageNotFound(str(error)) from None
