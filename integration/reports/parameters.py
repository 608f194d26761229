"""Reading what is asked of a report, from a page's address, a schedule or a configuration document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.reports.contract import Asked, Parameter, Report
from integration.reports.periods import Period, UnableToReadPeriod, days_of


PERIOD_LABELS = {
    Period.YESTERDAY: gettext_lazy("Yesterday"),
    Period.LAST_7_DAYS: gettext_lazy("Last 7 days"),
    Period.LAST_31_DAYS: gettext_lazy("Last 31 days"),
    Period.LAST_WEEK: gettext_lazy("Last week"),
    Period.LAST_13_WEEKS: gettext_lazy("Last 13 weeks"),
    Period.THIS_MONTH: gettext_lazy("This month so far"),
    Period.LAST_MONTH: gettext_lazy("Last month"),
    Period.CUSTOM: gettext_lazy("From … to …"),
}
_PERIOD_NAMES = ("period", "since", "until")
_LARGEST = 1_000_000_000


class UnableToReadParameters(ValueError):
    """What is asked does not fit the report; `errors` says by name of the parameter why."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in errors.items()))
        self.errors = dict(errors)


def read(report: Report, given: Mapping[str, Any], *, zone: ZoneInfo, at: dt.datetime) -> Asked:
    """
    Read what is asked of a report; what is left out is as the report has it.

    :raises UnableToReadParameters: naming each parameter that does not fit.
    """
    known = {*_PERIOD_NAMES, *(parameter.name for parameter in report.parameters)}
    errors = {name: _("This report has no such parameter.") for name in given if name not in known}
    values: dict[str, Any] = {}
    for parameter in report.parameters:
        try:
            values[parameter.name] = _value(parameter, given.get(parameter.name))
        except ValueError as error:
            errors[parameter.name] = str(error)
    today = at.astimezone(zone).date()
    first = last = today
    try:
        period = Period(str(given.get("period") or report.period))
        first, last = days_of(period, today=today, since=_day(given.get("since")), until=_day(given.get("until")))
    except UnableToReadPeriod as error:
        errors["period"] = str(error)
    except ValueError:
        errors["period"] = _("There is no such period or day.")
    if errors:
        raise UnableToReadParameters(errors)
    return Asked(first=first, last=last, zone=zone, at=at, values=values)


def _value(parameter: Parameter, given: Any) -> Any:
    text = "" if given is None else str(given).strip()
    if not text:
        text = parameter.default if parameter.required else ""
    if parameter.choices is not None:
        if text and text not in {value for value, _label in parameter.choices()}:
            raise ValueError(_("There is no such choice."))
        return text
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST:
        raise ValueError(_("Give a whole number."))
    return int(text)


def _day(given: Any) -> dt.date | None:
    if isinstance(given, dt.date) or not given:
        return given or None
    return dt.date.fromisoformat(str(given))
