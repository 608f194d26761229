"""Final measurements of several components as one file, streamed."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.api.renderers import to_json
from vee import writers
from vee.api import instants, shapes
from vee.operations import exports


class AnyMediaType(BaseRenderer):
    """Takes whatever the client accepts: the format is named by a parameter, since NEM12 has no media type."""

    media_type = "*/*"
    format = "file"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return to_json(data)


class MeasurementExport(APIView):
    """Measurements with `start < interval end ≤ end` of one or more components, as NEM12, Green Button or CSV."""

    rights = {"GET": ["vee.view_measurementblock"]}
    renderer_classes = [AnyMediaType]

    @extend_schema(
        summary="Export measurements as a file",
        parameters=[
            OpenApiParameter(
                "measuring_component", str, many=True, required=True, description="may be named up to 1,000 times"
            ),
            OpenApiParameter("start", OpenApiTypes.DATETIME, required=True, description="with offset"),
            OpenApiParameter("end", OpenApiTypes.DATETIME, required=True, description="with offset"),
            OpenApiParameter("format_out", str, required=True, enum=list(writers.FORMATS)),
        ],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="csv and nem12"),
            (200, "application/atom+xml"): OpenApiResponse(OpenApiTypes.STR, description="green_button"),
            400: shapes.Problem,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Give the file in the order in which the components are named."""
        given = request.query_params
        identifiers = given.getlist("measuring_component")
        try:
            export = exports.export_measurements(
                identifiers=identifiers,
                start=instants.parameter(request, "start"),
                end=instants.parameter(request, "end"),
                format=given.get("format_out", ""),
                at=timezone.now(),
            )
        except exports.UnableToExport as error:
            raise instants.invalid(f"/{error.field}", error.code, str(error)) from None
        headers = {"Content-Disposition": f'attachment; filename="{export.file_name}"'}
        return StreamingHttpResponse(export.pieces, content_type=export.media_type, headers=headers)
