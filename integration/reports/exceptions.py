"""VEE exceptions by rule and week."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from integration.reports import addresses
from integration.reports.contract import Answer, Asked, Chart, Column, Kind, Line, Parameter, Report, Row, sums
from vee import exception_queries
from vee.choices import Severity


_DRAWN_RULES = 6


def answer(asked: Asked) -> Answer:
    """Give the exceptions that were raised in the period, by week, rule, type and severity."""
    only = {name: asked.values[name] for name in ("rule", "exception_type", "severity") if asked.values[name]}
    found = exception_queries.exceptions_by_week(
        begins_at=asked.begins_at, ends_at=asked.ends_at, zone=asked.zone, **only
    )
    labels = dict(Severity.choices)
    rows = [
        {
            **row,
            "monday": row["week"].date(),
            "week": week_name(row["week"].date()),
            "severity_name": labels.get(row["severity"], row["severity"]),
        }
        for row in found
    ]
    columns = (
        Column(key="week", title=_("Week")),
        Column(key="rule_title", title=_("Rule")),
        Column(key="exception_type", title=_("Type")),
        Column(key="severity_name", title=_("Severity")),
        Column(key="opened", title=_("Opened"), kind=Kind.COUNT, link=_rows),
        Column(key="closed", title=_("Closed"), kind=Kind.COUNT, link=lambda row, asked: _rows(row, asked, open=0)),
        Column(
            key="still_open", title=_("Still open"), kind=Kind.COUNT, link=lambda row, asked: _rows(row, asked, open=1)
        ),
        Column(key="median_seconds", title=_("Median time to close"), kind=Kind.SECONDS),
    )
    totals = {**sums(rows, "opened", "closed", "still_open")}
    return Answer(columns=columns, rows=rows, totals=totals, chart=_chart(rows) if rows else None)


def week_name(monday: dt.date) -> str:
    """Give the name of an ISO week, such as 2026-W09."""
    year, week, _day = monday.isocalendar()
    return f"{year}-W{week:02d}"


def _rows(row: Row, asked: Asked, **more: Any) -> str:
    return addresses.rows(
        "vee_veeexception",
        created_at__gte=max(asked.midnight(row["monday"]), asked.begins_at),
        created_at__lt=min(asked.midnight(row["monday"] + dt.timedelta(days=7)), asked.ends_at),
        rule__exact=row["rule"],
        exception_type__exact=row["exception_type"],
        severity__exact=row["severity"],
        **{f"{name}__exact": value for name, value in more.items()},
    )


def _chart(rows: Sequence[Row]) -> Chart:
    weeks = sorted({row["monday"] for row in rows})
    weeks = [weeks[0] + dt.timedelta(days=7 * number) for number in range((weeks[-1] - weeks[0]).days // 7 + 1)]
    counts: dict[str, dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        counts[row["rule_title"]][row["monday"]] += row["opened"]
    by_size = sorted(counts, key=lambda rule: (-sum(counts[rule].values()), rule))
    lines = [
        Line(title=rule or _("No rule"), values=[counts[rule][week] for week in weeks])
        for rule in by_size[:_DRAWN_RULES]
    ]
    if len(by_size) > _DRAWN_RULES:
        others = [sum(counts[rule][week] for rule in by_size[_DRAWN_RULES:]) for week in weeks]
        lines.append(Line(title=_("Other rules"), values=others))
    return Chart(title=_("Exceptions opened"), labels=[week_name(week) for week in weeks], lines=lines, stacked=True)


REPORT = Report(
    name="exceptions_by_rule",
    title=_("Exceptions by rule and week"),
    description=_(
        "What VEE found: exceptions by the ISO week in which they were raised, their rule, type and severity; how many "
        "of them are closed, and how long that took."
    ),
    rights=("vee.view_veeexception",),
    period="LAST_13_WEEKS",
    answer=answer,
    parameters=(
        Parameter(
            name="rule",
            label=_("Rule"),
            choices=exception_queries.rules_in_use,
        ),
        Parameter(
            name="exception_type",
            label=_("Type"),
            choices=lambda: [(code, code) for code in exception_queries.exception_type_codes()],
        ),
        Parameter(name="severity", label=_("Severity"), choices=lambda: list(Severity.choices)),
    ),
)
