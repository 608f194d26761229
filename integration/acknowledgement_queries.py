"""How long acknowledgements took, from the ledgers of the flows that wait for one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Max, Q, QuerySet, Value
from django.db.models.functions import TruncDate

from foundation.percentiles import PercentileSeconds, seconds, span
from integration.models import Cancellation, DeviceStatusCheck, EnrollmentRecord, EnrollmentSync, FileAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A ledger: from when (`sent`) to when (`answered`), by which flow; `page` and `flow_lookup` find its rows."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    sent: str
    answered: str
    flow: Any
    page: str = ""


LEDGERS = (
    Ledger(
        name="enrollment_record",
        rows=EnrollmentRecord.objects.all,
        sent="received_at",
        answered="answered_at",
        flow=F("flow__name"),
    ),
    Ledger(
        name="enrollment_sync",
        rows=EnrollmentSync.objects.all,
        sent="received_at",
        answered="ack_settled_at",
        flow=Value("enrollment_sync"),
        page="integration_enrollmentsync",
    ),
    Ledger(
        name="device_status_check",
        rows=DeviceStatusCheck.objects.all,
        sent="asked_at",
        answered="answered_at",
        flow=Value("device_status_check"),
        page="integration_devicestatuscheck",
    ),
    Ledger(
        name="cancellation",
        rows=Cancellation.objects.all,
        sent="claimed_at",
        answered="settled_at",
        flow=Value("pre_event_cancel"),
        page="integration_cancellation",
    ),
    # The first pass over a file ends with the acknowledgement of its message.
    Ledger(
        name="message_file",
        rows=lambda: FileAttempt.objects.filter(number=1, run__stored_file__isnull=False),
        sent="run__stored_file__received_at",
        answered="ended_at",
        flow=F("run__flow__name"),
    ),
)


def acknowledgement_times(
    *,
    begins_at: dt.datetime,
    ends_at: dt.datetime,
    zone: ZoneInfo,
    by_day: bool,
    limits: Mapping[str, dt.timedelta],
    default_limit: dt.timedelta,
    at: dt.datetime,
    flow: str = "",
) -> Iterator[dict[str, Any]]:
    """
    Count messages sent in [begins_at, ends_at) by flow, and by day of a zone; one query for each ledger.

    Each has `flow`, `ledger`, `page`, `sent`, `acknowledged`, `waiting`, `over_limit` (answered later than the limit,
    or waiting for longer), and `median_seconds`, `p90_seconds` and `max_seconds` of those that were acknowledged.
    """
    for ledger in LEDGERS:
        limit = limits.get(ledger.name, default_limit)
        rows = (
            ledger.rows()
            .filter(**{f"{ledger.sent}__gte": begins_at, f"{ledger.sent}__lt": ends_at})
            .annotate(ledger_flow=ledger.flow, took=span(F(ledger.answered), F(ledger.sent)))
        )
        if flow:
            rows = rows.filter(ledger_flow=flow)
        if by_day:
            rows = rows.annotate(day=TruncDate(ledger.sent, tzinfo=zone))
        keys = ("day", "ledger_flow") if by_day else ("ledger_flow",)
        late = Q(took__gt=limit) | Q(**{f"{ledger.answered}__isnull": True, f"{ledger.sent}__lt": at - limit})
        counted = (
            rows.values(*keys)
            .annotate(
                sent=Count("pk"),
                acknowledged=Count(ledger.answered),
                over_limit=Count("pk", filter=late),
                median_seconds=PercentileSeconds(F("took"), 0.5),
                p90_seconds=PercentileSeconds(F("took"), 0.9),
                longest=Max("took"),
            )
            .order_by(*keys)
        )
        for row in counted:
            if not row["sent"]:
                continue  # a ledger of one flow has a group even when it is empty
            yield {
                **row,
                "flow": row["ledger_flow"],
                "ledger": ledger.name,
                "page": ledger.page,
                "sent_field": ledger.sent,
                "answered_field": ledger.answered,
                "waiting": row["sent"] - row["acknowledged"],
                "max_seconds": seconds(row["longest"]),
                "limit_seconds": limit.total_seconds(),
            }
