"""The base classes of every page in the admin: the theme is named here and nowhere else."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin as ThemedModelAdmin
from unfold.admin import StackedInline as ThemedStackedInline
from unfold.admin import TabularInline as ThemedTabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter


# A list is counted no further than this: nobody turns two thousand pages, and counting millions takes seconds.
COUNTED = 100_000


class AtLeast(int):
    """A number of rows that was not counted to its end; it says so where it is shown."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a list; opens one of millions of rows as fast as one of a hundred thousand."""

    @cached_property
    def count(self) -> int:
        """Give the number of rows, or `COUNTED` of them when there are more."""
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet) or rows.query.is_sliced:
            return super().count
        # By their keys alone: what the list looks up for each row would be looked up for all that are counted.
        counted = rows.order_by().values("pk")[: COUNTED + 1].count()
        return AtLeast(COUNTED) if counted > COUNTED else counted


class ModelAdmin(ThemedModelAdmin):  # type: ignore[misc]
    """Base of all admin pages."""

    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    list_fullwidth = True
    warn_unsaved_form = True
    compressed_fields = True


class TabularInline(ThemedTabularInline):  # type: ignore[misc]
    """Base of all inline tables."""

    extra = 0


class StackedInline(ThemedStackedInline):  # type: ignore[misc]
    """Base of all stacked inlines."""

    extra = 0


def local_moment(at: dt.datetime | None) -> str:
    """Write an instant in the zone of whoever looks at the page, which its header names; a dash where there is none."""
    return "–" if at is None else f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EvidenceAdmin(_ReadOnly, ModelAdmin):
    """Base of records that are evidence: nobody adds, changes or deletes them; their only verbs are actions."""


class EvidenceInline(_ReadOnly, TabularInline):
    """Base of evidence shown inside another record."""


class InstantRangeFilter(RangeDateTimeFilter):  # type: ignore[misc]
    """From and to, in the time zone of whoever asks; a date without a time means its first moment."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        narrowed = queryset
        for side, lookup in (("from", "gte"), ("to", "lte")):
            date = self.used_parameters.get(f"{self.parameter_name}_{side}_0")
            time = self.used_parameters.get(f"{self.parameter_name}_{side}_1") or "00:00:00"
            if not date:
                continue
            try:
                naive = parse_datetime(f"{date} {time}")
            except ValueError:
                naive = None
            if naive is None or timezone.is_aware(naive):
                return queryset.none()
            narrowed = narrowed.filter(**{f"{self.parameter_name}__{lookup}": timezone.make_aware(naive)})
        return narrowed
