"""Tracking: flow runs, and what people do with them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api.filters import InstantFilter
from foundation.api.problems import StateConflict
from integration import choices, queries
from integration.api import problems, shapes
from integration.models import FlowRun
from integration.operations import bulk, runs


RIGHTS = {
    "resubmit": "integration.resubmit_flowrun",
    "replay": "integration.replay_flowrun",
    "discard": "integration.discard_flowrun",
    "restore": "integration.discard_flowrun",
    "abort": "integration.abort_flowrun",
}
"""What each action on runs needs."""


class RunFilters(django_filters.FilterSet):
    """Filters of the list of runs."""

    flow = django_filters.CharFilter(field_name="flow__name", help_text="Short name of the flow.")
    state = django_filters.ChoiceFilter(choices=choices.RunState.choices)
    started_after = InstantFilter(field_name="started_at", lookup_expr="gte")
    search = django_filters.CharFilter(
        method="searched", help_text="The start of a business identifier such as a messageId, or the id of a run."
    )

    class Meta:
        model = FlowRun
        fields = ["flow", "state", "started_after", "search"]

    def searched(self, runs_found: QuerySet[FlowRun], name: str, value: str) -> QuerySet[FlowRun]:
        """Keep the runs of a business identifier."""
        return runs_found.filter(queries.search_condition(value)) if value.strip() else runs_found


class _Visible:
    """Who may see runs sees all of them, a peer those of its own messages; for it the others are not there."""

    def rights_for(self, request: Request) -> list[str] | None:
        """Give what a GET needs; no other method is known here."""
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            return None
        return ["integration.view_flowrun" if _owner(request) is None else "integration.view_own_flowrun"]


def _owner(request: Request) -> int | None:
    """Give the account whose runs alone may be seen, None when all may."""
    return None if request.user.has_perm("integration.view_flowrun") else request.user.pk


class FlowRunList(_Visible, generics.ListAPIView[FlowRun]):
    """Flow runs, the latest first; for a peer those of the messages that it sent."""

    serializer_class = shapes.FlowRunShape
    filterset_class = RunFilters

    def get_queryset(self) -> QuerySet[FlowRun]:
        """Give the runs with what a line shows."""
        return queries.run_list(account_id=_owner(self.request)).prefetch_related("identifiers")


class FlowRunDetail(_Visible, APIView):
    """One flow run with its steps; for a peer one of its own messages."""

    @extend_schema(responses=shapes.FlowRunDetailShape)
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """Give a run."""
        return Response(_detail(run_id, account_id=_owner(request)))


class _Action(APIView):
    """What a person does with a run; the body says why."""

    operation: Callable[..., FlowRun]
    body_shape: type[serializers.Serializer[Any]] = shapes.ReasonShape
    status = 200

    def act(self, request: Request, run_id: uuid.UUID) -> Response:
        """Do it, and give the run that came of it."""
        body = self.body_shape(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            run = type(self).operation(run_id=run_id, by=request.user, **body.validated_data, at=timezone.now())
        except queries.UnknownRun as error:
            raise problems.RunNotFound(str(error)) from None
        except runs.UnableToAct as error:
            raise StateConflict(str(error)) from None
        return Response(_detail(run.pk), status=self.status)


def _action(
    name: str,
    operation: Callable[..., FlowRun],
    right: str,
    status: int,
    description: str,
    shape: type[serializers.Serializer[Any]] = shapes.ReasonShape,
) -> type[APIView]:
    class Act(_Action):
        rights = {"POST": [right]}

        @extend_schema(
            operation_id=f"flow_runs_{name}",
            description=description,
            request=shape,
            responses={status: shapes.FlowRunDetailShape},
            parameters=[OpenApiParameter("run_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        )
        def post(self, request: Request, run_id: uuid.UUID) -> Response:
            return self.act(request, run_id)

    Act.operation = staticmethod(operation)
    Act.body_shape = shape
    Act.status = status
    Act.__name__ = Act.__qualname__ = f"FlowRun{name.title()}"
    Act.__doc__ = description
    return Act


Resubmit = _action(
    "resubmit",
    runs.resubmit,
    "integration.resubmit_flowrun",
    202,
    "Put a failed run of a one-way or scheduled flow to work again: what is missing, or with mode START "
    "everything. A request/response run is replayed instead.",
    shapes.ResubmissionShape,
)
Replay = _action(
    "replay",
    runs.replay,
    "integration.replay_flowrun",
    202,
    "Send the message of a request/response run to its target once more, as a new run whose reply is discarded.",
)
Abort = _action("abort", runs.abort, "integration.abort_flowrun", 200, "End a run that waits or works.")
Discard = _action("discard", runs.discard, "integration.discard_flowrun", 200, "Put a failed or aborted run aside.")
Restore = _action("restore", runs.restore, "integration.discard_flowrun", 200, "Bring a discarded run back.")


class BulkAction(APIView):
    """One action on many runs, each by itself."""

    rights = {"POST": ["integration.view_flowrun"]}

    @extend_schema(
        operation_id="flow_runs_bulk",
        description=(
            "Resubmit, replay, discard, restore or abort up to 1,000 runs. Each is decided by its state, so that a "
            "repeated call does nothing twice; the answer has a line per run, in the order of the request."
        ),
        request=shapes.BulkShape,
        responses={200: shapes.RowResultShape(many=True)},
    )
    def post(self, request: Request) -> Response:
        """Do it, and give what became of each."""
        body = shapes.BulkShape(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        if not request.user.has_perm(RIGHTS[asked["action"]]):
            raise PermissionDenied(f"You may not {asked['action']} runs.")
        results = bulk.act(
            action=asked["action"],
            run_ids=asked["ids"],
            by=request.user,
            reason=asked["reason"],
            mode=asked["mode"],
            at=timezone.now(),
        )
        return Response(shapes.RowResultShape(results, many=True).data)


def _detail(run_id: uuid.UUID, *, account_id: int | None = None) -> Any:
    try:
        run = queries.run_detail(run_id, account_id=account_id)
        return shapes.FlowRunDetailShape(run, context={"for_peer": account_id is not None}).data
    except queries.UnknownRun as error:
        raise problems.RunNotFound(str(error)) from None
