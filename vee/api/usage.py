"""Usage transactions: what was calculated and sent, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from foundation.api.decoding import convert_body
from vee import models, usage_queries
from vee.api import filters, shapes, usage_shapes
from vee.api.resources import Resource
from vee.operations import actions, usage


_ROWS = models.UsageTransaction.objects.select_related("usage_subscription__service_point")


class UsageTransactions(ListAPIView[Any]):
    """Usage transactions, latest first."""

    rights = {"GET": ["vee.view_usagetransaction"]}
    queryset = _ROWS.order_by("-start", "pk")
    serializer_class = usage_shapes.UsageTransactionShape
    filterset_class = filters.UsageTransactionFilter


class UsageTransaction(Resource):
    """One usage transaction."""

    rights = {
        "GET": ["vee.view_usagetransaction"],
        "PUT": ["vee.add_usagetransaction", "vee.change_usagetransaction"],
    }
    kind, rows, shape = "usage_transaction", _ROWS, usage_shapes.UsageTransactionShape

    @extend_schema(responses={200: usage_shapes.UsageTransactionDetail, 404: shapes.Problem})
    def get(self, request: Request, identifier: str) -> Response:
        """Read it with its totals, transitions and correction."""
        detail = usage_queries.usage_detail(transaction=self._find(identifier))
        return Response(usage_shapes.UsageTransactionDetail(detail).data)

    @extend_schema(
        request=usage_shapes.UsageTransactionShape,
        responses={
            200: usage_shapes.UsageTransactionShape, 201: usage_shapes.UsageTransactionShape, 400: shapes.Problem,
        },
    )  # fmt: skip
    def put(self, request: Request, identifier: str) -> Response:
        """Create or change it; subscription, period and status are fixed once it is no longer PENDING."""
        return self._put(request, identifier)


class _ActionBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


_ACTION_ANSWERS = {
    200: usage_shapes.UsageTransactionShape, 400: shapes.Problem, 403: shapes.Problem, 404: shapes.Problem,
    409: shapes.Problem,
}  # fmt: skip


class _Action(APIView):
    def _act(self, operation: Callable[..., models.UsageTransaction], identifier: str) -> Response:
        body = convert_body(self.request.data, _ActionBody)
        row = _ROWS.filter(identifier=identifier).first()
        if row is None:
            raise Http404(f"There is no usage transaction {identifier!a}.")
        try:
            operation(transaction_id=row.pk, by=self.request.user, reason=body.reason, at=timezone.now())
        except actions.ReasonMissing as error:
            entry = {"pointer": "/reason", "code": "required", "message": str(error)}
            raise problems.InvalidBody(str(error), errors=[entry]) from None
        except actions.NotPermitted as error:
            raise PermissionDenied(str(error)) from None
        except actions.StateDoesNotAllow as error:
            raise problems.StateConflict(str(error)) from None
        return Response(usage_shapes.UsageTransactionShape(_ROWS.get(pk=row.pk)).data)


class Calculate(_Action):
    """Calculate usage, for the first time or again."""

    rights = {"POST": ["vee.calculate_usage"]}

    @extend_schema(request=shapes.ActionRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, identifier: str) -> Response:
        """Calculate now, whatever its deferral says; 409 when it was sent or discarded."""
        return self._act(usage.calculate, identifier)


class Send(_Action):
    """Send calculated usage to its recipient."""

    rights = {"POST": ["vee.send_usage"]}

    @extend_schema(request=shapes.ActionRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, identifier: str) -> Response:
        """Queue it for the recipient; 409 when it is not calculated. `status` and `issues` say how it went."""
        return self._act(usage.send, identifier)


class Discard(_Action):
    """Put usage aside for good."""

    rights = {"POST": ["vee.discard_usage"]}

    @extend_schema(request=shapes.ActionRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, identifier: str) -> Response:
        """Discard; the row and its figures stay. 409 when it was sent."""
        return self._act(usage.discard, identifier)
