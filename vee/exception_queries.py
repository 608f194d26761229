"""What is read of exceptions in numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q
from django.db.models.functions import TruncWeek

from foundation.percentiles import PercentileSeconds, span
from vee.engine import registry
from vee.models import VeeException, VeeExceptionType, VeeRule


def exceptions_by_week(
    *, begins_at: dt.datetime, ends_at: dt.datetime, zone: ZoneInfo, **only: str
) -> list[dict[str, Any]]:
    """
    Count exceptions that were raised in [begins_at, ends_at) by ISO week of a zone, rule, type and severity; one query.

    Each has `week` (the Monday at midnight), `rule_title`, `opened`, of these `closed` and `still_open`, and
    `median_seconds` from raising to closing. `only` narrows by `rule`, `exception_type` or `severity`.
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
    return [{**row, "rule_title": registry.title_of(row["rule"])} for row in counted]


def rules_in_use() -> list[tuple[str, str]]:
    """Give the rules that groups hold, each with its title, in the order of these."""
    names = VeeRule.objects.order_by().values_list("rule", flat=True).distinct()
    return sorted(((name, registry.title_of(name)) for name in names), key=lambda rule: (rule[1], rule[0]))


def exception_type_codes() -> list[str]:
    """Give the codes of exception types."""
    return list(VeeExceptionType.objects.order_by("code").values_list("code", flat=True))
