from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.factories.readings import intervals, layout, read, refused, registers
from vee.codes import Condition
from vee.readers import FileUnreadable, Item


NEW_YORK = ZoneInfo("America/New_York")
EASTERN = dt.timezone(dt.timedelta(hours=-5))
QUALITY = {"quality_column": "quality", "quality_conditions": {"Actual": 501000, "Est": 401000}}


def load(*rows: str, clock: dt.tzinfo | None = NEW_YORK, **fields: Any) -> list[Item]:
    return read("csv:x", "\n".join(rows).encode(), clock=clock, layout=layout(**fields))


def hours(*times: str, date: str = "2024-11-03") -> list[str]:
    return ["meter,time,value", *(f"M1,{date} {time},{place}" for place, time in enumerate(times, 1))]


class TestARowPerReading:
    def test_joins_rows_of_a_local_day(self) -> None:
        rows = ["meter,time,value", "M1,2024-01-02 23:30,1", "M1,2024-01-02 23:45,2", "M1,2024-01-03 00:00,3"]

        items = intervals(load(*rows))

        assert [(item.component, item.values, item.line) for item in items] == [("M1", [1, 2], 2), ("M1", [3], 4)]
        assert items[0].start == dt.datetime(2024, 1, 3, 4, 30, tzinfo=dt.UTC)

    def test_may_be_labelled_at_the_end_of_its_interval(self) -> None:
        rows = ["meter;day;at;value", "M1;02.01.2024;23:45;1,5", "M1;02.01.2024;24:00;2"]

        [item] = intervals(
            load(
                *rows,
                delimiter=";",
                date_column="day",
                date_format="%d.%m.%Y",
                time_column="at",
                time_format="%H:%M",
                label="END",
                decimal_comma=True,
            )
        )

        assert item.start == dt.datetime(2024, 1, 3, 4, 30, tzinfo=dt.UTC)
        assert item.values == [Decimal("1.5"), 2]

    def test_takes_columns_by_name_or_place_and_passes_over_what_stands_before(self) -> None:
        rows = ["Report of today", "sep=,", "x,METER ,time,value", "9,M1,2024-01-02T00:00,1"]

        [item] = intervals(load(*rows, skip_rows=1, component_column="meter", value_column="#4"))

        assert (item.component, item.values, item.line) == ("M1", [1], 4)

    def test_may_name_its_unit_its_quality_and_a_factor(self) -> None:
        rows = ["meter,time,value,unit,quality", "M1,2024-01-02 00:00,1500,Wh,est"]

        [item] = intervals(load(*rows, uom="", uom_column="unit", unit_factor="0.001", **QUALITY))

        assert (item.uom, item.values, item.conditions) == ("WH", [Decimal("1.5")], [Condition.EXTERNAL_ESTIMATED])

    def test_without_value_is_missing(self) -> None:
        rows = ["meter,time,value", "M1,2024-01-02 00:00,", "M1,2024-01-02 00:15,NULL"]

        [item] = intervals(load(*rows, no_value=["NULL"]))

        assert (item.values, item.conditions) == ([None, None], [Condition.MISSING] * 2)

    def test_of_a_register_is_a_read(self) -> None:
        rows = ["meter,time,value", "M1,2024-01-02 00:59,227.6"]

        [reading] = registers(load(*rows, content="REGISTER", seconds_per_interval=None, component_suffix=":REG"))

        assert (reading.component, reading.reading) == ("M1:REG", Decimal("227.6"))
        assert reading.read_at == dt.datetime(2024, 1, 2, 5, 59, tzinfo=dt.UTC)

    def test_with_an_offset_needs_no_zone(self) -> None:
        [item] = intervals(load("meter,time,value", "M1,2024-01-02T00:00:00-05:00,1", clock=None))

        assert item.start == dt.datetime(2024, 1, 2, 5, tzinfo=dt.UTC)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "cp1252"])
    def test_is_read_in_the_encoding_of_its_profile(self, encoding: str) -> None:
        rows = ["meter,time,value,où", "Zähler,2024-01-02 00:00,1,"]
        name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)

        [item] = intervals(read("csv:x", "\n".join(rows).encode(encoding), layout=layout(encoding=name)))

        assert item.component == "Zähler"

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ("M1,2024-01-02 00:15", "ragged_row"),
            ("M1,2024-01-02 00:15,1,2", "ragged_row"),
            (",2024-01-02 00:15,1", "invalid_component"),
            ("M1,2024-02-30 00:15,1", "invalid_time"),
            ("M1,٢٠٢٤-01-02 00:15,1", "invalid_time"),
            ("M1,2024-01-02 24:00,1", "invalid_time"),
            ("M1,2024-01-02 00:20,1", "off_grid"),
            ("M1,2024-01-02 00:00,1", "repeated_interval"),
            ('M1,"2024-01-02 00:15,1', "unterminated_quote"),
            ("M1,2024-01-02 00:15,1\x00", "nul"),
            ('M1,2024-01-02 00:15,"1,5"', "not_a_number"),
            ("M1,2024-01-02 00:15,1e400", "not_a_number"),
            ("M1,2024-03-10 02:30,1", "nonexistent_time"),
            ("M1,2024-11-03 01:30,1", "ambiguous_time"),
        ],
    )
    def test_that_cannot_be_read_is_refused_alone(self, row: str, code: str) -> None:
        items = load("meter,time,value", "M1,2024-01-02 00:00,1", row, "M1,2024-01-02 00:30,1")

        assert refused(items) == [(3, code)]
        assert len(intervals(items)) == 2

    def test_of_an_unknown_quality_is_refused(self) -> None:
        assert refused(load("meter,time,value,quality", "M1,2024-01-02 00:00,1,odd", **QUALITY)) == [
            (2, "unknown_quality")
        ]

    def test_of_a_component_without_zone_is_refused(self) -> None:
        assert refused(load("meter,time,value", "M1,2024-01-02 00:00,1", clock=None)) == [(2, "zone_unknown")]


class TestTheRepeatedHour:
    def test_is_certain_when_all_of_it_stands_there_twice(self) -> None:
        times = ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]

        items = load(*hours(*times), seconds_per_interval=1800)

        assert refused(items) == []
        [item] = intervals(items)
        assert item.values == [1, 2, 3, 4, 5, 6, 7]
        assert item.start == dt.datetime(2024, 11, 3, 4, tzinfo=dt.UTC)

    def test_is_certain_with_labels_at_the_end_too(self) -> None:
        times = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]

        items = load(*hours(*times), seconds_per_interval=1800, label="END")

        assert refused(items) == []
        [item] = intervals(items)
        assert len(item.values) == 6
        assert item.end == dt.datetime(2024, 11, 3, 7, tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        "times",
        [
            ["01:00", "01:30"],
            ["01:00", "01:30", "01:00"],
            ["01:00", "01:00", "01:30", "01:30"],
            ["01:30", "01:30"],
            ["01:00", "01:30", "01:00", "01:30", "01:00"],
        ],
    )
    def test_is_refused_when_anything_is_missing(self, times: list[str]) -> None:
        items = load(*hours("00:30", *times, "02:00"), seconds_per_interval=1800)

        ambiguous = [line for line, code in refused(items) if code == "ambiguous_time"]
        assert ambiguous
        assert sum(item.rows for item in items) == len(times) + 2

    def test_is_no_trouble_on_standard_time(self) -> None:
        items = load(*hours("00:30", "01:00", "01:30", "02:00"), seconds_per_interval=1800, clock=EASTERN)

        assert refused(items) == []

    @pytest.mark.parametrize(
        ("fields", "start"),
        [
            ({"time_zone": "America/New_York"}, 5),
            ({"time_zone": "America/New_York", "time_shift": "STANDARD"}, 5),
            ({"time_zone": "America/New_York", "time_shift": "LEGAL"}, 4),
            ({"time_shift": "STANDARD"}, 5),
            ({"time_shift": "LEGAL"}, 4),
            ({"time_shift": "DEVICE"}, 4),
        ],
    )
    def test_depends_on_the_clock_that_the_profile_names(self, fields: dict[str, str], start: int) -> None:
        [item] = intervals(load("meter,time,value", "M1,2024-07-01 00:00,1", **fields))

        assert item.start == dt.datetime(2024, 7, 1, start, tzinfo=dt.UTC)


class TestARowPerDay:
    DAY = {
        "arrangement": "ROW_PER_DAY",
        "date_column": "day",
        "value_column": "v1",
        "seconds_per_interval": 3600,
    }

    def load(self, date: str, count: int, *, columns: int = 24, value: str = "1", **fields: Any) -> list[Item]:
        header = ",".join(["meter", "day", *(f"v{place}" for place in range(1, columns + 1)), "total"])
        cells = [value] * count + [""] * (columns - count)
        return load(header, f"M1,{date},{','.join(cells)},24", **{**self.DAY, **fields})

    def test_gives_the_intervals_of_the_day(self) -> None:
        [item] = intervals(self.load("2024-01-02", 24))

        assert item.start == dt.datetime(2024, 1, 2, 5, tzinfo=dt.UTC)
        assert (len(item.values), item.rows) == (24, 1)

    def test_may_have_missing_values(self) -> None:
        [item] = intervals(self.load("2024-01-02", 20, total_column="total"))

        assert item.values[20:] == [None] * 4
        assert item.conditions[20:] == [Condition.MISSING] * 4

    def test_has_23_values_when_the_clock_goes_forward(self) -> None:
        [item] = intervals(self.load("2024-03-10", 23))

        assert len(item.values) == 23
        assert item.end == dt.datetime(2024, 3, 11, 4, tzinfo=dt.UTC)

    @pytest.mark.parametrize(("date", "count"), [("2024-03-10", 24), ("2024-11-03", 24)])
    def test_is_refused_when_its_values_do_not_fit_the_day(self, date: str, count: int) -> None:
        assert refused(self.load(date, count)) == [(2, "interval_count")]

    def test_has_25_values_when_the_clock_goes_back(self) -> None:
        [item] = intervals(self.load("2024-11-03", 25, columns=25, value_count=25))

        assert len(item.values) == 25

    def test_leaves_the_25th_empty_on_other_days(self) -> None:
        [item] = intervals(self.load("2024-01-02", 24, columns=25, value_count=25))

        assert len(item.values) == 24

    def test_by_the_clock_leaves_the_skipped_hour_out(self) -> None:
        header = ",".join(["meter", "day", *(f"v{place}" for place in range(1, 25))])
        cells = ["" if place == 2 else str(place) for place in range(24)]

        [item] = intervals(load(header, f"M1,2024-03-10,{','.join(cells)}", **{**self.DAY, "day_columns": "CLOCK"}))

        assert item.values == [0, 1, *range(3, 24)]

    @pytest.mark.parametrize(("date", "code"), [("2024-03-10", "nonexistent_time"), ("2024-11-03", "ambiguous_time")])
    def test_by_the_clock_is_never_guessed(self, date: str, code: str) -> None:
        assert refused(self.load(date, 24, day_columns="CLOCK")) == [(2, code)]

    @pytest.mark.parametrize(
        ("tolerance", "value", "codes"),
        [("0", "1", []), ("0", "1.01", [(2, "day_total")]), ("0.24", "1.01", []), ("0.23", "1.01", [(2, "day_total")])],
    )
    def test_is_held_against_its_total(self, tolerance: str, value: str, codes: list[tuple[int, str]]) -> None:
        items = self.load("2024-01-02", 24, value=value, total_column="total", total_tolerance=tolerance)

        assert refused(items) == codes

    def test_of_a_day_that_was_given_is_refused(self) -> None:
        rows = ["meter,day," + ",".join(f"v{place}" for place in range(1, 25))]
        rows += ["M1,2024-01-02," + ",".join(["1"] * 24), "M1,2024-01-02," + ",".join(["2"] * 24)]

        items = load(*rows, **self.DAY)

        assert refused(items) == [(3, "repeated_day")]

    def test_whose_day_begins_after_midnight_begins_there(self) -> None:
        # Clocks in Havana go from 00:00 to 01:00.
        [item] = intervals(self.load("2024-03-10", 23, time_zone="America/Havana", time_shift="LEGAL"))

        assert item.start == dt.datetime(2024, 3, 10, 5, tzinfo=dt.UTC)


class TestAFile:
    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"),
            (b"sep=,\n", "empty_file"),
            (b"meter,time,value\n", "no_data"),
            (b"meter,time\nM1,1\n", "missing_header"),
            (b"meter,time,value,value\nM1,1\n", "duplicate_header"),
            (b"<html>\n<body>\n", "missing_header"),
            (b"\x89PNG\r\n\x1a\n", "encoding"),
            (b"\xff\xfem\x00", "encoding"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
        ],
    )
    def test_that_is_none_is_refused_as_a_whole(self, raw: bytes, code: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("csv:x", raw, layout=layout())

        assert failed.value.code == code
