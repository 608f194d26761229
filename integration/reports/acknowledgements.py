"""How long acknowledgements took, by flow and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from integration import acknowledgement_queries, control_queries
from integration.reports import addresses
from integration.reports.contract import Answer, Asked, Chart, Column, Kind, Line, Parameter, Report, Row, sums
from lookups.queries import config_property


DEFAULT_LIMIT_MINUTES = 60
_AGREED = "deviceStatusCheck.ackTimeout"


def answer(asked: Asked) -> Answer:
    """Give sent, acknowledged, waiting and late messages with median, ninth decile and longest time."""
    minutes = asked.values["limit_minutes"]
    by_day = asked.values["group"] == "DAY"
    default = dt.timedelta(minutes=DEFAULT_LIMIT_MINUTES if minutes is None else minutes)
    agreed = config_property(_AGREED) if minutes is None else None
    names = control_queries.flow_names()
    found = acknowledgement_queries.acknowledgement_times(
        begins_at=asked.begins_at,
        ends_at=asked.ends_at,
        zone=asked.zone,
        by_day=by_day,
        limits={"device_status_check": agreed} if isinstance(agreed, dt.timedelta) else {},
        default_limit=default,
        at=asked.at,
        flow=asked.values["flow"],
    )
    rows = [{**row, "flow_name": names.get(row["flow"], row["flow"])} for row in found]
    rows.sort(key=lambda row: (row.get("day") or asked.first, row["flow_name"]))
    day = (Column(key="day", title=_("Day"), kind=Kind.DATE),) if by_day else ()
    columns = (
        *day,
        Column(key="flow_name", title=_("Flow")),
        Column(key="sent", title=_("Sent"), kind=Kind.COUNT, link=_rows),
        Column(
            key="acknowledged",
            title=_("Acknowledged"),
            kind=Kind.COUNT,
            link=lambda row, asked: _rows(row, asked, waiting=False),
        ),
        Column(
            key="waiting",
            title=_("Waiting"),
            kind=Kind.COUNT,
            link=lambda row, asked: _rows(row, asked, waiting=True),
        ),
        Column(key="median_seconds", title=_("Median"), kind=Kind.SECONDS),
        Column(key="p90_seconds", title=_("9 of 10 within"), kind=Kind.SECONDS),
        Column(key="max_seconds", title=_("Longest"), kind=Kind.SECONDS),
        Column(key="limit_seconds", title=_("Limit"), kind=Kind.SECONDS),
        Column(key="over_limit", title=_("Over the limit"), kind=Kind.COUNT, link=_late),
    )
    return Answer(
        columns=columns,
        rows=rows,
        totals=sums(rows, "sent", "acknowledged", "waiting", "over_limit"),
        chart=_chart(rows, asked) if by_day and rows else None,
    )


def _late(row: Row, asked: Asked) -> str | None:
    """Lead to what was over the limit when the report was asked for: what waits may be over it by now."""
    return _rows(row, asked, over=f"{row['limit_seconds']:g}@{asked.at.isoformat()}")


def _rows(row: Row, asked: Asked, *, waiting: bool | None = None, **filters: str) -> str | None:
    if not row["page"]:
        return None
    begins, ends = asked.begins_at, asked.ends_at
    if "day" in row:
        begins, ends = asked.midnight(row["day"]), asked.midnight(row["day"] + dt.timedelta(days=1))
    lookups: dict[str, Any] = {f"{row['sent_field']}__gte": begins, f"{row['sent_field']}__lt": ends}
    if waiting is not None:
        lookups[f"{row['answered_field']}__isnull"] = waiting
    return addresses.rows(row["page"], **lookups, **filters)


def _chart(rows: Sequence[Row], asked: Asked) -> Chart:
    days = [asked.first + dt.timedelta(days=number) for number in range((asked.last - asked.first).days + 1)]
    medians = {(row["flow_name"], row["day"]): row["median_seconds"] for row in rows}
    flows = sorted({row["flow_name"] for row in rows})
    minutes = {key: None if value is None else value / 60 for key, value in medians.items()}
    return Chart(
        title=_("Median time to acknowledgement"),
        labels=[day.isoformat() for day in days],
        lines=[Line(title=name, values=[minutes.get((name, day)) for day in days]) for name in flows],
        unit="min",
    )


REPORT = Report(
    name="acknowledgement_times",
    title=_("Acknowledgement times"),
    description=_(
        "How long it takes from a message that came in until it is acknowledged: enrollments and their syncs, device "
        "status checks, cancellations and message files. A message that waits for longer than the limit counts as over "
        "it. Without a limit given, an hour is taken, and for status checks what the property "
        "deviceStatusCheck.ackTimeout says."
    ),
    rights=(
        "integration.view_enrollmentrecord",
        "integration.view_enrollmentsync",
        "integration.view_devicestatuscheck",
        "integration.view_cancellation",
        "integration.view_storedfile",
    ),
    answer=answer,
    parameters=(
        Parameter(
            name="group",
            label=_("By"),
            choices=lambda: [("DAY", _("Day and flow")), ("FLOW", _("Flow"))],
            default="DAY",
            required=True,
        ),
        Parameter(
            name="flow",
            label=_("Flow"),
            choices=lambda: list(control_queries.flow_names().items()),
        ),
        Parameter(name="limit_minutes", label=_("Limit in minutes")),
    ),
)
