"""What is read of the completeness of days."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F, QuerySet, Sum

from vee.models import DayCompleteness, MeasuringComponentType


def completeness(
    *, first: dt.date, last: dt.date, by: tuple[str, ...], type_identifier: str | None = None, route: str | None = None
) -> list[dict[str, Any]]:
    """
    Give sums over local days from `first` to `last`, both inclusive, by some of `day`, `type` and `route`; one query.

    Each has the keys of `by`, with `type__identifier` for the type; `component_days` (each component once
    for each day), and the expected, received, estimated and missing intervals.
    """
    rows = DayCompleteness.objects.filter(day__gte=first, day__lte=last, components__gt=0)
    if type_identifier is not None:
        rows = rows.filter(type__identifier=type_identifier)
    if route is not None:
        rows = rows.filter(route=route)
    keys = ["type__identifier" if key == "type" else key for key in by]
    return list(
        rows.values(*keys)
        .annotate(
            component_days=Sum("components"),
            expected=Sum("expected"),
            received=Sum("received"),
            estimated=Sum("estimated"),
        )
        .annotate(missing=F("expected") - F("received") - F("estimated"))
        .order_by(*keys)
    )


def interval_types() -> QuerySet[MeasuringComponentType]:
    """Give the types whose completeness is added up, by identifier."""
    return MeasuringComponentType.objects.exclude(component_kind="SCALAR").order_by("identifier")


def routes() -> list[str]:
    """Give the measurement cycle routes that days were added up for."""
    return list(DayCompleteness.objects.exclude(route="").order_by("route").values_list("route", flat=True).distinct())
