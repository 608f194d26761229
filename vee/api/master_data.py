"""Master data in bulk, as JSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from foundation.api.parsers import read_limited
from vee.api import shapes
from vee.operations import master_data
from vee.operations.master_data_records import KINDS


class JsonLinesParser(BaseParser):
    """`application/x-ndjson`: the lines that are not empty, as bytes; each is read by itself."""

    media_type = "application/x-ndjson"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = read_limited(stream, settings.API_MAX_BODY_BYTES)
        return [line for line in raw.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]


class LineAnswer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="from 1, empty lines not counted")
    kind = serializers.CharField(required=False)
    id = serializers.CharField(required=False)
    status = serializers.ChoiceField(choices=["created", "updated", "unchanged"], required=False)
    error = shapes.Problem(required=False)


class MasterData(APIView):
    """Service points, devices, types, components, usage and outages, many at once."""

    # A document may hold every kind, so its sender has the rights to all of them.
    rights = {"POST": [f"vee.{verb}_{kind.replace('_', '')}" for kind in KINDS for verb in ("add", "change")]}
    parser_classes = [JsonLinesParser]

    @extend_schema(
        summary="Create or change master data, one JSON object a line",
        request={"application/x-ndjson": OpenApiTypes.STR},
        examples=[
            OpenApiExample(
                "a service point and a component",
                request_only=True,
                media_type="application/x-ndjson",
                value='{"kind": "service_point", "id": "SP-1", "time_zone": "America/New_York"}\n',
            )
        ],
        responses={200: LineAnswer(many=True), 207: LineAnswer(many=True), 400: shapes.Problem, 413: shapes.Problem},
    )
    def post(self, request: Request) -> Response:
        """Answer for each line, in order: 200 when all are good, 207 when some were refused."""
        lines: list[bytes] = request.data  # type: ignore[assignment]  # what the parser gives
        if not lines:
            raise problems.Malformed("The body is empty; one JSON object a line is expected.")
        if len(lines) > master_data.MAX_LINES:
            raise problems.InvalidBody(f"A document has at most {master_data.MAX_LINES} lines, this one {len(lines)}.")
        results = master_data.upsert(lines, by=request.user, at=timezone.now())
        if not any(result.is_object for result in results):
            raise problems.Malformed("Not one line is a JSON object.", errors=results[0].errors)
        refused = any(result.refused for result in results)
        answers = [_answer(number, result) for number, result in enumerate(results, 1)]
        return Response(answers, status=207 if refused else 200)


def _answer(number: int, result: master_data.LineResult) -> dict[str, Any]:
    answer: dict[str, Any] = {"line": number}
    if result.kind:
        answer["kind"] = result.kind
    if result.id:
        answer["id"] = result.id
    if result.refused:
        answer["error"] = problems.problem_document(
            status_code=400, code=result.code, detail=result.errors[0]["message"], errors=result.errors
        )
    else:
        answer["status"] = result.outcome
    return answer
