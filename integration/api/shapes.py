"""The shapes of the API of flows and runs (`api.md` 5), for answers and for the schema."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integration import choices
from integration.control_queries import condition_of
from integration.file_queries import file_progress
from integration.models import Flow, FlowRun, RunStep, RunTransition
from integration.queries import is_available


class ConditionShape(serializers.Serializer):  # type: ignore[type-arg]
    """How a flow stands: DRAINING while what was at work when it was switched off is being finished."""

    state = serializers.ChoiceField(choices=choices.FlowState.choices)
    working = serializers.IntegerField(help_text="Runs at work.")
    waiting = serializers.IntegerField(help_text="Runs that wait for a worker, or for the flow to go on.")


class FlowShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A flow, as operators see it."""

    available = serializers.SerializerMethodField()
    condition = serializers.SerializerMethodField()

    class Meta:
        model = Flow
        fields = ["name", "identifier", "display_name", "pattern", "direction", "active", "available", "condition"]
        read_only_fields = fields

    def get_available(self, flow: Flow) -> bool:
        """Whether this version can run it."""
        return is_available(flow)

    @extend_schema_field(ConditionShape)
    def get_condition(self, flow: Flow) -> Any:
        """How the flow stands."""
        known = self.context.get("conditions", {})
        return ConditionShape(known.get(flow.pk) or condition_of(flow)).data


class FaultShape(serializers.Serializer):  # type: ignore[type-arg]
    """Why a run failed."""

    type = serializers.ChoiceField(choices=choices.FaultType.choices)
    code = serializers.CharField()
    reason = serializers.CharField()


class ProgressShape(serializers.Serializer):  # type: ignore[type-arg]
    """How far a run is."""

    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    rows_per_second = serializers.FloatField(required=False, help_text="Only of a file that is being worked on.")
    seconds_left = serializers.FloatField(required=False, help_text="Only of a file that is being worked on.")


class IdentifierShape(serializers.Serializer):  # type: ignore[type-arg]
    """A business identifier."""

    name = serializers.CharField()
    value = serializers.CharField()


class StepShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """One step of a run."""

    duration_seconds = serializers.FloatField(allow_null=True, read_only=True)

    class Meta:
        model = RunStep
        fields = [
            *("sequence", "name", "attempt", "started_at", "duration_seconds"),
            *("outcome", "counts", "detail", "fault_type", "message"),
        ]
        read_only_fields = fields


class TransitionShape(serializers.Serializer):  # type: ignore[type-arg]
    """A change of a run's state."""

    from_state = serializers.CharField()
    to_state = serializers.ChoiceField(choices=choices.RunState.choices)
    at = serializers.DateTimeField()
    by = serializers.SerializerMethodField(help_text="Empty for a peer: who works here is not its business.")
    reason = serializers.CharField()

    def get_by(self, transition: RunTransition) -> str:
        """Give the name of the account, or of what did it."""
        return "" if self.context.get("for_peer") else transition.by


class FlowRunShape(serializers.ModelSerializer):  # type: ignore[type-arg]
    """A run in a list."""

    flow = serializers.CharField(source="flow.name", read_only=True)
    state = serializers.ChoiceField(choices=choices.RunState.choices, read_only=True)
    fault = serializers.SerializerMethodField()
    business_identifiers = IdentifierShape(source="identifiers", many=True, read_only=True)
    progress = serializers.SerializerMethodField()
    repeats = serializers.UUIDField(
        source="parent_id", allow_null=True, read_only=True, help_text="The run that this one repeats."
    )

    class Meta:
        model = FlowRun
        fields = [
            *("id", "flow", "kind", "repeats", "state", "ack_type", "fault", "business_identifiers", "correlation_id"),
            *("attempts", "counts", "progress", "started_at", "finished_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(FaultShape(allow_null=True))
    def get_fault(self, run: FlowRun) -> Any:
        """Give the fault; null when there was none."""
        return _fault(run)

    @extend_schema_field(ProgressShape)
    def get_progress(self, run: FlowRun) -> Any:
        """Give how far the run is."""
        return _progress(run)


class FlowRunDetailShape(FlowRunShape):
    """A run with its steps."""

    steps = StepShape(many=True, read_only=True)
    transitions = TransitionShape(many=True, read_only=True)

    class Meta(FlowRunShape.Meta):
        fields = [
            *FlowRunShape.Meta.fields,
            "lookup_versions",
            "overlay_versions",
            "response_status",
            "steps",
            "transitions",
        ]
        read_only_fields = fields


class ResubmissionShape(serializers.Serializer):  # type: ignore[type-arg]
    """Why a person resubmits, and from where: from the failed step when not said."""

    reason = serializers.CharField(max_length=1000)
    mode = serializers.ChoiceField(choices=choices.ResubmitMode.choices, default=choices.ResubmitMode.FAILED_STEP)


class BulkShape(serializers.Serializer):  # type: ignore[type-arg]
    """One action on many runs."""

    action = serializers.ChoiceField(choices=["resubmit", "replay", "discard", "restore", "abort"])
    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)
    reason = serializers.CharField(max_length=1000)
    mode = serializers.ChoiceField(choices=choices.ResubmitMode.choices, default=choices.ResubmitMode.FAILED_STEP)


class RowResultShape(serializers.Serializer):  # type: ignore[type-arg]
    """What became of one run of a bulk action."""

    run_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=["done", "refused", "unknown", "failed"])
    message = serializers.CharField()
    new_run_id = serializers.UUIDField(allow_null=True)


class ReasonShape(serializers.Serializer):  # type: ignore[type-arg]
    """Why a person does something."""

    reason = serializers.CharField(max_length=1000)


def _fault(run: FlowRun) -> Any:
    if not run.fault_type:
        return None
    return {"type": run.fault_type, "code": run.fault_code, "reason": run.fault_reason}


def _progress(run: FlowRun) -> Any:
    shown = file_progress(run, at=timezone.now())
    progress: dict[str, float | None] = {"done": run.progress_done, "total": run.progress_total}
    if shown.rows_per_second is not None:
        progress |= {"rows_per_second": shown.rows_per_second, "seconds_left": shown.seconds_left}
    return progress
