"""The base classes of every page in the admin: the theme is named here and nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, get_fields_from_path, reverse_field_path
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold.admin import ModelAdmin as ThemedModelAdmin
from unfold.admin import StackedInline as ThemedStackedInline
from unfold.admin import TabularInline as ThemedTabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from foundation.counting import first_by_values
from foundation.words import in_words


# A list is counted no further than this: nobody turns two thousand pages, and counting millions takes seconds.
COUNTED = 100_000
# Columns of texts that the system keeps in English (`foundation.kept_texts`).
KEPT_TEXTS = frozenset(
    {"ack_error", "completion", "error", "fault_reason", "fault_text", "hold_reason", "last_error", "limit",
     "mail_trouble", "message", "note", "observed", "outcome_text", "reason", "summary"}
)  # fmt: skip
# Among so many of the latest rows a filter looks for what can be chosen.
SEEN = 2_000


class AtLeast(int):
    """A number of rows that was not counted to its end; it says so where it is shown."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


def bounded(count: int) -> int:
    """Give a number of rows, or that it is `COUNTED` at least."""
    return AtLeast(COUNTED) if count > COUNTED else count


def bounded_count(rows: QuerySet[Any]) -> int:
    """Count rows, no further than `COUNTED`."""
    # By their keys alone: what a list looks up for each row would be looked up for all that are counted.
    return bounded(rows.order_by().values("pk")[: COUNTED + 1].count())


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a list; opens one of millions of rows as fast as one of a hundred thousand."""

    @cached_property
    def count(self) -> int:
        """Give the number of rows, or `COUNTED` of them when there are more."""
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet) or rows.query.is_sliced:
            return super().count
        return bounded_count(rows)


class SeenValuesFilter(admin.AllValuesFieldListFilter):
    """
    The values that a column has in the latest rows, and the chosen one: all values of millions of rows are not asked.

    A subclass may name values that are to be offered in any case.
    """

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        owner, _reverse = reverse_field_path(model, field_path)
        latest = first_by_values(owner._default_manager.order_by("-pk"), field.name, at_most=SEEN - 1)
        found = {*(field.to_python(value) for (value,) in latest), *self.known(), *(self.lookup_val or ())}
        empty = {None} & found
        # They are gone through, and nothing else is asked of them.
        self.lookup_choices = [*sorted(found - empty), *empty]  # type: ignore[assignment]

    def known(self) -> Iterable[Any]:
        """Give values that are offered whether rows have them or not."""
        return ()


class ModelAdmin(ThemedModelAdmin):  # type: ignore[misc]
    """Base of all admin pages."""

    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    list_fullwidth = True
    warn_unsaved_form = True
    compressed_fields = True

    search_condition: Callable[[str], Q] | None = None
    """Gives the condition for what a person looks for; None: `search_fields` say it."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the page's own condition, where it has one: what finds a row among millions is said by hand."""
        condition = type(self).search_condition
        if condition is None:
            found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
            return found
        return (queryset.filter(condition(search_term)) if search_term.strip() else queryset), False

    def message_user(self, request: HttpRequest, message: Any, level: Any = messages.INFO, *args: Any) -> None:
        """Tell the person something; a text that is kept in English, such as a refusal, in their language."""
        super().message_user(request, in_words(message) if type(message) is str else message, level, *args)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Give the filters; one of plain values offers those that were seen lately."""
        return [
            (each, SeenValuesFilter) if isinstance(each, str) and self._of_plain_values(each) else each
            for each in super().get_list_filter(request)
        ]

    def _of_plain_values(self, path: str) -> bool:
        field = get_fields_from_path(self.model, path)[-1]
        has_own = isinstance(field, models.BooleanField | models.DateField)
        return not (has_own or field.is_relation or getattr(field, "choices", None))


class TabularInline(ThemedTabularInline):  # type: ignore[misc]
    """Base of all inline tables; each field is named for those who do not see the head of its column."""

    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the field's input as its column is headed."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and not field.widget.is_hidden:
            # A choice of records is wrapped by what stands beside it.
            inner = getattr(field.widget, "widget", field.widget)
            inner.attrs.setdefault("aria-label", capfirst(field.label))
        return field


class StackedInline(ThemedStackedInline):  # type: ignore[misc]
    """Base of all stacked inlines."""

    extra = 0


def local_moment(at: dt.datetime | None) -> str:
    """Write an instant in the zone of whoever looks at the page, which its header names; a dash where there is none."""
    return "–" if at is None else f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"


@lru_cache(maxsize=256)
def _kept_column(model: type[models.Model], name: str) -> Callable[[Any], str]:
    @display(description=model._meta.get_field(name).verbose_name, ordering=name)  # type: ignore[union-attr]
    def column(row: Any) -> str:
        return in_words(getattr(row, name))

    column.__name__ = name
    return column


class _ReadOnly:
    model: type[models.Model]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [self._in_words(each) for each in super().get_list_display(request)]  # type: ignore[misc]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        links = super().get_list_display_links(request, list_display)  # type: ignore[misc]
        return links and [self._in_words(each) for each in links]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        found = super().get_fieldsets(request, obj)  # type: ignore[misc]
        return [(name, {**options, "fields": self._all_in_words(options["fields"])}) for name, options in found]

    def _all_in_words(self, fields: Iterable[Any]) -> list[Any]:
        return [
            tuple(self._all_in_words(each)) if isinstance(each, list | tuple) else self._in_words(each)
            for each in fields
        ]

    def _in_words(self, name: Any) -> Any:
        kept = name in KEPT_TEXTS and any(field.name == name for field in self.model._meta.fields)
        return _kept_column(self.model, name) if kept else name

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

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Give the rows; a text in the reader's language is no field of a form."""
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return super().get_formset(request, obj, fields=[each for each in shown if isinstance(each, str)], **kwargs)


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
