"""All reports, in the order in which they are listed."""

from __future__ import annotations

from typing import Any

from integration.reports import acknowledgements, completeness, events, exceptions, programs
from integration.reports.contract import Report


REPORTS: tuple[Report, ...] = (
    completeness.REPORT,
    exceptions.REPORT,
    acknowledgements.REPORT,
    events.REPORT,
    programs.REPORT,
)
_BY_NAME = {report.name: report for report in REPORTS}


class UnknownReport(LookupError):
    """There is no report of this name."""


def find(name: str) -> Report:
    """
    Give a report by its name.

    :raises UnknownReport: when there is none.
    """
    if name not in _BY_NAME:
        raise UnknownReport(f"There is no report {name}.")
    return _BY_NAME[name]


def permitted(user: Any) -> list[Report]:
    """Give the reports that a person may see and the site uses."""
    return [report for report in REPORTS if report.is_permitted(user) and report.offered()]
