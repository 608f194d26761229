"""Data completeness and estimation share, from the sums of days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from integration.reports import addresses
from integration.reports.contract import (
    Answer,
    Asked,
    Chart,
    Column,
    Kind,
    Line,
    Parameter,
    Report,
    Row,
    percent,
    sums,
)
from vee import completeness_queries


_GROUPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "DAY": (_("Day"), ("day",)),
    "ROUTE": (_("Route"), ("route",)),
    "TYPE": (_("Component type"), ("type",)),
    "DAY_TYPE": (_("Day and component type"), ("day", "type")),
    "DAY_ROUTE": (_("Day and route"), ("day", "route")),
    "ALL": (_("Day, route and component type"), ("day", "route", "type")),
}
NO_ROUTE = "-"
_KEYS = {
    "day": Column(key="day", title=_("Day"), kind=Kind.DATE),
    "route": Column(key="route", title=_("Route")),
    "type": Column(key="type__identifier", title=_("Component type")),
}


def answer(asked: Asked) -> Answer:
    """Give expected, received, estimated and missing intervals with their shares."""
    by = _GROUPS[asked.values["group"]][1]
    wanted = asked.values["route"]
    rows = completeness_queries.completeness(
        first=asked.first,
        last=asked.last,
        by=by,
        type_identifier=asked.values["type"] or None,
        route=("" if wanted == NO_ROUTE else wanted) if wanted else None,
    )
    for row in rows:
        row |= _shares(row)
    totals = sums(rows, "expected", "received", "estimated", "missing")
    columns = (
        *(_KEYS[key] for key in by),
        Column(key="component_days", title=_("Components × days"), kind=Kind.COUNT, link=_rows),
        Column(key="expected", title=_("Expected"), kind=Kind.COUNT, unit=_("intervals")),
        Column(key="received", title=_("Received"), kind=Kind.COUNT, unit=_("intervals")),
        Column(key="estimated", title=_("Estimated"), kind=Kind.COUNT, unit=_("intervals")),
        Column(key="missing", title=_("Missing"), kind=Kind.COUNT, unit=_("intervals")),
        Column(key="received_share", title=_("Received"), kind=Kind.PERCENT),
        Column(key="estimated_share", title=_("Estimated"), kind=Kind.PERCENT),
        Column(key="missing_share", title=_("Missing"), kind=Kind.PERCENT),
    )
    return Answer(
        columns=columns,
        rows=rows,
        totals={**totals, **sums(rows, "component_days"), **_shares(totals)},
        chart=_chart(rows, by[0]) if len(by) == 1 else None,
    )


def _shares(row: Row) -> dict[str, Any]:
    return {f"{key}_share": percent(row[key], row["expected"]) for key in ("received", "estimated", "missing")}


def _rows(row: Row, asked: Asked) -> str | None:
    lookups: dict[str, Any] = {"components__gt": 0}
    lookups |= {"day__exact": row["day"]} if "day" in row else {"day__gte": asked.first, "day__lte": asked.last}
    kind = row.get("type__identifier") or asked.values["type"]
    if kind:
        lookups["type__identifier__exact"] = kind
    route = row.get("route", asked.values["route"] or None)
    if route is not None:
        lookups["route__exact"] = "" if route == NO_ROUTE else route
    return addresses.rows("vee_daycompleteness", **lookups)


def _chart(rows: Sequence[Row], by: str) -> Chart:
    key = _KEYS[by].key
    return Chart(
        title=_("Share of expected intervals"),
        labels=[str(row[key] or "–") for row in rows],
        lines=[
            Line(title=_("Received"), values=[row["received_share"] for row in rows]),
            Line(title=_("Estimated"), values=[row["estimated_share"] for row in rows]),
            Line(title=_("Missing"), values=[row["missing_share"] for row in rows]),
        ],
        unit="%",
        stacked=True,
    )


REPORT = Report(
    name="data_completeness",
    title=_("Data completeness"),
    description=_(
        "How many intervals of interval meters were to come, came, were estimated or are missing, by local day: 23 or "
        "25 hours when the clocks change. Days are added up when they are over, and again when late data changes them. "
        "Registers are left out: nothing that is known of one tells how often it is to be read."
    ),
    rights=("vee.view_daycompleteness",),
    answer=answer,
    parameters=(
        Parameter(
            name="group",
            label=_("By"),
            choices=lambda: [(name, label) for name, (label, _by) in _GROUPS.items()],
            default="DAY",
            required=True,
        ),
        Parameter(
            name="type",
            label=_("Component type"),
            choices=lambda: [(kind.identifier, kind.identifier) for kind in completeness_queries.interval_types()],
        ),
        Parameter(
            name="route",
            label=_("Route"),
            choices=lambda: [(NO_ROUTE, _("No route")), *((name, name) for name in completeness_queries.routes())],
        ),
    ),
)
