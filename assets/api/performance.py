"""Event performance by API."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from assets import choices, performance_queries
from assets.models import EventPerformance


class PerformanceFilter(django_filters.FilterSet):
    """Which performances are wanted."""

    event = django_filters.CharFilter(field_name="participation__event__external_identifier")
    nic_id = django_filters.CharFilter(field_name="participation__device__nic_id")
    program = django_filters.CharFilter(field_name="participation__subscription__program__code")
    status = django_filters.ChoiceFilter(choices=choices.PerformanceStatus.choices)

    class Meta:
        model = EventPerformance
        fields: list[str] = []


class PerformanceShape(serializers.Serializer[Any]):
    """One device's load reduction in one event; loads are mean kW per interval, the reduction is kWh."""

    event = serializers.CharField(source="participation.event.external_identifier")
    head_end_system = serializers.CharField(source="participation.device.head_end_system.name")
    nic_id = serializers.CharField(source="participation.device.nic_id")
    program = serializers.SerializerMethodField()
    outcome = serializers.CharField(source="participation.outcome")
    status = serializers.CharField()
    reason = serializers.CharField()
    method = serializers.CharField(source="method.code", default=None)
    measuring_component = serializers.CharField(source="measuring_component.identifier", default=None)
    shared_by = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    seconds_per_interval = serializers.IntegerField()
    actual = serializers.ListField(child=serializers.CharField())
    unadjusted = serializers.ListField(child=serializers.CharField())
    baseline = serializers.ListField(child=serializers.CharField())
    days = serializers.ListField(child=serializers.DateField())
    notes = serializers.ListField(child=serializers.CharField())
    raw_adjustment = serializers.DecimalField(max_digits=18, decimal_places=4)
    applied_adjustment = serializers.DecimalField(max_digits=18, decimal_places=4)
    reduction_kwh = serializers.DecimalField(max_digits=18, decimal_places=4)
    highest_drop_kw = serializers.DecimalField(max_digits=18, decimal_places=4)
    intervals = serializers.IntegerField()
    estimated_intervals = serializers.IntegerField()
    estimated_reduction_kwh = serializers.DecimalField(max_digits=18, decimal_places=4)
    estimated_baseline_intervals = serializers.IntegerField()
    stale = serializers.BooleanField()
    calculated_at = serializers.DateTimeField()

    def get_program(self, row: EventPerformance) -> str:
        """Give the code of the program, empty when the device was in none."""
        subscription = row.participation.subscription
        return subscription.program.code if subscription else ""


class EventPerformances(ListAPIView[Any]):
    """Load reductions, latest first."""

    rights = {"GET": ["assets.view_eventperformance"]}
    queryset = performance_queries.for_display().order_by("-participation")
    serializer_class = PerformanceShape
    filterset_class = PerformanceFilter
