"""Initial measurements: receiving, reading, and what people do with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import idempotency, problems
from foundation.api.decoding import convert_body
from foundation.times import parse_instant
from vee import models, queries
from vee.api import filters, shapes
from vee.operations import actions, edits, intake, repairs
from vee.readers.base import RowRefused
from vee.readers.numbers import read_number


_BATCH = PolymorphicProxySerializer(
    component_name="ImdBatch",
    serializers=[shapes.ImdRequest, shapes.ImdRequest(many=True)],
    resource_type_field_name=None,
    many=False,
)


class Imds(ListAPIView[Any]):
    """Initial measurements: the list, and the door for new ones."""

    rights = {"GET": ["vee.view_initialmeasurement"], "POST": ["vee.add_initialmeasurement"]}
    queryset = models.InitialMeasurement.objects.order_by("-pk")
    serializer_class = shapes.ImdBrief
    filterset_class = filters.ImdFilter

    @extend_schema(
        summary="Receive one record or up to 5,000",
        request=_BATCH,
        responses={202: shapes.ImdAnswer(many=True), 400: shapes.Problem, 409: shapes.Problem},
    )
    def post(self, request: Request) -> Response | HttpResponse:
        """Store each record that fits and answer for each, in order; processing begins after the answer."""
        digest = idempotency.digest_of_body(request)
        return idempotency.answer_once(request, digest=digest, respond=lambda: self._receive(request))

    def _receive(self, request: Request) -> Response:
        body = request.data
        if not isinstance(body, dict | list) or not request._request.body.strip():
            raise problems.Malformed("A record or a list of records is expected.")
        records = body if isinstance(body, list) else [body]
        if not records:
            raise problems.InvalidBody("The list is empty.")
        if len(records) > intake.MAX_RECORDS:
            raise problems.InvalidBody(f"A request has at most {intake.MAX_RECORDS} records, this one {len(records)}.")
        results = intake.receive_imds(records=records, at=timezone.now(), by=request.user.get_username())
        return Response([_answer(result) for result in results], status=202)


def _answer(result: intake.IntakeResult) -> dict[str, Any]:
    if result.problem is None:
        return {"id": result.id, "external_id": result.external_id or None, "status": result.status}
    found = result.problem
    document = problems.problem_document(
        status_code=found.status, code=found.code, detail=found.detail, errors=found.errors
    )
    return {"external_id": result.external_id, "error": document} if result.external_id else {"error": document}


class Imd(APIView):
    """One initial measurement with everything that hangs on it."""

    rights = {"GET": ["vee.view_initialmeasurement"]}

    @extend_schema(responses={200: shapes.ImdDetail, 404: shapes.Problem})
    def get(self, request: Request, pk: int) -> Response:
        """Give values before and after VEE, exceptions, To Dos, transitions and edits."""
        try:
            detail = queries.imd_detail(pk)
        except models.InitialMeasurement.DoesNotExist:
            raise Http404(f"There is no IMD {pk}.") from None
        return Response(shapes.ImdDetail(detail).data)


class _ActionBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


class _EditBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    values: dict[str, Any]


def _act(operation: Callable[[], models.InitialMeasurement]) -> Response:
    try:
        imd = operation()
    except actions.ImdNotFound as error:
        raise Http404(str(error)) from None
    except actions.ReasonMissing as error:
        raise _invalid("/reason", "required", str(error)) from None
    except edits.ValueNotUsable as error:
        raise _invalid(f"/values/{error.interval}", "not_usable", str(error)) from None
    except repairs.RepairNotUsable as error:
        raise _invalid(f"/{error.field}", "not_usable", str(error)) from None
    except actions.NotPermitted as error:
        raise PermissionDenied(str(error)) from None
    except (actions.StateDoesNotAllow, actions.UnableToFinalize) as error:
        raise problems.StateConflict(str(error)) from None
    imd.refresh_from_db()
    return Response(shapes.ImdBrief(imd).data)


def _invalid(pointer: str, code: str, message: str) -> problems.InvalidBody:
    return problems.InvalidBody(message, errors=[{"pointer": pointer, "code": code, "message": message}])


_ACTION_ANSWERS = {
    200: shapes.ImdBrief, 400: shapes.Problem, 403: shapes.Problem, 404: shapes.Problem, 409: shapes.Problem,
}  # fmt: skip


class PerformVee(APIView):
    """Perform VEE again from the received values plus edits."""

    rights = {"POST": ["vee.perform_vee"]}

    @extend_schema(request=shapes.ActionRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Run VEE at once; an IMD in ERROR is prepared again first."""
        body = convert_body(request.data, _ActionBody)
        return _act(lambda: actions.perform_vee(imd_id=pk, by=request.user, reason=body.reason, at=timezone.now()))


class Discard(APIView):
    """Put an IMD aside for good."""

    rights = {"POST": ["vee.discard_imd"]}

    @extend_schema(request=shapes.ActionRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Discard; the row and its evidence stay."""
        body = convert_body(request.data, _ActionBody)
        return _act(lambda: actions.discard(imd_id=pk, by=request.user, reason=body.reason, at=timezone.now()))


class ForceComplete(APIView):
    """Accept the current values without VEE."""

    rights = {"POST": ["vee.force_complete_imd"]}

    @extend_schema(request=shapes.ActionRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Make final measurements of the values as they stand."""
        body = convert_body(request.data, _ActionBody)
        return _act(lambda: actions.force_complete(imd_id=pk, by=request.user, reason=body.reason, at=timezone.now()))


class Edit(APIView):
    """Change values of an IMD that waits for a person."""

    rights = {"POST": ["vee.edit_imd"]}

    @extend_schema(request=shapes.EditRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Keep the new values beside what was received; null takes a value away."""
        body = convert_body(request.data, _EditBody)
        values = _edited_values(body.values)
        return _act(
            lambda: edits.edit_values(imd_id=pk, by=request.user, reason=body.reason, values=values, at=timezone.now())
        )


class _RepairBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    measuring_component: str | None = None
    start: str | None = None
    end: str | None = None


class Repair(APIView):
    """Say what an IMD in ERROR is about: its measuring component, its period."""

    rights = {"POST": ["vee.edit_imd"]}

    @extend_schema(request=shapes.RepairRequest, responses=_ACTION_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Change what the body names; *Perform VEE* prepares the IMD again."""
        body = convert_body(request.data, _RepairBody)
        start, end = (_instant(getattr(body, name), f"/{name}") for name in ("start", "end"))
        return _act(
            lambda: repairs.repair(
                imd_id=pk,
                by=request.user,
                reason=body.reason,
                component_identifier=body.measuring_component,
                start=start,
                end=end,
                at=timezone.now(),
            )
        )


def _instant(text: str | None, pointer: str) -> dt.datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise _invalid(pointer, "invalid_time", str(error)) from None


def _edited_values(given: dict[str, Any]) -> dict[int, Decimal | None]:
    if not given:
        raise _invalid("/values", "required", "at least one value is expected")
    values: dict[int, Decimal | None] = {}
    for index, value in given.items():
        pointer = f"/values/{problems.escape_pointer(index)}"
        if not (index.isascii() and index.isdigit() and len(index) <= 6):
            raise _invalid(pointer, "invalid", "an index is a number from 0")
        values[int(index)] = None if value is None else _number(value, pointer)
    return values


def _number(value: Any, pointer: str) -> Decimal:
    if isinstance(value, str):
        try:
            return read_number(value)
        except RowRefused as refused:
            raise _invalid(pointer, refused.code, refused.message) from None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _invalid(pointer, "not_a_number", "a number, a decimal string or null is expected")
    return Decimal(value)
