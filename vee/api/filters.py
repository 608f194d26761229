"""What lists can be narrowed by; every list takes `search` over its business identifiers."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from foundation.api.filters import InstantFilter, SearchableByStart
from vee import choices, models, search_queries


class Searchable(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Adds `search` to a list of configuration: part of any of the `searched` texts, whatever the case."""

    searched: tuple[str, ...] = ()
    search = django_filters.CharFilter(method="by_search", label="part of a business identifier")

    def by_search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to rows of which any searched identifier contains the text."""
        wanted = Q()
        for field in self.searched:
            wanted |= Q(**{f"{field}__icontains": value})
        return rows.filter(wanted)


class IdFilter(django_filters.NumberFilter):  # type: ignore[misc]
    """The id of a row; a number that no database holds as one is refused."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=0, max_value=2**63 - 1, **kwargs)


class ImdFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.imds)
    state = django_filters.ChoiceFilter(choices=choices.ImdState.choices)
    kind = django_filters.ChoiceFilter(choices=choices.ImdKind.choices)
    measuring_component = django_filters.CharFilter(field_name="component_identifier")
    external_id = django_filters.CharFilter()
    reading_file = django_filters.UUIDFilter()

    class Meta:
        model = models.InitialMeasurement
        fields: list[str] = []


class VeeExceptionFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.exceptions)
    imd = IdFilter()
    exception_type = django_filters.CharFilter()
    rule = django_filters.CharFilter()
    severity = django_filters.ChoiceFilter(choices=choices.Severity.choices)
    open = django_filters.BooleanFilter()

    class Meta:
        model = models.VeeException
        fields: list[str] = []


class ToDoFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.todos)
    imd = IdFilter()
    status = django_filters.ChoiceFilter(choices=choices.ToDoStatus.choices)
    type = django_filters.CharFilter(field_name="type__code")
    role = django_filters.CharFilter(field_name="role__name")

    class Meta:
        model = models.ToDo
        fields: list[str] = []


class ReadingFileFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.reading_files)
    status = django_filters.ChoiceFilter(choices=choices.ReadingFileStatus.choices)
    format = django_filters.CharFilter()

    class Meta:
        model = models.ReadingFile
        fields: list[str] = []


class UsageTransactionFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.usage_transactions)
    usage_subscription = django_filters.CharFilter(field_name="usage_subscription__identifier")
    service_point = django_filters.CharFilter(field_name="usage_subscription__service_point__identifier")
    recipient = django_filters.CharFilter(field_name="usage_subscription__recipient")
    status = django_filters.MultipleChoiceFilter(choices=choices.UsageTransactionStatus.choices)
    start_from = InstantFilter(field_name="start", lookup_expr="gte")
    start_before = InstantFilter(field_name="start", lookup_expr="lt")
    end_after = InstantFilter(field_name="end", lookup_expr="gt")
    stale = django_filters.BooleanFilter(field_name="stale_since", lookup_expr="isnull", exclude=True)

    class Meta:
        model = models.UsageTransaction
        fields: list[str] = []


class ServicePointFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.service_points)
    time_zone = django_filters.CharFilter()

    class Meta:
        model = models.ServicePoint
        fields: list[str] = []


class DeviceFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.devices)
    service_point = django_filters.CharFilter(field_name="service_point__identifier")

    class Meta:
        model = models.Device
        fields: list[str] = []


class ColumnProfileFilter(Searchable):
    searched = ("code", "description")

    class Meta:
        model = models.ColumnProfile
        fields: list[str] = []


class MeasuringComponentTypeFilter(Searchable):
    searched = ("identifier", "description")
    component_kind = django_filters.ChoiceFilter(choices=choices.ComponentKind.choices)

    class Meta:
        model = models.MeasuringComponentType
        fields: list[str] = []


class MeasuringComponentFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.placed_components)
    type = django_filters.CharFilter(field_name="type__identifier")
    device = django_filters.CharFilter(field_name="device__identifier")
    service_point = django_filters.CharFilter(field_name="service_point__identifier")

    class Meta:
        model = models.MeasuringComponent
        fields: list[str] = []


class UsageSubscriptionFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.usage_subscriptions)
    service_point = django_filters.CharFilter(field_name="service_point__identifier")
    recipient = django_filters.CharFilter()

    class Meta:
        model = models.UsageSubscription
        fields: list[str] = []
