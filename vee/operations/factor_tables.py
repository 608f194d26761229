"""The values of a factor as a table: from a grid, a spreadsheet or CSV, a word on each row; all or nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.spreadsheets import csv_line, safe_cell
from vee.configuration_queries import SINCE_EVER_FIRST, version_of_factor
from vee.models import Factor
from vee.operations.configuration_factors import apply_factors
from vee.operations.configuration_sections import UnableToApplyConfiguration
from vee.periods import Period, overlaps


COLUMNS = ("value", "start_date", "end_date", "vee_group", "measuring_component")
MOST_ROWS = 2_000
_LONGEST = {"value": 100, "vee_group": 40, "measuring_component": 60}

Row = Mapping[str, str]
"""One row as people write it: texts by the names of `COLUMNS`, dates as 2026-01-31, empty where nothing is said."""


class UnableToReadTable(Exception):
    """The text is no table of a factor; the message says why."""


class FactorChangedMeanwhile(Exception):
    """Somebody else changed the factor's values after the page was opened."""


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row: NEW, CHANGED, UNCHANGED, REMOVED or REFUSED, and why."""

    number: int
    outcome: str
    value: str
    message: str = ""


@dataclass(slots=True)
class TableReport:
    """What became of a table; nothing was saved when a row was refused."""

    rows: list[RowReport] = field(default_factory=list)
    saved: bool = False

    @property
    def refused(self) -> bool:
        """Whether something stands against the table."""
        return any(row.outcome == "REFUSED" for row in self.rows)


def rows_of(factor: Factor) -> list[dict[str, str]]:
    """Give the values of a factor as rows, by value and then by date."""
    values = factor.values.select_related("vee_group", "measuring_component")
    return [
        {
            "value": value.characteristic_value,
            "start_date": value.start_date.isoformat() if value.start_date else "",
            "end_date": value.end_date.isoformat() if value.end_date else "",
            "vee_group": value.vee_group.code if value.vee_group else "",
            "measuring_component": value.measuring_component.identifier if value.measuring_component else "",
        }
        for value in values.order_by("characteristic_value", SINCE_EVER_FIRST, "pk")
    ]


def write_csv(rows: Sequence[Row]) -> str:
    """Give rows as CSV in which no cell can become a formula; `read_table` takes it back as it was."""
    return csv_line(COLUMNS) + "".join(csv_line(safe_cell(row[name]) for name in COLUMNS) for row in rows)


def read_table(text: str) -> list[dict[str, str]]:
    """
    Read what was copied from a spreadsheet (tabs) or stands in a CSV file (commas or semicolons).

    A first row that names the columns puts them in any order; without one they come in the order of `COLUMNS`.

    :raises UnableToReadTable: when a row has too many cells, a column is unknown, or there are too many rows.
    """
    text = text.removeprefix("\ufeff").replace("\x00", "")
    first = text.partition("\n")[0]
    delimiter = "\t" if "\t" in first else ";" if first.count(";") > first.count(",") else ","
    try:
        records = [cells for cells in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UnableToReadTable(_("This is no table: %(error)s") % {"error": error}) from None
    columns: Sequence[str] = COLUMNS
    if records and "value" in (names := [cell.strip().lower() for cell in records[0]]):
        unknown = [name for name in names if name not in COLUMNS]
        if unknown or len(set(names)) < len(names):
            raise UnableToReadTable(
                _("The columns are %(columns)s, each once; %(unknown)s is not one of them.")
                % {"columns": ", ".join(COLUMNS), "unknown": ", ".join(unknown) or _("a repeated one")}
            )
        columns, records = names, records[1:]
    if len(records) > MOST_ROWS:
        raise UnableToReadTable(_("A table has at most %(most)d rows.") % {"most": MOST_ROWS})
    return [_record(number, cells, columns) for number, cells in enumerate(records, start=1)]


def save_table(
    *, factor_id: int, rows: Sequence[Row], seen: str, by: Any, at: dt.datetime, dry_run: bool = False
) -> TableReport:
    """
    Make the values of a factor those of a table: rows that are not in it are removed.

    :param seen: the version of the values that the person looked at (`version_of_factor`).
    :param dry_run: only tell what would become of each row.
    :raises FactorChangedMeanwhile: when the values are of another version.
    """
    with transaction.atomic():
        factor = Factor.objects.select_for_update().get(pk=factor_id)
        if version_of_factor(factor_id) != seen:
            raise FactorChangedMeanwhile(
                _("Somebody else changed this factor meanwhile. Nothing was saved; your table is still shown below.")
            )
        report, entries = _read(rows)
        if report.refused:
            return report
        before = {(row["value"], row["start_date"]): row for row in rows_of(factor)}
        section = [{"code": factor.code, "characteristic": factor.characteristic, "values": entries}]
        try:
            apply_factors(section=section, by=by, at=at, dry_run=dry_run)
        except UnableToApplyConfiguration as error:
            return _refused(rows, error)
    return _done(rows, before, saved=not dry_run)


def _record(number: int, cells: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise UnableToReadTable(
            _("Row %(number)d has %(cells)d cells; the table has %(columns)d columns.")
            % {"number": number, "cells": len(cells), "columns": len(columns)}
        )
    given = dict(zip(columns, cells, strict=False))
    return {name: _unescaped(given.get(name, "").strip()) for name in COLUMNS}


def _unescaped(text: str) -> str:
    """Take back the apostrophe that `safe_cell` sets before what a spreadsheet would take for a formula."""
    plain = text[1:]
    return plain if text.startswith("'") and safe_cell(plain) == text else text


def _read(rows: Sequence[Row]) -> tuple[TableReport, list[dict[str, Any]]]:
    report, entries = TableReport(), []
    for number, row in enumerate(rows, start=1):
        wrong = [
            _("%(column)s has more than %(most)d characters.") % {"column": name, "most": most}
            for name, most in _LONGEST.items()
            if len(row[name]) > most
        ]
        if not row["value"]:
            wrong.append(_("The value is missing."))
        dates: dict[str, dt.date | None] = {}
        for name in ("start_date", "end_date"):
            try:
                dates[name] = dt.date.fromisoformat(row[name]) if row[name] else None
            except ValueError:
                wrong.append(_("“%(text)s” is no date; write 2026-01-31.") % {"text": row[name][:40]})
        if not wrong and dates["start_date"] and dates["end_date"] and dates["end_date"] < dates["start_date"]:
            wrong.append(_("The end date lies before the start date."))
        if wrong:
            report.rows.append(RowReport(number, "REFUSED", row["value"], " ".join(wrong)))
            continue
        entries.append(
            {
                "value": row["value"],
                "start_date": row["start_date"] or None,
                "end_date": row["end_date"] or None,
                "vee_group": row["vee_group"] or None,
                "measuring_component": row["measuring_component"] or None,
            }
        )
    return report, entries


def _refused(rows: Sequence[Row], error: UnableToApplyConfiguration) -> TableReport:
    report = TableReport()
    for each in error.errors:
        parts = each["pointer"].split("/")
        place = int(parts[3]) if len(parts) > 3 and parts[2] == "values" and parts[3].isdecimal() else None
        value = rows[place]["value"] if place is not None else ""
        report.rows.append(RowReport(0 if place is None else place + 1, "REFUSED", value, each["message"]))
    return report


def _done(rows: Sequence[Row], before: Mapping[tuple[str, str], Row], *, saved: bool) -> TableReport:
    report = TableReport(saved=saved)
    periods: dict[str, list[Period]] = {}
    for row in rows:
        bounds = [dt.date.fromisoformat(row[name]) if row[name] else None for name in ("start_date", "end_date")]
        periods.setdefault(row["value"], []).append(Period(*bounds))
    doubled = {value for value, each in periods.items() if overlaps(each)}
    for number, row in enumerate(rows, start=1):
        old = before.get((row["value"], row["start_date"]))
        outcome = "NEW" if old is None else "UNCHANGED" if dict(old) == dict(row) else "CHANGED"
        note = _("Its periods overlap: the one that began last counts.") if row["value"] in doubled else ""
        report.rows.append(RowReport(number, outcome, row["value"], note))
    kept = {(row["value"], row["start_date"]) for row in rows}
    report.rows += [RowReport(0, "REMOVED", value, start) for value, start in before if (value, start) not in kept]
    return report
