"""Final measurements: what usage and analytics read, as JSON pages or CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from foundation.api.pagination import Pages
from foundation.api.renderers import ExactJSONRenderer, to_json
from foundation.times import parse_instant
from vee import models, queries
from vee.api import shapes
from vee.codes import ComponentKind


class CsvRenderer(BaseRenderer):
    """`text/csv`; errors under it are problem details all the same."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return to_json(data)


class MeasurementPages(Pages):
    """Pages of up to 100,000 measurements."""

    page_size = 1_000
    max_page_size = 100_000


class Measurements(APIView):
    """Final measurements of one component, labelled at interval end, UTC, with `start < end label ≤ end`."""

    rights = {"GET": ["vee.view_measurementblock"]}
    renderer_classes = [ExactJSONRenderer, CsvRenderer]
    pagination_class = MeasurementPages

    @extend_schema(
        parameters=[
            OpenApiParameter("measuring_component", str, required=True),
            OpenApiParameter("start", OpenApiTypes.DATETIME, required=True, description="with offset"),
            OpenApiParameter("end", OpenApiTypes.DATETIME, required=True, description="with offset"),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int, description="JSON only; at most 100,000"),
        ],
        responses={
            (200, "application/json"): shapes.MeasurementPage,
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="the whole period, streamed"),
            400: shapes.Problem,
            404: shapes.Problem,
        },
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        """Give a page as JSON, or with `Accept: text/csv` the whole period as CSV."""
        start, end = _instant(request, "start"), _instant(request, "end")
        if end <= start:
            raise _invalid("/end", "invalid_period", "The end does not lie after the start.")
        component = _component(request)
        found = queries.measurements(component=component, start=start, end=end)
        with_reading = component.type.component_kind != ComponentKind.INTERVAL
        if request.accepted_renderer.format == CsvRenderer.format:
            return StreamingHttpResponse(_csv(found, with_reading=with_reading), content_type="text/csv; charset=utf-8")
        pages = MeasurementPages()
        page = pages.paginate_queryset([_row(row, with_reading=with_reading) for row in found], request, view=self)
        return pages.get_paginated_response(page)


def _component(request: Request) -> models.MeasuringComponent:
    identifier = request.query_params.get("measuring_component", "")
    if not identifier or "\x00" in identifier:
        raise _invalid("/measuring_component", "required", "measuring_component is required.")
    try:
        return models.MeasuringComponent.objects.select_related("type").get(identifier=identifier)
    except models.MeasuringComponent.DoesNotExist:
        raise Http404(f"There is no measuring component {identifier!a}.") from None


def _instant(request: Request, name: str) -> dt.datetime:
    text = request.query_params.get(name)
    if not text:
        raise _invalid(f"/{name}", "required", f"{name} is required.")
    try:
        # A plus sign in a query that was not escaped arrives as a blank.
        instant = parse_instant(text[:-6] + text[-6:].replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        raise _invalid(f"/{name}", "invalid_time", str(error)) from None
    if not 1900 <= instant.year <= 2300:
        raise _invalid(f"/{name}", "invalid_time", f"{text!a} is out of range.")
    return instant


def _invalid(pointer: str, code: str, message: str) -> problems.InvalidBody:
    return problems.InvalidBody(message, errors=[{"pointer": pointer, "code": code, "message": message}])


def _row(found: queries.Measurement, *, with_reading: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "end": found.end, "value": found.value, "condition": found.condition, "user_edited": found.user_edited,
    }  # fmt: skip
    if with_reading:
        row["reading"] = found.reading
    return row


def _csv(found: Iterator[queries.Measurement], *, with_reading: bool) -> Iterator[str]:
    yield "end,value,condition,user_edited" + (",reading\r\n" if with_reading else "\r\n")
    for row in found:
        value = "" if row.value is None else f"{row.value:f}"
        cells = [f"{row.end:%Y-%m-%dT%H:%M:%SZ}", value, str(row.condition), str(row.user_edited).lower()]
        if with_reading:
            cells.append("" if row.reading is None else f"{row.reading:f}")
        yield ",".join(cells) + "\r\n"
