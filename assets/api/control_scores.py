"""Control scores over HTTP: what the last X1-CALAS found."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from assets import score_queries, search_queries
from assets.choices import ReachForScore
from assets.models import ControlScore
from foundation.api.filters import SearchableByStart


class ControlScoreFilter(SearchableByStart):
    """What the list can be narrowed by."""

    search_condition = staticmethod(search_queries.control_scores)
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
