"""Rows of reconciliation as a file for a spreadsheet: no cell becomes a formula, and no file is held in memory."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from openpyxl import Workbook

from foundation.spreadsheets import csv_line, safe_cell, workbook_text
from integration.admin.reconciliation_shape import Column


CHUNK = 2_000
MOST_XLSX_ROWS = 100_000
"""A spreadsheet is written before its first byte leaves; somebody waits for it. The CSV has no limit."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_csv(rows: QuerySet[Any], columns: Sequence[Column], *, name: str) -> StreamingHttpResponse:
    """Give all rows, as they come from the database; times are UTC."""

    def lines() -> Iterator[str]:
        yield csv_line(safe_cell(column.label) for column in columns)
        for row in rows.iterator(chunk_size=CHUNK):
            yield csv_line(safe_cell(_plain(column.value(row))) for column in columns)

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def as_xlsx(rows: QuerySet[Any], columns: Sequence[Column], *, name: str) -> FileResponse:
    """Give the rows as a spreadsheet, at most `MOST_XLSX_ROWS` of them; a last line says when there are more."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    sheet.freeze_panes = "A2"
    sheet.append([_cell(column.label) for column in columns])
    for number, row in enumerate(rows[: MOST_XLSX_ROWS + 1].iterator(chunk_size=CHUNK)):
        if number == MOST_XLSX_ROWS:
            sheet.append([_("There are more rows: the CSV has all of them.")])
            break
        sheet.append([_cell(column.value(row)) for column in columns])
    content = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 (the response closes it)
    book.save(content)
    content.seek(0)
    return FileResponse(content, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)


def _plain(value: Any) -> Any:
    return value.astimezone(dt.UTC).isoformat(timespec="seconds") if isinstance(value, dt.datetime) else value


def _cell(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    return workbook_text(_plain(value))
