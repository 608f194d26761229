"""The work queue's filters, and what comes next in the list that a person works through."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from vee import queries, todo_ages
from vee.choices import OPEN_TODO_STATUSES, ToDoStatus
from vee.models import ToDo


FILTERS_PARAMETER = "_changelist_filters"
"""How the admin hands the filters of a list on to the pages of its rows."""


class AssignedFilter(admin.SimpleListFilter):
    """Mine, nobody's, one person's, or everybody's."""

    title = _("assigned")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        people = [(str(pk), name) for pk, name in queries.people_with_work()]
        return [("me", _("To me")), ("nobody", _("To nobody")), *people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "me":
            return queryset.filter(assigned_to_id=request.user.pk)
        if value == "nobody":
            return queryset.filter(assigned_to__isnull=True)
        if value is None:
            return queryset
        return queryset.filter(assigned_to_id=int(value)) if value.isdecimal() and len(value) < 19 else queryset.none()


class OpenFilter(admin.SimpleListFilter):
    """Open work unless something else is asked for."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All")), *ToDoStatus.choices]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Open work"),
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset.filter(status__in=OPEN_TODO_STATUSES)
        if self.value() == "all":
            return queryset
        return queryset.filter(status=self.value())


class AgeFilter(admin.SimpleListFilter):
    """How long a To Do has waited."""

    title = _("age")
    parameter_name = "older_than"
    DAYS = (1, 3, 7, 30)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        named = [(1, _("Over a day")), (3, _("Over 3 days")), (7, _("Over a week")), (30, _("Over 30 days"))]
        # The steps of the home page; the last of them is one of the others.
        steps = [(name, title) for name, (title, _least, below) in todo_ages.AGES.items() if below is not None]
        return [*steps, *((str(days), title) for days, title in named)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in todo_ages.AGES:
            return queryset.filter(todo_ages.of_age(str(self.value()), at=timezone.now()))
        if self.value() not in {str(days) for days in self.DAYS}:
            return queryset
        return queryset.filter(created_at__lt=timezone.now() - dt.timedelta(days=int(str(self.value()))))


def quick_views(request: HttpRequest) -> list[dict[str, Any]]:
    """Give the views of the queue that are asked for most, with the keys that open them."""
    address = reverse("admin:vee_todo_changelist")
    asked = request.GET.dict()
    views = [
        ("a", _("All open"), {}),
        ("m", _("Mine"), {"assigned": "me"}),
        ("u", _("Unassigned"), {"assigned": "nobody"}),
        ("y", _("Over a day old"), {"older_than": "1"}),
    ]
    return [
        {
            "key": key,
            "title": title,
            "address": f"{address}?{urlencode(filters)}" if filters else address,
            "chosen": asked == filters,
        }
        for key, title, filters in views
    ]


def with_filters(address: str, request: HttpRequest, **more: str) -> str:
    """Give an address that carries the filters of the list that the person came from."""
    filters = request.GET.get(FILTERS_PARAMETER, "")
    asked = {**more, **({FILTERS_PARAMETER: filters} if filters else {})}
    return f"{address}?{urlencode(asked)}" if asked else address


def list_address(request: HttpRequest) -> str:
    """Give the address of the list with the filters that the person came with."""
    filters = request.GET.get(FILTERS_PARAMETER, "")
    address = reverse("admin:vee_todo_changelist")
    return f"{address}?{filters}" if filters else address


def next_id(model_admin: Any, request: HttpRequest, *, after: ToDo) -> int | None:
    """Give the next To Do of the list that the person works through; filters that say nothing are passed over."""
    asked = copy.copy(request)
    asked.GET = QueryDict(request.GET.get(FILTERS_PARAMETER, ""))  # type: ignore[assignment]
    try:
        among = model_admin.get_changelist_instance(asked).get_queryset(asked)
    except IncorrectLookupParameters:
        among = queries.open_todos()
    return queries.next_todo_id(after=after, among=among, by=request.user)
