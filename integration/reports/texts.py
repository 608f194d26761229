"""A report's values as people read them on a page and in a mail."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from integration.reports.contract import Kind


NOTHING = "–"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def shown(value: Any, kind: Kind, *, zone: ZoneInfo) -> str:
    """Give a value as text; a dash where there is none."""
    if value is None or value == "":
        return NOTHING
    if kind is Kind.COUNT:
        return f"{int(value):,}"
    if kind is Kind.PERCENT:
        return percent_text(float(value))
    if kind is Kind.QUANTITY:
        return f"{value:,.1f}"
    if kind is Kind.SECONDS:
        return duration(float(value))
    if kind is Kind.INSTANT:
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def percent_text(value: float) -> str:
    """Give per cent with two digits; what is not quite all never reads as all, nor what is not quite none as none."""
    text = f"{value:.2f}"
    if value < 100 and text == "100.00":
        text = "99.99"
    if value > 0 and text == "0.00":
        text = "0.01"
    return f"{text} %"


def duration(seconds: float) -> str:
    """Give a time span in the unit that suits it."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.1f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} d"
