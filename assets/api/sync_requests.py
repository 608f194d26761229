"""Sync requests over HTTP: read them, retry, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
import msgspec
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assets import sync_queries
from assets.choices import SyncFault, SyncStatus
from assets.models import SyncRequest
from assets.operations import sync_actions
from foundation.api import decoding, problems
from foundation.api.filters import InstantFilter


class SyncRequestFilters(django_filters.FilterSet):
    """Filters of the list of sync requests."""

    status = django_filters.MultipleChoiceFilter(choices=SyncStatus.choices)
    fault = django_filters.ChoiceFilter(choices=SyncFault.choices)
    subscription = django_filters.CharFilter(
        field_name="subscription__usage_subscription__identifier", help_text="`subscriptionId`."
    )
    program = django_filters.CharFilter(field_name="subscription__program__code", help_text="`programCode`.")
    created_after = InstantFilter(field_name="created_at", lookup_expr="gte")
    created_before = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = SyncRequest
        fields = ["status", "fault", "subscription", "program", "created_after", "created_before"]


class SyncRequestShape(serializers.Serializer[SyncRequest]):
    """A sync request in a list."""

    sync_request_id = serializers.CharField()
    subscription = serializers.CharField(source="subscription.usage_subscription.identifier")
    program = serializers.CharField(source="subscription.program.code")
    status = serializers.ChoiceField(choices=SyncStatus.choices)
    fault = serializers.ChoiceField(choices=SyncFault.choices, allow_blank=True)
    fault_text = serializers.CharField()
    changes = serializers.IntegerField(source="change_count", help_text="How many changes it gathers.")
    tries = serializers.IntegerField(help_text="How often it was handed to the outbound queue.")
    message_id = serializers.CharField(help_text="Of the outbound message of the last try.")
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class SyncChangeShape(serializers.Serializer[Any]):
    """A captured change."""

    what = serializers.CharField()
    fields = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    at = serializers.DateTimeField()
    by = serializers.CharField()


class SyncStatusChangeShape(serializers.Serializer[Any]):
    """A change of status."""

    from_status = serializers.CharField()
    to_status = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()


class SyncRequestDetailShape(SyncRequestShape):
    """A sync request with its life, what it gathers and what it tells."""

    captured_changes = serializers.SerializerMethodField()
    status_changes = serializers.SerializerMethodField()
    initial_snapshot = serializers.JSONField(help_text="What the DERMS was told last.")
    final_snapshot = serializers.JSONField(help_text="What it is told.")
    acknowledgement = serializers.JSONField()
    external_ids = serializers.JSONField()

    @extend_schema_field(SyncChangeShape(many=True))
    def get_captured_changes(self, row: SyncRequest) -> Any:
        """Give what it was captured for, oldest first."""
        return SyncChangeShape(sync_queries.changes_of(row), many=True).data

    @extend_schema_field(SyncStatusChangeShape(many=True))
    def get_status_changes(self, row: SyncRequest) -> Any:
        """Give its life, oldest first."""
        return SyncStatusChangeShape(sync_queries.status_changes_of(row), many=True).data


class SyncRequestList(ListAPIView[SyncRequest]):
    """Sync requests, the latest first."""

    rights = {"GET": ["assets.view_syncrequest"]}
    serializer_class = SyncRequestShape
    filterset_class = SyncRequestFilters
    queryset = SyncRequest.objects.none()

    def get_queryset(self) -> QuerySet[SyncRequest]:
        """Give the requests with what a line shows."""
        return sync_queries.requests()


_KEY = [OpenApiParameter("sync_request_id", OpenApiTypes.STR, OpenApiParameter.PATH)]


class SyncRequestDetail(APIView):
    """One sync request."""

    rights = {"GET": ["assets.view_syncrequest"]}

    @extend_schema(
        operation_id="sync_requests_retrieve",
        tags=["sync-requests"],
        responses=SyncRequestDetailShape,
        parameters=_KEY,
    )
    def get(self, request: Request, sync_request_id: str) -> Response:
        """Give a sync request with its life."""
        return Response(_detail(sync_request_id))


class _ReasonShape(serializers.Serializer[Any]):
    """Why a person does something."""

    reason = serializers.CharField(max_length=900, required=False, allow_blank=True, default="")


class _Reason(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


def _action(name: str, operation: Callable[..., SyncRequest], description: str) -> type[APIView]:
    class Act(APIView):
        rights = {"POST": [f"assets.{name}_syncrequest"]}

        @extend_schema(
            operation_id=f"sync_requests_{name}",
            tags=["sync-requests"],
            description=description,
            request=_ReasonShape,
            responses=SyncRequestDetailShape,
            parameters=_KEY,
        )
        def post(self, request: Request, sync_request_id: str) -> Response:
            body = decoding.convert_body(request.data or {}, _Reason)
            reason = body.reason[:900] or f"{name} by way of the API"
            try:
                row = operation(sync_request_id=sync_request_id, by=request.user, reason=reason, at=timezone.now())
            except sync_queries.UnknownSyncRequest as error:
                raise Http404(str(error)) from None
            except sync_actions.UnableToAct as error:
                raise problems.StateConflict(str(error)) from None
            return Response(_detail(row.sync_request_id))

    Act.__name__ = Act.__qualname__ = f"SyncRequest{name.title()}"
    Act.__doc__ = description
    return Act


Retry = _action(
    "retry",
    sync_actions.retry,
    "Work on a sync request in error anew, with the data as they are now. The answer is the request that goes on: "
    "another one when the DERMS may hold what was sent, or when a pending one of the subscription is there already.",
)
Cancel = _action(
    "cancel", sync_actions.cancel, "Put aside a sync request that has not ended; what was sent stays sent."
)


def _detail(sync_request_id: str) -> Any:
    try:
        return SyncRequestDetailShape(sync_queries.sync_request(sync_request_id=sync_request_id)).data
    except sync_queries.UnknownSyncRequest as error:
        raise Http404(str(error)) from None
