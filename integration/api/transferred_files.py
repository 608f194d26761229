"""The ledger of files: what scheduled flows took from their queues, and putting a file back."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api.problems import StateConflict
from integration import choices, queries
from integration.api import problems
from integration.models import TransferredFile
from integration.operations import file_requeue


class FileEventShape(serializers.Serializer):  # type: ignore[type-arg]
    """What happened to a file."""

    from_state = serializers.CharField()
    to_state = serializers.ChoiceField(choices=choices.FileState.choices)
    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()
    run = serializers.UUIDField(source="run_id", allow_null=True)


class TransferredFileShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A file in a list."""

    flow = serializers.CharField(source="flow.name", read_only=True)
    run = serializers.UUIDField(source="run_id", allow_null=True, read_only=True)

    class Meta:
        model = TransferredFile
        fields = [
            *("id", "flow", "connection", "place", "name", "renamed_to", "size", "etag", "sha256", "modified_at"),
            *("state", "reason", "round", "attempts", "records_done", "message_id", "run"),
            *("first_seen_at", "changed_at"),
        ]
        read_only_fields = fields


class TransferredFileDetailShape(TransferredFileShape):
    """A file with its history."""

    events = FileEventShape(many=True, read_only=True)

    class Meta(TransferredFileShape.Meta):
        fields = [*TransferredFileShape.Meta.fields, "events"]
        read_only_fields = fields


class RequeueShape(serializers.Serializer):  # type: ignore[type-arg]
    """Why a file is put back."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class FileFilters(django_filters.FilterSet):
    """Filters of the list of files."""

    flow = django_filters.CharFilter(field_name="flow__name", help_text="Short name of the flow.")
    state = django_filters.ChoiceFilter(choices=choices.FileState.choices)
    search = django_filters.CharFilter(method="searched", help_text="The start of a file's name, or its message id.")

    class Meta:
        model = TransferredFile
        fields = ["flow", "state", "search"]

    def searched(self, found: QuerySet[TransferredFile], name: str, value: str) -> QuerySet[TransferredFile]:
        """Keep the files of a name."""
        return found & queries.transferred_files(search=value)


class TransferredFileList(generics.ListAPIView[TransferredFile]):
    """Files, what changed last first."""

    rights = {"GET": ["integration.view_transferredfile"]}
    serializer_class = TransferredFileShape
    filterset_class = FileFilters

    def get_queryset(self) -> QuerySet[TransferredFile]:
        """Give the files."""
        return queries.transferred_files()


class TransferredFileDetail(APIView):
    """One file with its history."""

    rights = {"GET": ["integration.view_transferredfile"]}

    @extend_schema(responses=TransferredFileDetailShape)
    def get(self, request: Request, file_id: int) -> Response:
        """Give a file."""
        try:
            return Response(_shown(queries.transferred_file(file_id)))
        except queries.UnknownFile as error:
            raise problems.FileNotFound(str(error)) from None


class Requeue(APIView):
    """Put a file that was not sent back into its queue."""

    rights = {"POST": ["integration.requeue_transferredfile"]}

    @extend_schema(operation_id="transferred_files_requeue", request=RequeueShape, responses=TransferredFileDetailShape)
    def post(self, request: Request, file_id: int) -> Response:
        """Give it its old name back; the next run takes it."""
        body = RequeueShape(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            file = file_requeue.requeue(
                file_id=file_id, by=request.user.get_username(), reason=body.validated_data["reason"], at=timezone.now()
            )
        except queries.UnknownFile as error:
            raise problems.FileNotFound(str(error)) from None
        except file_requeue.UnableToRequeue as error:
            raise StateConflict(str(error)) from None
        return Response(_shown(file))


def _shown(file: TransferredFile) -> Any:
    return TransferredFileDetailShape(file).data
