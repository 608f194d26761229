"""What is read of exceptions in numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q
from django.db.models.functions import TruncWeek

from foundation.percentiles import PercentileSeconds, span
from vee.models import VeeException, VeeExceptionType, VeeRule


def exceptions_by_week(
    *, begins_at: dt.datetime, ends_at: dt.datetime, zone: ZoneInfo, **only: str
) -> list[dict[str, Any]]:
    """
    Count exceptions that were raised in [begins_at, ends_at) by ISO week of a zone, rule, type and severity; one query.

    Each has `week` (the Monday at midnight), `opened`, of these `closed` and `still_open`, and `median_seconds` from
    raising to closing. `only` narrows by `rule`, `exception_type` or `severity`.
    """
    rows = VeeException.objects.filter(created_at__gte=begins_at, created_at__lt=ends_at, **only)
    counted = (
        rows.annotate(week=TruncWeek("created_at", tzinfo=zone))
        .values("week", "rule", "exception_type", "severity")
        .annotate(
            opened=Count("pk"),
            closed=Count("pk", filter=Q(open=False)),
            still_open=Count("pk", filter=Q(open=True)),
            median_seconds=PercentileSeconds(span(F("closed_at"), F("created_at")), 0.5),
        )
        .order_by("week", "rule", "exception_type", "severity")
    )
    return [dict(row) for row in counted]


def rule_names() -> list[str]:
    """Give the names of rules that groups hold."""
    return list(VeeRule.objects.order_by("rule").values_list("rule", flat=True).distinct())


def exception_type_codes() -> list[str]:
    """Give the codes of exception types."""
    return list(VeeExceptionType.objects.order_by("code").values_list("code", flat=True))
