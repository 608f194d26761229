"""Reports as files: CSV row by row, and XLSX; no cell may become a formula (`reliability.md` S5)."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from foundation.spreadsheets import csv_line, safe_cell, workbook_text
from integration.reports.contract import NUMERIC, Answer, Asked, Column, Kind, Report


CSV, XLSX = "CSV", "XLSX"
MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_DIGITS = {Kind.PERCENT: 4, Kind.QUANTITY: 4, Kind.SECONDS: 3}
_FORMATS = {Kind.COUNT: "#,##0", Kind.PERCENT: "0.00", Kind.QUANTITY: "#,##0.0", Kind.SECONDS: "#,##0.0"}
_UNITS = {Kind.PERCENT: "%", Kind.SECONDS: "s"}


def file_name(report: Report, asked: Asked, form: str) -> str:
    """Give the name under which a report is kept, with its days."""
    return f"{report.name}_{asked.first:%Y%m%d}-{asked.last:%Y%m%d}.{form.lower()}"


def content(answer: Answer, asked: Asked, form: str) -> bytes:
    """Give a report as one file in a form, `CSV` or `XLSX`."""
    if form == XLSX:
        return xlsx(answer, asked)
    return "".join(csv_rows(answer, asked)).encode()


def csv_rows(answer: Answer, asked: Asked) -> Iterator[str]:
    """Give a report as CSV line by line: a heading with units, then the rows, numbers without separators; no sums."""
    yield csv_line(safe_cell(heading(column)) for column in answer.columns)
    for row in answer.rows:
        yield csv_line(safe_cell(_plain(row.get(column.key), column, asked)) for column in answer.columns)


def xlsx(answer: Answer, asked: Asked) -> bytes:
    """Give a report as a workbook with one sheet: numbers are numbers, texts are texts whatever they begin with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Report")
    sheet.freeze_panes = "A2"
    for place, column in enumerate(answer.columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = max(12, min(40, len(heading(column)) + 4))
    headings = []
    for column in answer.columns:
        cell = _cell(sheet, workbook_text(heading(column)))
        cell.font = Font(bold=True)
        headings.append(cell)
    sheet.append(headings)
    for row in answer.rows:
        cells = []
        for column in answer.columns:
            value = _plain(row.get(column.key), column, asked)
            if column.kind in NUMERIC and value is not None:
                cell = _cell(sheet, value)
                cell.number_format = _FORMATS[column.kind]
            elif column.kind is Kind.DATE and value is not None:
                cell = _cell(sheet, row[column.key])
                cell.number_format = "yyyy-mm-dd"
            else:
                cell = _cell(sheet, workbook_text(value))
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def heading(column: Column) -> str:
    """Give a column's heading with its unit."""
    unit = column.unit or _UNITS.get(column.kind, "")
    return f"{column.title} ({unit})" if unit else str(column.title)


def _cell(sheet: Any, value: Any) -> Any:
    return WriteOnlyCell(sheet, value=value)


def _plain(value: Any, column: Column, asked: Asked) -> Any:
    if value is None:
        return None
    if column.kind is Kind.COUNT:
        return int(value)
    if column.kind in _DIGITS:
        return round(float(value), _DIGITS[column.kind])
    if column.kind is Kind.INSTANT:
        return value.astimezone(asked.zone).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, dt.date) else str(value)
