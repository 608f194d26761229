"""The shapes of answers, and of requests for the schema; typed bodies are read by msgspec structs (`house.md` D12)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from vee import choices, models


@extend_schema_field(OpenApiTypes.NUMBER)
class Exact(serializers.Field[Any, Any, Any, Any]):
    """A quantity that is written with all its digits."""

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"oneOf": [{"type": "number"}, {"type": "string", "description": "decimal"}]})
class Quantity(serializers.Field[Any, Any, Any, Any]):
    """A quantity that is read exactly: a JSON number or a decimal string."""


class ProblemError(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    retryable = serializers.BooleanField()
    ackType = serializers.CharField()  # noqa: N815  (the word of the contract)
    errors = ProblemError(many=True, required=False)  # type: ignore[assignment]  # a member of the document


class ImdRequest(serializers.Serializer[Any]):
    """Interval values for `(start, end]`, or one reading."""

    measuring_component = serializers.CharField(max_length=60)
    start = serializers.DateTimeField(required=False, help_text="with offset; not needed for a reading")
    end = serializers.DateTimeField(help_text="with offset")
    seconds_per_interval = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=86_400)
    uom = serializers.CharField(required=False, allow_null=True, max_length=20)
    kind = serializers.ChoiceField(choices=choices.ImdKind.choices, required=False)
    multiplier = Quantity(required=False, allow_null=True)
    external_id = serializers.CharField(required=False, allow_null=True, max_length=120)
    values = serializers.ListField(child=Quantity(allow_null=True), required=False)
    conditions = serializers.ListField(
        child=serializers.IntegerField(min_value=100_000, max_value=699_999, allow_null=True), required=False
    )
    reading = Quantity(required=False, allow_null=True)


class ImdAnswer(serializers.Serializer[Any]):
    """What became of one record: its id and status, or a problem."""

    id = serializers.IntegerField(required=False)
    external_id = serializers.CharField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=choices.ImdState.choices, required=False)
    error = Problem(required=False)


class ImdBrief(serializers.ModelSerializer[Any]):
    measuring_component = serializers.CharField(source="component_identifier")

    class Meta:
        model = models.InitialMeasurement
        fields = (
            "id", "external_id", "measuring_component", "start", "end", "seconds_per_interval", "kind", "state",
            "user_edited", "error", "reading_file", "created_at", "state_changed_at",
        )  # fmt: skip


class ReadingShape(serializers.Serializer[Any]):
    value = Exact(allow_null=True)
    condition = serializers.IntegerField()
    rule = serializers.CharField(allow_null=True)


class VeeException(serializers.ModelSerializer[Any]):
    measuring_component = serializers.CharField(source="imd.component_identifier")

    class Meta:
        model = models.VeeException
        fields = (
            "id", "imd", "measuring_component", "severity", "exception_type", "rule", "group", "message", "observed",
            "limit", "first_interval", "last_interval", "count", "open", "created_at", "closed_at",
        )  # fmt: skip


class ToDo(serializers.ModelSerializer[Any]):
    measuring_component = serializers.CharField(source="imd.component_identifier")
    role = serializers.CharField(source="role.name", allow_null=True, default=None)
    assigned_to = serializers.CharField(source="assigned_to.username", allow_null=True, default=None)

    class Meta:
        model = models.ToDo
        fields = (
            "id", "imd", "measuring_component", "type", "role", "assigned_to", "status", "summary", "created_at",
            "completed_at", "completed_by", "completion",
        )  # fmt: skip


class ToDoException(serializers.ModelSerializer[Any]):
    class Meta:
        model = models.VeeException
        fields = ("id", "severity", "exception_type", "rule", "message", "open")


class ToDoWithExceptions(ToDo):
    """A To Do with the exceptions of the run that it came from."""

    exceptions = serializers.SerializerMethodField()

    class Meta(ToDo.Meta):
        fields = (*ToDo.Meta.fields, "exceptions")  # type: ignore[assignment]  # one more

    @extend_schema_field(ToDoException(many=True))
    def get_exceptions(self, todo: models.ToDo) -> Any:
        found = [each for each in todo.imd.exceptions.all() if each.created_at == todo.created_at]
        return ToDoException(sorted(found, key=lambda each: each.pk), many=True).data


class Transition(serializers.ModelSerializer[Any]):
    details = serializers.JSONField(source="log.details", allow_null=True, read_only=True)

    class Meta:
        model = models.ImdTransition
        fields = ("from_state", "to_state", "at", "by", "reason", "details")


class ValueEdit(serializers.ModelSerializer[Any]):
    by = serializers.CharField(source="by.username", allow_null=True, default=None)

    class Meta:
        model = models.ImdEdit
        fields = ("interval", "old_condition", "new_condition", "by", "reason", "at")


class ImdDetail(serializers.Serializer[Any]):
    """An IMD with everything that hangs on it; built from `vee.queries.ImdDetail`."""

    id = serializers.IntegerField(source="imd.id")
    external_id = serializers.CharField(source="imd.external_id")
    measuring_component = serializers.CharField(source="imd.component_identifier")
    start = serializers.DateTimeField(source="imd.start")
    end = serializers.DateTimeField(source="imd.end")
    seconds_per_interval = serializers.IntegerField(source="imd.seconds_per_interval", allow_null=True)
    uom = serializers.CharField()
    kind = serializers.CharField(source="imd.kind")
    multiplier = Exact(source="imd.payload.multiplier", allow_null=True)
    values = serializers.SerializerMethodField()
    conditions = serializers.SerializerMethodField()
    reading = Exact(source="imd.payload.reading", allow_null=True)
    state = serializers.CharField(source="imd.state")
    error = serializers.CharField(source="imd.error")
    user_edited = serializers.BooleanField(source="imd.user_edited")
    attempts = serializers.IntegerField(source="imd.attempts")
    reading_file = serializers.UUIDField(source="imd.reading_file_id", allow_null=True)
    created_at = serializers.DateTimeField(source="imd.created_at")
    state_changed_at = serializers.DateTimeField(source="imd.state_changed_at")
    pre_vee = ReadingShape(many=True)
    post_vee = ReadingShape(many=True)
    exceptions = VeeException(many=True)
    todos = ToDo(many=True)
    transitions = Transition(many=True)
    edits = ValueEdit(many=True)

    @extend_schema_field(serializers.ListField(child=serializers.FloatField(allow_null=True), allow_null=True))
    def get_values(self, detail: Any) -> list[Any] | None:
        """The values as received; null for a reading."""
        return None if detail.imd.payload.values is None else [reading.value for reading in detail.pre_vee]

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_conditions(self, detail: Any) -> list[int]:
        """The conditions as received."""
        return [reading.condition for reading in detail.pre_vee]


class ActionRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class EditRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)
    values = serializers.DictField(child=Quantity(allow_null=True), help_text="new value by index, from 0")


class RepairRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)
    measuring_component = serializers.CharField(required=False, max_length=60)
    start = serializers.DateTimeField(required=False, help_text="with offset")
    end = serializers.DateTimeField(required=False, help_text="with offset")


class AssignRequest(serializers.Serializer[Any]):
    to = serializers.CharField(help_text="user name")


class Measurement(serializers.Serializer[Any]):
    end = serializers.DateTimeField()
    value = Exact(allow_null=True)
    condition = serializers.IntegerField()
    user_edited = serializers.BooleanField()
    reading = Exact(required=False, help_text="registers and subtractive intervals only")
    derived = serializers.DictField(
        child=Exact(allow_null=True), required=False, help_text="derived values by name, where asked for"
    )


class MeasurementPage(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = Measurement(many=True)


class ReadingFileUpload(serializers.Serializer[Any]):
    file = serializers.FileField()
    format = serializers.CharField(
        help_text="nem12, nem13, green_button, mscons, cmep, csv, or csv: and the code of a column profile"
    )
    auto_register = serializers.BooleanField(required=False)
    type = serializers.CharField(required=False, help_text="measuring component type of components that are created")


class ReadingFileReceived(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class ReadingFileError(serializers.ModelSerializer[Any]):
    class Meta:
        model = models.ReadingFileError
        fields = ("line", "code", "message")


class ReadingFileBrief(serializers.ModelSerializer[Any]):
    component_type = serializers.CharField(source="component_type.identifier", allow_null=True, default=None)

    class Meta:
        model = models.ReadingFile
        fields: tuple[str, ...] = (
            "id", "name", "format", "size", "sha256", "auto_register", "component_type", "status", "rows_read",
            "rows_accepted", "rows_rejected", "intervals", "imds", "message", "created_at", "finished_at",
        )  # fmt: skip


class ReadingFileDetail(ReadingFileBrief):
    errors = ReadingFileError(many=True, source="first_errors")  # type: ignore[assignment]  # a field of the answer

    class Meta(ReadingFileBrief.Meta):
        fields = (*ReadingFileBrief.Meta.fields, "errors")
