"""What programs and their events came to, in numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from assets.choices import ParticipationOutcome, ParticipationStatus, PerformanceStatus, SubscriptionStatus
from assets.models import Participation, Program, ProgramSubscription


def programs() -> QuerySet[Program]:
    """Give the programs, by code."""
    return Program.objects.order_by("code")


def subscriptions_by_program(*, begins_at: dt.datetime, ends_at: dt.datetime) -> dict[int, dict[str, int]]:
    """Count subscriptions that started in [begins_at, ends_at), and those active now, by program; one query."""
    started = Q(starts_at__gte=begins_at, starts_at__lt=ends_at)
    rows = (
        ProgramSubscription.objects.values("program")
        .annotate(enrolled=Count("pk", filter=started), active=Count("pk", filter=Q(status=SubscriptionStatus.ACTIVE)))
        .order_by("program")
    )
    return {row.pop("program"): row for row in rows}


def participation_sums(
    *, begins_at: dt.datetime, ends_at: dt.datetime, by_event: bool, program_code: str | None = None
) -> Sequence[dict[str, Any]]:
    """
    Add up devices' parts in events that start in [begins_at, ends_at), by program, or by event and program; one query.

    Each has `events`, `reserved` (and not canceled), `reported` and `participated` devices, `reduction_kwh` against the
    baseline, what of it is `estimated_kwh`, and how many devices are `calculated` or `not_calculated` yet.
    """
    rows = Participation.objects.filter(event__starts_at__gte=begins_at, event__starts_at__lt=ends_at)
    if program_code is not None:
        rows = rows.filter(subscription__program__code=program_code)
    keys = ["subscription__program", "subscription__program__code"]
    if by_event:
        keys = ["event__starts_at", "event", "event__external_identifier", "event__status", *keys]
    calculated = Q(performance__status=PerformanceStatus.CALCULATED)
    return list(
        rows.values(*keys)
        .annotate(
            events=Count("event", distinct=True),
            reserved=Count("pk", filter=~Q(status=ParticipationStatus.CANCELED)),
            reported=Count("pk", filter=Q(status=ParticipationStatus.REPORTED)),
            participated=Count("pk", filter=Q(outcome=ParticipationOutcome.SUCCESSFUL)),
            calculated=Count("pk", filter=calculated),
            not_calculated=Count("pk", filter=~calculated),
            reduction_kwh=Sum("performance__reduction_kwh"),
            estimated_kwh=Sum("performance__estimated_reduction_kwh"),
        )
        .order_by(*keys)
    )
