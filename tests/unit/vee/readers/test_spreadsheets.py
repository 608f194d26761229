from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from tests.factories.readings import intervals, layout, read, refused
from vee.readers import FileUnreadable


MIDNIGHT = dt.datetime(2024, 1, 2)  # noqa: DTZ001  (a spreadsheet's times have no zone)
ROWS: list[Sequence[Any]] = [
    ("meter", "time", "value"),
    (2200012767323, MIDNIGHT, 0.1 + 0.2),
    (2200012767323.0, MIDNIGHT + dt.timedelta(minutes=15), None),
    ("M2", "2024-01-02 00:00", "n/a"),
    (None, None, None),
    ("M2", "2024-01-02 00:15", "2.5"),
]


def workbook(rows: Sequence[Sequence[Any]] = ROWS, *, sheet: str = "Data") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def with_part(raw: bytes, name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == name else old.read(info))
        if name not in old.namelist():
            new.writestr(name, content)
    return target.getvalue()


class TestAWorkbook:
    def test_is_read_like_text_with_numbers_and_times_as_they_were_typed(self) -> None:
        items = read("csv:x", workbook(), layout=layout())

        first, second = intervals(items)
        assert (first.component, first.values, first.line) == ("2200012767323", [Decimal("0.3"), None], 2)
        assert first.start == dt.datetime(2024, 1, 2, 5, tzinfo=dt.UTC)
        assert (second.component, second.values) == ("M2", [Decimal("2.5")])
        assert refused(items) == [(4, "not_a_number")]

    def test_may_have_a_whole_day_in_a_row_that_ends_early(self) -> None:
        rows = [("meter", "time", *(f"v{place}" for place in range(1, 25))), ("M1", dt.date(2024, 1, 2), 1, 2)]

        [item] = intervals(
            read(
                "csv:x",
                workbook(rows),
                layout=layout(arrangement="ROW_PER_DAY", value_column="v1", seconds_per_interval=3600),
            )
        )

        assert item.values == [1, 2, *[None] * 22]

    def test_is_read_on_the_sheet_that_the_profile_names(self) -> None:
        assert intervals(read("csv:x", workbook(sheet="März"), layout=layout(sheet="März")))
        with pytest.raises(FileUnreadable, match="no sheet") as failed:
            read("csv:x", workbook(), layout=layout(sheet="Other"))

        assert failed.value.code == "no_sheet"

    @pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"])
    def test_with_a_document_type_is_refused(self, part: str) -> None:
        bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'

        with pytest.raises(FileUnreadable) as failed:
            read("csv:x", with_part(workbook(), part, bomb), layout=layout())

        assert failed.value.code == "document_type"

    @pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
    def test_whose_parts_are_damaged_is_refused(self, part: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("csv:x", with_part(workbook(), part, b"<x><y>"), layout=layout())

        assert failed.value.code in ("damaged_spreadsheet", "no_sheet", "empty_file")

    def test_that_holds_too_much_in_memory_is_refused(self) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("csv:x", with_part(workbook(), "xl/sharedStrings.xml", b" " * 70_000_000), layout=layout())

        assert failed.value.code == "archive_too_large"

    def test_is_no_file_of_any_other_format(self) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("csv", workbook())

        assert failed.value.code == "spreadsheet"
