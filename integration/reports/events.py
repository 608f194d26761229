"""Events: devices reserved and taking part, as the ledgers of the flows know them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from integration import event_queries
from integration.choices import EventState
from integration.reports import addresses
from integration.reports.contract import Answer, Asked, Chart, Column, Kind, Line, Report, Row, percent, sums


_COUNTS = ("reserved", "not_reserved", "reported", "participated")


def answer(asked: Asked) -> Answer:
    """Give the events of the period with their devices."""
    labels = dict(EventState.choices)
    rows = [
        {
            **row,
            "state_name": labels.get(row["state"], row["state"]),
            "participation": percent(row["participated"], row["reported"]),
        }
        for row in event_queries.events_in(begins_at=asked.begins_at, ends_at=asked.ends_at)
    ]
    totals = sums(rows, *_COUNTS)
    columns = (
        Column(
            key="external_id",
            title=_("Event"),
            link=lambda row, _asked: addresses.rows("integration_event", id__exact=row["pk"]),
        ),
        Column(key="drms_instance_id", title=_("DERMS instance")),
        Column(key="event_type", title=_("Type")),
        Column(key="state_name", title=_("State")),
        Column(key="starts_at", title=_("Starts"), kind=Kind.INSTANT),
        Column(key="ends_at", title=_("Ends"), kind=Kind.INSTANT),
        Column(
            key="reserved",
            title=_("Devices reserved"),
            kind=Kind.COUNT,
            link=lambda row, _asked: addresses.rows(
                "integration_reservation", event__id__exact=row["pk"], state__exact="RESERVED"
            ),
        ),
        Column(
            key="not_reserved",
            title=_("Not reserved"),
            kind=Kind.COUNT,
            link=lambda row, _asked: addresses.rows(
                "integration_reservation", event__id__exact=row["pk"], state__in="FAILED,REFUSED,SENDING"
            ),
        ),
        Column(
            key="reported",
            title=_("Outcomes"),
            kind=Kind.COUNT,
            link=lambda row, _asked: addresses.rows("integration_outcome", event__id__exact=row["pk"]),
        ),
        Column(
            key="participated",
            title=_("Participated"),
            kind=Kind.COUNT,
            link=lambda row, _asked: addresses.rows(
                "integration_outcome", event__id__exact=row["pk"], outcome__exact=event_queries.SUCCESSFUL
            ),
        ),
        Column(key="participation", title=_("Participated of reported"), kind=Kind.PERCENT),
    )
    return Answer(
        columns=columns,
        rows=rows,
        totals={**totals, "participation": percent(totals["participated"], totals["reported"])},
        chart=_chart(rows) if rows else None,
    )


def _chart(rows: Sequence[Row]) -> Chart:
    return Chart(
        title=_("Devices by event"),
        labels=[row["external_id"] for row in rows],
        lines=[
            Line(title=_("Devices reserved"), values=[row["reserved"] for row in rows]),
            Line(title=_("Outcomes"), values=[row["reported"] for row in rows]),
            Line(title=_("Participated"), values=[row["participated"] for row in rows]),
        ],
    )


REPORT = Report(
    name="event_participation",
    title=_("Event participation"),
    description=_(
        "Demand-response events that start in the period: how many devices were reserved for each, how many outcomes "
        "came back, and how many devices took part. Counted from the ledgers of reservations and outcomes."
    ),
    rights=("integration.view_event", "integration.view_reservation", "integration.view_outcome"),
    period="LAST_31_DAYS",
    answer=answer,
)
