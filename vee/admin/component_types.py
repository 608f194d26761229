"""Types of measuring components: what components of a kind have in common."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import display

from foundation.admin import ModelAdmin
from vee.admin.derivations import ValueDerivationInline
from vee.admin.group_filters import TypesNaming
from vee.admin.readings import interval_text
from vee.models import MeasuringComponentType


@admin.register(MeasuringComponentType)
class MeasuringComponentTypeAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """What components of a kind have in common."""

    list_display = [
        "identifier",
        "description",
        "component_kind",
        "interval",
        "uom",
        "groups",
    ]
    list_select_related = ["initial_load_group", "manual_override_group", "estimation_group"]
    list_filter = ["component_kind", "uom", TypesNaming]
    search_fields = ["identifier", "description"]
    ordering = ["identifier"]

    inlines = [ValueDerivationInline]

    @display(description=_("interval"), ordering="seconds_per_interval")
    def interval(self, kind: MeasuringComponentType) -> str:
        return interval_text(kind.seconds_per_interval) or "–"

    @display(description=_("VEE groups"))
    def groups(self, kind: MeasuringComponentType) -> str:
        loads, manual_data, estimates = kind.initial_load_group, kind.manual_override_group, kind.estimation_group
        if loads == manual_data == estimates:
            return str(loads or "–")
        of_each = {_("initial loads"): loads, _("manual data"): manual_data, _("estimates"): estimates}
        return " · ".join(f"{what}: {group or '–'}" for what, group in of_each.items())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is not None and obj.components.exists():
            return ["identifier", "component_kind", "seconds_per_interval", "scale", "uom"]
        return ["identifier"] if obj else []
