"""The configuration as a document: read it, or apply one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api.parsers import StrictJSONParser, read_limited
from foundation.api.problems import CONTENT_TYPE, InvalidBody, Malformed
from foundation.api.renderers import ExactJSONRenderer, to_json
from integration import configuration_queries, configuration_yaml
from integration.choices import DocumentSource
from integration.configuration_yaml import Document
from integration.operations import configuration


MEDIA_TYPE = "application/yaml"
_PROBLEM = OpenApiResponse(OpenApiTypes.OBJECT, description="Problem details (RFC 9457); each error has its line.")
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"", "false", "0", "no"})


class YamlParser(BaseParser):
    """A document as YAML, with the line of every place."""

    media_type = MEDIA_TYPE

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """
        Read the document.

        :raises Malformed: when it is no text.
        :raises InvalidBody: when it is no mapping of sections, naming the line.
        """
        raw = read_limited(stream, configuration_yaml.MAX_BYTES)
        try:
            return configuration.read_text(raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise Malformed(f"The body is not UTF-8 (byte {error.start}).") from None
        except configuration.UnableToApplyConfiguration as error:
            raise InvalidBody(str(error), errors=error.errors) from None


class YamlRenderer(BaseRenderer):
    """A document as YAML."""

    media_type = MEDIA_TYPE
    format = "yaml"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Write the document; a refusal stays JSON."""
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code >= 400:
            response["Content-Type"] = CONTENT_TYPE
            return to_json(data)
        return configuration_queries.as_text(data).encode()


class FieldChangeShape(serializers.Serializer):  # type: ignore[type-arg]
    """A field that differs; without `old` it is new, without `new` it goes."""

    path = serializers.CharField()
    old = serializers.JSONField(required=False)
    new = serializers.JSONField(required=False)


class ChangeShape(serializers.Serializer):  # type: ignore[type-arg]
    """A record that the document creates or changes."""

    section = serializers.CharField()
    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["created", "changed", "removed"])
    fields = FieldChangeShape(many=True)  # type: ignore[assignment]
    notes = serializers.ListField(child=serializers.CharField())


class ComparisonShape(serializers.Serializer):  # type: ignore[type-arg]
    """What the document changed, or would change; `only_here` are records that its sections do not name."""

    dry_run = serializers.BooleanField()
    changes = ChangeShape(many=True)
    only_here = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


class Configuration(APIView):
    """The configuration document."""

    rights = {"GET": ["integration.export_configuration"], "POST": ["integration.apply_configuration"]}
    parser_classes = [StrictJSONParser, YamlParser]
    renderer_classes = [ExactJSONRenderer, YamlRenderer]

    @extend_schema(
        operation_id="configuration_export",
        parameters=[OpenApiParameter("section", str, many=True, description="Only these sections.")],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, MEDIA_TYPE): OpenApiTypes.STR,
            (403, CONTENT_TYPE): OpenApiTypes.OBJECT,
            (404, CONTENT_TYPE): OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> Response:
        """Give the configuration without secrets, as JSON or YAML: the sections that the account may see."""
        try:
            document = configuration_queries.export(
                sections=request.query_params.getlist("section"), account=request.user
            )
        except configuration_queries.UnknownSection as error:
            raise NotFound(str(error)) from None
        except configuration_queries.NotPermitted as error:
            raise PermissionDenied(str(error)) from None
        if isinstance(request.accepted_renderer, YamlRenderer):
            return Response(document)
        return Response(configuration_yaml.dated(document))

    @extend_schema(
        operation_id="configuration_apply",
        parameters=[OpenApiParameter("dry_run", bool, description="Say what would change and change nothing.")],
        request={"application/json": OpenApiTypes.OBJECT, MEDIA_TYPE: OpenApiTypes.STR},
        responses={200: ComparisonShape, 400: _PROBLEM, 403: _PROBLEM},
    )
    def post(self, request: Request) -> Response:
        """Apply a document, whole or not at all; the account needs the rights of each section that it names."""
        dry_run = _flag(request, "dry_run")
        document: Any = request.data
        if not isinstance(document, Document):
            if not isinstance(document, Mapping):
                raise Malformed("A mapping of sections is expected.")
            document = Document(sections=dict(document))
        try:
            done = configuration.apply_document(
                document=document,
                by=request.user,
                at=timezone.now(),
                dry_run=dry_run,
                source=DocumentSource.API,
            )
        except configuration.UnableToApplyConfiguration as error:
            raise InvalidBody("The document was refused; nothing was applied.", errors=error.errors) from None
        except configuration.NotPermitted as error:
            raise PermissionDenied(str(error)) from None
        request.accepted_renderer = ExactJSONRenderer()
        request.accepted_media_type = "application/json"
        return Response(configuration_yaml.dated({"dry_run": dry_run, **done.as_dict()}))


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "").casefold()
    if text not in _TRUE | _FALSE:
        raise InvalidBody(f"{name} is true or false.")
    return text in _TRUE
