"""Programs and their events on the DACS side: who is enrolled, who took part, what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from assets import program_queries, queries
from assets.choices import ParticipationOutcome, ParticipationStatus, SubscriptionStatus
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


NAME = "program_performance"
_SUMMED = ("reserved", "reported", "participated", "not_calculated", "reduction_kwh", "estimated_kwh")


def answer(asked: Asked) -> Answer:
    """Give programs, or their events, with devices and energy against the baseline."""
    by_event = asked.values["group"] == "EVENT"
    code = asked.values["program"] or None
    found = program_queries.participation_sums(
        begins_at=asked.begins_at, ends_at=asked.ends_at, by_event=by_event, program_code=code
    )
    rows: list[Row] = [
        {
            **row,
            "program": row["subscription__program__code"] or "",
            "share": percent(row["participated"], row["reported"]),
            "estimated_share": percent(row["estimated_kwh"], row["reduction_kwh"]),
        }
        for row in found
    ]
    if not by_event:
        rows = _with_subscriptions(rows, asked, code)
    totals: dict[str, Any] = sums(rows, *_SUMMED, *(() if by_event else ("enrolled", "active")))
    totals["share"] = percent(totals["participated"], totals["reported"])
    totals["estimated_share"] = percent(totals["estimated_kwh"], totals["reduction_kwh"])
    return Answer(
        columns=(*(_event_columns() if by_event else _program_columns()), *_figures()),
        rows=rows,
        totals=totals,
        chart=_chart(rows, by_event=by_event) if rows else None,
    )


def _with_subscriptions(rows: Sequence[Row], asked: Asked, code: str | None) -> list[Row]:
    counts = program_queries.subscriptions_by_program(begins_at=asked.begins_at, ends_at=asked.ends_at)
    by_program = {row["subscription__program"]: row for row in rows}
    nothing = dict.fromkeys(("events", "reserved", "reported", "participated", "not_calculated"), 0)
    found: list[Row] = []
    for program in program_queries.programs():
        if code is not None and program.code != code:
            continue
        subscriptions = counts.get(program.pk, {"enrolled": 0, "active": 0})
        found.append(
            {"program": program.code, "subscription__program": program.pk, **nothing, **subscriptions}
            | dict(by_program.pop(program.pk, {}))
        )
    # Devices that were in no subscription when they took part.
    return [*found, *by_program.values()]


def _program_columns() -> tuple[Column, ...]:
    return (
        Column(key="program", title=_("Program")),
        Column(
            key="enrolled",
            title=_("Enrolled in the period"),
            kind=Kind.COUNT,
            link=lambda row, asked: _subscriptions(row, starts_at__gte=asked.begins_at, starts_at__lt=asked.ends_at),
        ),
        Column(
            key="active",
            title=_("Active now"),
            kind=Kind.COUNT,
            link=lambda row, _asked: _subscriptions(row, status__exact=SubscriptionStatus.ACTIVE.value),
        ),
        Column(key="events", title=_("Events"), kind=Kind.COUNT, link=_events),
    )


def _event_columns() -> tuple[Column, ...]:
    return (
        Column(key="event__starts_at", title=_("Starts"), kind=Kind.INSTANT),
        Column(
            key="event__external_identifier",
            title=_("Event"),
            link=lambda row, _asked: addresses.rows("assets_programevent", id__exact=row["event"]),
        ),
        Column(key="program", title=_("Program")),
    )


def _figures() -> tuple[Column, ...]:
    return (
        Column(
            key="reserved",
            title=_("Devices reserved"),
            kind=Kind.COUNT,
            link=lambda row, asked: _parts(row, asked, status__in="RESERVED,REPORTED"),
        ),
        Column(
            key="reported",
            title=_("Outcomes"),
            kind=Kind.COUNT,
            link=lambda row, asked: _parts(row, asked, status__exact=ParticipationStatus.REPORTED.value),
        ),
        Column(
            key="participated",
            title=_("Participated"),
            kind=Kind.COUNT,
            link=lambda row, asked: _parts(row, asked, outcome__exact=ParticipationOutcome.SUCCESSFUL.value),
        ),
        Column(key="share", title=_("Participated of reported"), kind=Kind.PERCENT),
        Column(key="reduction_kwh", title=_("Reduction against baseline"), kind=Kind.QUANTITY, unit="kWh"),
        Column(key="estimated_share", title=_("Of it estimated"), kind=Kind.PERCENT),
        Column(
            key="not_calculated",
            title=_("Devices without a figure"),
            kind=Kind.COUNT,
            link=lambda row, asked: _parts(row, asked, figure="missing"),
        ),
    )


def _subscriptions(row: Row, **lookups: Any) -> str | None:
    if row["subscription__program"] is None:
        return None
    return addresses.rows("assets_programsubscription", program__id__exact=row["subscription__program"], **lookups)


def _parts(row: Row, asked: Asked, **lookups: Any) -> str | None:
    program = row["subscription__program"]
    if program is None:
        # The list can be narrowed to a program, and not to none.
        return None
    # An event of several programs has a row for each.
    if "event" in row:
        period: dict[str, Any] = {"event__id__exact": row["event"]}
    else:
        period = {"event__starts_at__gte": asked.begins_at, "event__starts_at__lt": asked.ends_at}
    return addresses.rows("assets_participation", subscription__program__id__exact=program, **period, **lookups)


def _events(row: Row, asked: Asked) -> str | None:
    if row["subscription__program"] is None:
        return None
    given = {
        "group": "EVENT",
        "program": row["program"],
        "period": "CUSTOM",
        "since": asked.first.isoformat(),
        "until": asked.last.isoformat(),
    }
    return f"{reverse('admin:integration_report', args=[NAME])}?{urlencode(given)}"


def _chart(rows: Sequence[Row], *, by_event: bool) -> Chart:
    def energy(row: Row) -> float | None:
        value = row.get("reduction_kwh")
        return None if value is None else float(value)

    return Chart(
        title=_("Reduction against baseline"),
        labels=[str(row["event__external_identifier"] if by_event else row["program"] or "–") for row in rows],
        lines=[Line(title=_("Reduction"), values=[energy(row) for row in rows])],
        unit="kWh",
        stacked=True,
    )


REPORT = Report(
    name=NAME,
    title=_("Program performance"),
    description=_(
        "Programs of the DACS side, or their events: customers enrolled in the period and active now, devices reserved "
        "and taking part in events that start in the period, and the energy that they saved against their baselines."
    ),
    rights=("assets.view_programsubscription", "assets.view_participation", "assets.view_eventperformance"),
    period="LAST_31_DAYS",
    answer=answer,
    offered=queries.is_on,
    parameters=(
        Parameter(
            name="group",
            label=_("By"),
            choices=lambda: [("PROGRAM", _("Program")), ("EVENT", _("Event"))],
            default="PROGRAM",
            required=True,
        ),
        Parameter(
            name="program",
            label=_("Program"),
            choices=lambda: [(program.code, program.code) for program in program_queries.programs()],
        ),
    ),
)
