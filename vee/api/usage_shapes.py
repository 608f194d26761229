"""The shapes of usage transactions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vee import choices, models
from vee.api import shapes
from vee.codes import UsageIssue
from vee.usage_totals import without_trailing_zeros


class PlainExact(shapes.Exact):
    """A quantity with all its digits and no trailing zeros."""

    def to_representation(self, value: Any) -> Any:
        return without_trailing_zeros(value)


class Issue(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=[(issue.value, issue.value) for issue in UsageIssue])
    component = serializers.CharField(help_text="measuring component, empty when it is not about one")
    message = serializers.CharField()


class UsageTransactionShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="identifier", read_only=True)
    usage_subscription = serializers.CharField(source="usage_subscription.identifier")
    service_point = serializers.CharField(source="usage_subscription.service_point.identifier", read_only=True)
    recipient = serializers.CharField(source="usage_subscription.recipient", read_only=True)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=choices.UsageTransactionStatus.choices, required=False)
    calculate_after = serializers.DateTimeField(allow_null=True, required=False)
    version = serializers.IntegerField(read_only=True, help_text="of the calculation that counts; 0: none yet")
    calculated_at = serializers.DateTimeField(read_only=True, allow_null=True)
    stale = serializers.SerializerMethodField(help_text="measurements changed since the calculation")
    issues = Issue(many=True, read_only=True)
    message_id = serializers.CharField(read_only=True)
    sent_at = serializers.DateTimeField(read_only=True, allow_null=True)
    delivered_at = serializers.DateTimeField(read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)

    def get_stale(self, row: models.UsageTransaction) -> bool:
        """Whether it is to be calculated again."""
        return row.stale_since is not None


class UsageTotal(serializers.ModelSerializer[Any]):
    measuring_component = serializers.CharField(source="measuring_component.identifier")
    total = PlainExact(allow_null=True)
    conditions = serializers.DictField(child=serializers.IntegerField(), help_text="count by condition code")

    class Meta:
        model = models.UsageTransactionTotal
        fields = (
            "measuring_component", "component_kind", "uom", "total", "expected", "missing", "estimated", "user_edited",
            "negative", "conditions",
        )  # fmt: skip


class UsageTransition(serializers.ModelSerializer[Any]):
    class Meta:
        model = models.UsageTransactionTransition
        fields = ("from_status", "to_status", "at", "by", "reason")


class Correction(serializers.ModelSerializer[Any]):
    imds = serializers.ListField(child=serializers.IntegerField(), source="imd_ids")

    class Meta:
        model = models.UsageCorrection
        fields = (
            "at", "imds", "first_changed", "last_changed", "old_version", "new_version", "message_id", "queued_at",
            "problem", "delivered_at",
        )  # fmt: skip


class UsageTransactionDetail(UsageTransactionShape):
    """A usage transaction with everything that hangs on it; built from `vee.usage_queries.UsageDetail`."""

    totals = UsageTotal(many=True, read_only=True)
    new_totals = UsageTotal(many=True, read_only=True, help_text="at the time of the correction")
    transitions = UsageTransition(many=True, read_only=True)
    correction = Correction(read_only=True, allow_null=True)

    def to_representation(self, detail: Any) -> Any:
        return {
            **UsageTransactionShape(detail.transaction).data,
            "totals": UsageTotal(detail.totals, many=True).data,
            "new_totals": UsageTotal(detail.new_totals, many=True).data,
            "transitions": UsageTransition(detail.transitions, many=True).data,
            "correction": None if detail.correction is None else Correction(detail.correction).data,
        }
