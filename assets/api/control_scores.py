"""Control scores over HTTP: what the last X1-CALAS found."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from assets import score_queries
from assets.choices import ReachForScore
from assets.models import ControlScore


class ControlScoreFilter(django_filters.FilterSet):
    """What the list can be narrowed by."""

    search = django_filters.CharFilter(method="by_search", label="part of a business identifier")
    eligible = django_filters.BooleanFilter()
    reason = django_filters.CharFilter()
    program = django_filters.CharFilter(field_name="program__code")
    device = django_filters.CharFilter(field_name="membership__device__device__identifier")
    program_subscription = django_filters.CharFilter(
        field_name="membership__subscription__usage_subscription__identifier"
    )

    class Meta:
        model = ControlScore
        fields: list[str] = []

    def by_search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to rows of which any identifier contains the text."""
        return rows.filter(
            Q(membership__device__nic_id__icontains=value)
            | Q(membership__device__device__identifier__icontains=value)
            | Q(membership__subscription__usage_subscription__identifier__icontains=value)
        )


class ControlScoreShape(serializers.Serializer[ControlScore]):
    """The score of a device in a program subscription."""

    device = serializers.CharField(source="membership.device.device.identifier")
    nic_id = serializers.CharField(source="membership.device.nic_id")
    head_end_system = serializers.CharField(source="membership.device.head_end_system.name")
    program = serializers.CharField(source="program.code")
    program_subscription = serializers.CharField(source="membership.subscription.usage_subscription.identifier")
    score = serializers.DecimalField(max_digits=9, decimal_places=2, coerce_to_string=False)
    eligible = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it is not eligible; empty when it is.")
    communication_status = serializers.ChoiceField(choices=ReachForScore.choices)
    event_count = serializers.IntegerField(help_text="Successful participations in the cycle.")
    event_limit = serializers.IntegerField()
    last_event_at = serializers.DateTimeField(allow_null=True)
    previous_score = serializers.DecimalField(max_digits=9, decimal_places=2, coerce_to_string=False, allow_null=True)
    changed_at = serializers.DateTimeField()
    scored_at = serializers.DateTimeField()
    calculation = serializers.CharField(source="version.calculation.code")
    version = serializers.IntegerField(source="version.number")


class ControlScores(ListAPIView[ControlScore]):
    """Control scores, in a stable order."""

    rights = {"GET": ["assets.view_controlscore"]}
    serializer_class = ControlScoreShape
    filterset_class = ControlScoreFilter
    queryset = ControlScore.objects.none()

    def get_queryset(self) -> QuerySet[ControlScore]:
        """Give the scores with what a line shows."""
        return score_queries.scores_for_display()
