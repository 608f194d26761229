"""Filters of lists by VEE group: the same rows that a group's page counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vee import where_used_queries
from vee.models import VeeGroup, VeeRule


class _OfGroup(admin.SimpleListFilter):
    title = _("VEE group")
    parameter_name = "vee_group"
    rows: Callable[[VeeGroup], Any]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), code) for pk, code in VeeGroup.objects.order_by("code").values_list("pk", "code")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value is None:
            return queryset
        group = VeeGroup.objects.filter(pk=value).first() if value.isdecimal() else None
        if group is None:
            return queryset.none()
        return queryset.filter(pk__in=type(self).rows(group).values("pk"))


class TypesNaming(_OfGroup):
    """Types that name the group for a role."""

    rows = staticmethod(where_used_queries.types_naming)


class ComponentsPassing(_OfGroup):
    """Components whose data passes the group."""

    title = _("data passes the VEE group")
    rows = staticmethod(where_used_queries.components_passing)


class ComponentsNaming(_OfGroup):
    """Components that name the group themselves."""

    title = _("names the VEE group itself")
    parameter_name = "own_vee_group"
    rows = staticmethod(where_used_queries.components_naming)


class ServicePointsPassing(_OfGroup):
    """Service points whose data passes the group."""

    title = _("data passes the VEE group")
    rows = staticmethod(where_used_queries.service_points_passing)


class GroupsWithRule(admin.SimpleListFilter):
    """Groups that have a rule, whatever its period."""

    title = _("rule")
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in VeeRule.objects.order_by("rule").values_list("rule", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        return queryset if value is None else queryset.filter(pk__in=VeeRule.objects.filter(rule=value).values("group"))
