"""Final measurements: what usage and analytics read, as JSON pages or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api.pagination import Pages
from foundation.api.renderers import ExactJSONRenderer, to_json
from foundation.spreadsheets import csv_line
from vee import derived_queries, models, queries
from vee.api import instants, shapes
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
            OpenApiParameter("derived", bool, description="whether derived values stand beside each measurement"),
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
        start, end = instants.parameter(request, "start"), instants.parameter(request, "end")
        if end <= start:
            raise instants.invalid("/end", "invalid_period", "The end does not lie after the start.")
        component = _component(request)
        found = queries.measurements(component=component, start=start, end=end)
        with_reading = component.type.component_kind != ComponentKind.INTERVAL
        derivations = derived_queries.derivations_of(component) if _wants_derived(request) else None
        derive = None if derivations is None else derived_queries.deriver(component, derivations)
        if request.accepted_renderer.format == CsvRenderer.format:
            names = [each.name for each in derivations or ()]
            rows = _csv(found, with_reading=with_reading, names=names, derive=derive)
            return StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
        pages = MeasurementPages()
        shown = [_row(row, with_reading=with_reading, derive=derive) for row in found]
        page = pages.paginate_queryset(shown, request, view=self)
        return pages.get_paginated_response(page)


def _component(request: Request) -> models.MeasuringComponent:
    identifier = request.query_params.get("measuring_component", "")
    if not identifier:
        raise instants.invalid("/measuring_component", "required", "measuring_component is required.")
    try:
        return models.MeasuringComponent.objects.select_related("type", "service_point", "device__service_point").get(
            identifier=identifier
        )
    except models.MeasuringComponent.DoesNotExist:
        raise Http404(f"There is no measuring component {identifier!a}.") from None


def _wants_derived(request: Request) -> bool:
    text = request.query_params.get("derived", "false")
    if text not in ("true", "false"):
        raise instants.invalid("/derived", "invalid", "derived is true or false.")
    return text == "true"


def _row(
    found: queries.Measurement, *, with_reading: bool, derive: derived_queries.Derive | None = None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "end": found.end, "value": found.value, "condition": found.condition, "user_edited": found.user_edited,
    }  # fmt: skip
    if with_reading:
        row["reading"] = found.reading
    if derive is not None:
        row["derived"] = derive(found)
    return row


def _csv(
    found: Iterator[queries.Measurement],
    *,
    with_reading: bool,
    names: Sequence[str] = (),
    derive: derived_queries.Derive | None = None,
) -> Iterator[str]:
    yield csv_line(["end", "value", "condition", "user_edited", *(["reading"] if with_reading else []), *names])
    for row in found:
        value = "" if row.value is None else f"{row.value:f}"
        cells = [f"{row.end:%Y-%m-%dT%H:%M:%SZ}", value, str(row.condition), str(row.user_edited).lower()]
        if with_reading:
            cells.append("" if row.reading is None else f"{row.reading:f}")
        if derive is not None:
            cells += ["" if derived is None else f"{derived:f}" for derived in derive(row).values()]
        yield ",".join(cells) + "\r\n"
