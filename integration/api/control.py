"""Control: pauses, statistics of flows, connection zones."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api.problems import InvalidBody, StateConflict
from integration import choices, control_queries
from integration.api import problems
from integration.models import Pause
from integration.operations import pauses


class PauseShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A pause: what it stops, who made it and why, and how it ended."""

    class Meta:
        model = Pause
        fields = [
            *("id", "scope", "target", "reason", "paused_by", "paused_at", "planned_end"),
            *("resumed_at", "resumed_by", "resume_reason"),
        ]
        read_only_fields = fields


class NewPauseShape(serializers.Serializer):  # type: ignore[type-arg]
    """What to stop, why, and until when."""

    scope = serializers.ChoiceField(choices=choices.PauseScope.choices)
    target = serializers.CharField(
        max_length=60, allow_blank=True, default="", help_text="The flow or the connection; empty for all flows."
    )
    reason = serializers.CharField(max_length=1000)
    planned_end = serializers.DateTimeField(allow_null=True, default=None)


class EndShape(serializers.Serializer):  # type: ignore[type-arg]
    """Why a pause ends."""

    reason = serializers.CharField(max_length=1000, allow_blank=True, default="")


class StatisticsShape(serializers.Serializer):  # type: ignore[type-arg]
    """What a flow of a version did; durations in seconds, of ended runs."""

    flow = serializers.CharField()
    version = serializers.CharField()
    received = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    aborted = serializers.IntegerField()
    success_percent = serializers.FloatField(allow_null=True)
    shortest = serializers.FloatField(allow_null=True)
    longest = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    deviation = serializers.FloatField(allow_null=True)


class ZoneShape(serializers.Serializer):  # type: ignore[type-arg]
    """A connection zone, and whether a worker takes its queue."""

    name = serializers.CharField()
    connections = serializers.ListField(child=serializers.CharField())
    beat_at = serializers.DateTimeField(allow_null=True)
    worker = serializers.CharField()
    alive = serializers.BooleanField()


class PauseList(generics.ListAPIView[Pause]):
    """The pauses, the latest first."""

    rights = {"GET": ["integration.view_flow"], "POST": ["integration.pause_flow"]}
    serializer_class = PauseShape

    def get_queryset(self) -> QuerySet[Pause]:
        """Give the pauses."""
        return control_queries.all_pauses()

    @extend_schema(request=NewPauseShape, responses={201: PauseShape})
    def post(self, request: Request) -> Response:
        """Pause a flow, all flows, or everything that uses a connection."""
        body = NewPauseShape(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            made = pauses.pause(**body.validated_data, by=request.user.get_username(), at=timezone.now())
        except pauses.AlreadyPaused as error:
            raise StateConflict(str(error)) from None
        except pauses.UnableToPause as error:
            raise InvalidBody(str(error)) from None
        return Response(PauseShape(made).data, status=201)


class Resume(APIView):
    """End a pause."""

    rights = {"POST": ["integration.pause_flow"]}

    @extend_schema(request=EndShape, responses=PauseShape)
    def post(self, request: Request, pause_id: int) -> Response:
        """Restore exactly what this pause stopped; what waited is worked on."""
        body = EndShape(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            ended = pauses.resume(
                pause_id=pause_id,
                by=request.user.get_username(),
                reason=body.validated_data["reason"],
                at=timezone.now(),
            )
        except pauses.UnknownPause as error:
            raise problems.PauseNotFound(str(error)) from None
        except pauses.AlreadyResumed as error:
            raise StateConflict(str(error)) from None
        return Response(PauseShape(ended).data)


_DAYS = [
    OpenApiParameter("since", OpenApiTypes.DATE, description="First day (UTC); since ever when not given."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last day (UTC)."),
    OpenApiParameter("flow", OpenApiTypes.STR, description="Short name of a flow."),
]


class StatisticsList(APIView):
    """Statistics of flows."""

    rights = {"GET": ["integration.view_flow"]}

    @extend_schema(operation_id="flow_statistics", parameters=_DAYS, responses={200: StatisticsShape(many=True)})
    def get(self, request: Request) -> Response:
        """Give what each flow did, by version; purging runs does not change it."""
        found = control_queries.statistics(
            since=_day(request, "since"), until=_day(request, "until"), flow=request.query_params.get("flow", "")
        )
        return Response(StatisticsShape(found, many=True).data)


class ZoneList(APIView):
    """Connection zones."""

    rights = {"GET": ["outbound.view_connection"]}

    @extend_schema(operation_id="zones", responses={200: ZoneShape(many=True)})
    def get(self, request: Request) -> Response:
        """Give the zones that connections lie in, and whether each has a live worker."""
        return Response(ZoneShape(control_queries.zones(at=timezone.now()), many=True).data)


def _day(request: Request, name: str) -> dt.date | None:
    text: Any = request.query_params.get(name, "")
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidBody(f"{name} is a day such as 2026-03-02.") from None
