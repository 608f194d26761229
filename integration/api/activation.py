"""Flows: the list, and switching them on and off."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api.problems import StateConflict
from integration import control_queries, queries
from integration.api import problems, shapes
from integration.flows.registry import UnknownFlow
from integration.models import Flow
from integration.operations import drain, flows


class FlowList(generics.ListAPIView[Flow]):
    """All packaged flows, by name, also those that this version cannot run."""

    rights = {"GET": ["integration.view_flow"]}
    serializer_class = shapes.FlowShape

    def get_queryset(self) -> QuerySet[Flow]:
        """Give the flows."""
        return queries.flow_list()

    def get_serializer_context(self) -> dict[str, Any]:
        """Add how the flows stand, read once for all of them."""
        known = control_queries.conditions(list(queries.flow_list()))
        return {**super().get_serializer_context(), "conditions": known}


class Activate(APIView):
    """Switch a flow on."""

    rights = {"POST": ["integration.activate_flow"]}

    @extend_schema(request=None, responses=shapes.FlowShape)
    def post(self, request: Request, identifier: str) -> Response:
        """Accept messages again, and work on everything that was kept."""
        return _switched(request, identifier, active=True)


class Deactivate(APIView):
    """Switch a flow off."""

    rights = {"POST": ["integration.activate_flow"]}

    @extend_schema(request=None, responses=shapes.FlowShape)
    def post(self, request: Request, identifier: str) -> Response:
        """Accept nothing more; what is at work is finished (state DRAINING), what waits is kept."""
        return _switched(request, identifier, active=False)


def _switched(request: Request, identifier: str, *, active: bool) -> Response:
    operation = drain.activate if active else drain.deactivate
    try:
        operation(identifier=identifier, by=request.user.get_username(), at=timezone.now())
    except UnknownFlow as error:
        raise problems.FlowNotFound(str(error)) from None
    except flows.FlowNotAvailable as error:
        raise problems.FlowNotAvailable(str(error)) from None
    except flows.FlowAlreadyInState as error:
        raise StateConflict(str(error)) from None
    return Response(shapes.FlowShape(queries.flow(identifier)).data)
