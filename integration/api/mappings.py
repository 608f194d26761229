"""Base mappings and their overlays, to be read."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integration import choices, mapping_queries
from integration.flows.mapping_declarations import Kind, Origin
from integration.models import MappingOverlay, MappingOverlayField


class MappedLineShape(serializers.Serializer):  # type: ignore[type-arg]
    """A line of a base mapping."""

    source = serializers.CharField(  # type: ignore[assignment]
        help_text="Element of the message; empty when it does not come from it."
    )
    target = serializers.CharField()
    origin = serializers.ChoiceField(choices=[str(origin) for origin in Origin])
    lookup = serializers.CharField()
    note = serializers.CharField()


class TargetFieldShape(serializers.Serializer):  # type: ignore[type-arg]
    """An element that the target is known to have."""

    path = serializers.CharField()
    kind = serializers.ChoiceField(choices=[str(kind) for kind in Kind])
    longest = serializers.IntegerField(allow_null=True)
    required = serializers.BooleanField()  # type: ignore[assignment]
    choices = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    fixed = serializers.BooleanField(help_text="No overlay may change it.")


class UnmappedShape(serializers.Serializer):  # type: ignore[type-arg]
    """An element that came in messages and that nothing maps."""

    path = serializers.CharField()
    kind = serializers.CharField()
    count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()


class MappingShape(serializers.Serializer):  # type: ignore[type-arg]
    """A base mapping as it is packaged, with the overlay in effect and the elements that it does not take up."""

    name = serializers.CharField()
    flow = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    overlay_version = serializers.IntegerField(allow_null=True, help_text="The version in effect now.")
    fields = MappedLineShape(many=True)  # type: ignore[assignment]
    targets = TargetFieldShape(many=True)
    unmapped = UnmappedShape(many=True)


class OverlayFieldShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A field of an overlay."""

    class Meta:
        model = MappingOverlayField
        fields = ["target", "expression", "when_empty", "extra", "note"]
        read_only_fields = fields


class OverlayShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A version of an overlay."""

    state = serializers.SerializerMethodField()
    fields = OverlayFieldShape(many=True)  # type: ignore[assignment]

    class Meta:
        model = MappingOverlay
        fields = [
            *("id", "mapping", "version", "state", "note", "effective_from", "effective_to", "created_at"),
            *("created_by", "activated_at", "activated_by", "retired_at", "retired_by", "fields"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=choices.OverlayState.choices))
    def get_state(self, row: MappingOverlay) -> Any:
        """Give where it stands now."""
        return str(row.state_at(timezone.now()))


class MappingList(APIView):
    """Base mappings."""

    rights = {"GET": ["integration.view_mappingoverlay"]}

    @extend_schema(operation_id="mappings", responses={200: MappingShape(many=True)})
    def get(self, request: Request) -> Response:
        """Give the packaged mappings field by field, and what messages bring that they do not take up."""
        at = timezone.now()
        found = [
            {
                "name": each.mapping.name,
                "flow": each.mapping.flow,
                "source": each.mapping.source,
                "target": each.mapping.target,
                "overlay_version": each.active.version if each.active else None,
                "fields": each.mapping.fields,
                "targets": each.mapping.targets,
                "unmapped": each.unmapped,
            }
            for each in mapping_queries.summaries(at=at)
        ]
        return Response(MappingShape(found, many=True).data)


class OverlayList(generics.ListAPIView[MappingOverlay]):
    """The versions of mapping overlays, by mapping, the latest first."""

    rights = {"GET": ["integration.view_mappingoverlay"]}
    serializer_class = OverlayShape

    @extend_schema(parameters=[OpenApiParameter("mapping", OpenApiTypes.STR, description="Name of a base mapping.")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give the versions with their fields and dates."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[MappingOverlay]:
        """Give the versions."""
        mapping = self.request.query_params.get("mapping", "")
        rows = mapping_queries.all_overlays()
        return rows.filter(mapping=mapping) if mapping else rows
