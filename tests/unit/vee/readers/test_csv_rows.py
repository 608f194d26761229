from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from vee import readers
from vee.codes import Condition
from vee.readers import FileUnreadable, IntervalReadings, RowError


HEADER = "measuring_component,start,seconds_per_interval,uom,value"


def read(text: str | bytes, zone: str | None = None) -> list[readers.Item]:
    raw = text if isinstance(text, bytes) else text.encode()
    zone_of = (lambda _component: ZoneInfo(zone)) if zone else None
    return list(readers.open_reader(format="csv", stream=io.BytesIO(raw), name="x.csv", zone_of=zone_of))


def hours(first: str, count: int, component: str = "MC-1") -> list[str]:
    start = dt.datetime.fromisoformat(first)
    return [f"{component},{(start + dt.timedelta(hours=i)).isoformat()},3600,KWH,{i}.5" for i in range(count)]


class TestRows:
    def test_of_one_component_and_day_become_one_item(self) -> None:
        text = "\n".join(
            [HEADER, *hours("2026-03-08T00:00:00+00:00", 48), *hours("2026-03-08T00:00:00+00:00", 2, "MC-2")]
        )

        items = read(text)

        assert [(item.line, item.rows) for item in items] == [(2, 24), (26, 24), (50, 2)]
        first = items[0]
        assert isinstance(first, IntervalReadings)
        assert first.component == "MC-1"
        assert first.start == dt.datetime(2026, 3, 8, tzinfo=dt.UTC)
        assert first.values[:2] == [Decimal("0.5"), Decimal("1.5")]
        assert first.conditions == [Condition.REGULAR] * 24

    def test_are_cut_at_the_local_day_of_the_service_point(self) -> None:
        # New York, the day of 23 hours
        text = "\n".join([HEADER, *hours("2026-03-08T05:00:00+00:00", 47)])

        items = read(text, zone="America/New_York")

        assert [item.rows for item in items] == [23, 24]

    def test_with_a_gap_between_them_become_two_items(self) -> None:
        rows = hours("2026-03-08T00:00:00+00:00", 6)

        assert [item.rows for item in read("\n".join([HEADER, *rows[:2], *rows[3:]]))] == [2, 3]

    def test_that_repeat_an_interval_become_two_items(self) -> None:
        rows = hours("2026-03-08T00:00:00+00:00", 2)

        assert [item.rows for item in read("\n".join([HEADER, *rows, rows[1]]))] == [2, 1]

    def test_may_have_conditions_and_empty_values(self) -> None:
        text = f"{HEADER},condition\nMC-1,2026-03-08T00:00:00Z,900,KWH,,\nMC-1,2026-03-08T00:15:00Z,900,KWH,0.1,301000"

        [item] = read(text)

        assert isinstance(item, IntervalReadings)
        assert item.values == [None, Decimal("0.1")]
        assert item.conditions == [Condition.MISSING, 301000]

    def test_find_their_columns_by_name(self) -> None:
        [item] = read(
            "value,uom,start,measuring_component,seconds_per_interval\n2.5,KWH,2026-03-08T10:00:00+10:00,MC-1,1800"
        )

        assert isinstance(item, IntervalReadings)
        assert (item.component, item.values) == ("MC-1", [Decimal("2.5")])
        assert item.start == dt.datetime(2026, 3, 8, tzinfo=dt.UTC)


class TestARefusedRow:
    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ("MC-1,2026-03-08T00:00:00,900,KWH,1", "no_offset"),
            ("MC-1,2026-02-30T00:00:00Z,900,KWH,1", "invalid_time"),
            ("MC-1,yesterday,900,KWH,1", "invalid_time"),
            ("MC-1,0001-01-01T00:00:00+14:00,900,KWH,1", "invalid_time"),
            ("MC-1,2026-03-08T00:00:00Z,901,KWH,1", "invalid_interval_length"),
            ("MC-1,2026-03-08T00:00:00Z,0,KWH,1", "invalid_interval_length"),
            ('MC-1,2026-03-08T00:00:00Z,900,KWH,"12,5"', "not_a_number"),
            ("MC-1,2026-03-08T00:00:00Z,900,KWH,NaN", "not_a_number"),
            ("MC-1,2026-03-08T00:00:00Z,900,KWH,1,2", "ragged_row"),
            ("MC-1,2026-03-08T00:00:00Z,900,KWH", "ragged_row"),
            ('"MC-1,2026-03-08T00:00:00Z,900,KWH,1', "unterminated_quote"),
            ('"MC"-1,2026-03-08T00:00:00Z,900,KWH,1', "malformed_row"),
            (",2026-03-08T00:00:00Z,900,KWH,1", "invalid_component"),
            (f"{'M' * 61},2026-03-08T00:00:00Z,900,KWH,1", "invalid_component"),
            ("MC-1,2026-03-08T00:00:00Z,900,,1", "invalid_uom"),
            ("MC\x00-1,2026-03-08T00:00:00Z,900,KWH,1", "nul"),
        ],
    )
    def test_has_its_line_and_stops_nothing(self, row: str, code: str) -> None:
        good = hours("2026-03-08T00:00:00+00:00", 2)

        items = read("\n".join([HEADER, good[0], row, good[1]]))

        assert [(item.line, item.code) for item in items if isinstance(item, RowError)] == [(3, code)]
        assert sum(item.rows for item in items) == 3

    def test_may_be_latin_1_or_200_kb_long(self) -> None:
        good = hours("2026-03-08T00:00:00+00:00", 1)[0].encode()
        latin = "Zähler,2026-03-08T00:00:00Z,900,KWH,1".encode("latin-1")
        long = b"M" * 200_000 + b",2026-03-08T00:00:00Z,900,KWH,1"

        items = read(b"\n".join([HEADER.encode(), latin, long, good]))

        assert [getattr(item, "code", "") for item in items] == ["encoding", "malformed_row", ""]

    def test_that_has_a_condition_out_of_range_is_refused(self) -> None:
        [item] = read(f"{HEADER},condition\nMC-1,2026-03-08T00:00:00Z,900,KWH,1,99")

        assert isinstance(item, RowError)
        assert item.code == "invalid_condition"


class TestAFile:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "empty_file"),
            (HEADER, "no_data"),
            (HEADER.replace("uom", "start"), "duplicate_header"),
            (HEADER.replace("uom", "unit"), "missing_header"),
            (HEADER.replace(",", ";"), "missing_header"),
            (HEADER + ",colour", "unknown_column"),
            ('"' + HEADER, "unterminated_quote"),
            ("MC-1,2026-03-08T00:00:00Z,900,KWH,1", "missing_header"),
        ],
    )
    def test_without_a_fitting_header_is_refused_as_a_whole(self, text: str, code: str) -> None:
        with pytest.raises(FileUnreadable) as refused:
            read(text)

        assert refused.value.code == code

    @pytest.mark.parametrize("end", ["\r", "\r\n", "\n\n"])
    def test_may_end_its_lines_in_any_way_and_begin_with_a_mark(self, end: str) -> None:
        text = "\ufeff" + end.join([HEADER, *hours("2026-03-08T00:00:00+00:00", 1)])

        assert [item.rows for item in read(text)] == [1]
