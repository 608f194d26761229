"""Above the list of runs: windows of time, and how many runs of the chosen window are in each state."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foundation.admin import COUNTED, bounded_count
from foundation.counting import counts_by_value
from integration.admin import badges
from integration.choices import RunState
from integration.models import FlowRun


WINDOWS = {
    "1h": (_("Last hour"), dt.timedelta(hours=1)),
    "24h": (_("Last 24 hours"), dt.timedelta(hours=24)),
    "7d": (_("Last 7 days"), dt.timedelta(days=7)),
    "30d": (_("Last 30 days"), dt.timedelta(days=30)),
}
_STATE = "state__exact"
_RANGE = ("started_at_from_0", "started_at_from_1", "started_at_to_0", "started_at_to_1")


class WindowFilter(SimpleListFilter):
    """Runs that started within a while before now."""

    title = _("Window")
    parameter_name = "window"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        """Give the windows."""
        return [(key, label) for key, (label, _length) in WINDOWS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the runs."""
        if self.value() not in WINDOWS:
            return queryset
        return queryset.filter(started_at__gte=timezone.now() - WINDOWS[str(self.value())][1])


def context(request: HttpRequest, shown: ChangeList) -> dict[str, Any]:
    """Give the links to the windows, and the numbers by state of what the other filters leave."""
    chosen = request.GET.get("window", "")
    free = any(request.GET.get(name) for name in _RANGE)
    anew = ["p", *_RANGE]
    windows = [
        {"label": label, "address": shown.get_query_string({"window": key}, anew), "chosen": key == chosen}
        for key, (label, _length) in WINDOWS.items()
    ]
    always = {
        "label": _("Always"),
        "address": shown.get_query_string({}, ["window", *anew]),
        "chosen": chosen not in WINDOWS and not free,
    }
    return {"windows": [*windows, always], "free_window": free, "states": _states(request, shown)}


def _states(request: HttpRequest, shown: ChangeList) -> list[dict[str, Any]]:
    rows = _without_state(request, shown)
    wanted = request.GET.get(_STATE)
    states = []
    # What a search finds is found once for all states; of all runs each state has an index.
    found = counts_by_value(rows, "state", at_most=COUNTED) if shown.query else None
    for state in RunState:
        count = bounded_count(rows.filter(state=state)) if found is None else found.get(state.value, 0)
        states.append(
            {
                "code": state.value,
                "label": state.label,
                "text": str(count),
                "bad": state == RunState.FAILED and count > 0,
                "badge": badges.RUN_STATES[state],
                "chosen": wanted == state.value,
                "address": shown.get_query_string(
                    {} if wanted == state.value else {_STATE: state.value},
                    ["p", _STATE] if wanted == state.value else ["p"],
                ),
            }
        )
    return states


def _without_state(request: HttpRequest, shown: ChangeList) -> QuerySet[FlowRun]:
    """Give the runs that all filters but that on the state leave."""
    by_state = next((each for each in shown.filter_specs if _STATE in each.expected_parameters()), None)
    rows: QuerySet[FlowRun] = shown.get_queryset(
        request, exclude_parameters=by_state.expected_parameters() if by_state else None
    )
    return rows
