"""Filters of lists that the API has everywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django_filters.fields import IsoDateTimeField


class InstantField(IsoDateTimeField):
    """An ISO 8601 date-time, given in UTC: PostgreSQL refuses offsets of 16 hours and more, which ISO 8601 allows."""

    def to_python(self, value: Any) -> Any:
        """
        Read an instant.

        :raises ValidationError: when it is none, or lies outside the years 1 to 9999 in UTC.
        """
        found = super().to_python(value)
        try:
            return found.astimezone(dt.UTC) if isinstance(found, dt.datetime) else found
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class InstantFilter(django_filters.IsoDateTimeFilter):
    """A filter by an instant, with an offset as whoever asks likes it."""

    field_class = InstantField


class SearchableByStart(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    """Adds `search` to a list that grows: the start of a business identifier, as `search_condition` finds it."""

    search_condition: Callable[[str], Q]
    search = django_filters.CharFilter(method="by_search", label="the start of a business identifier")

    def by_search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to rows that the condition finds."""
        return rows.filter(type(self).search_condition(value)) if value.strip() else rows
