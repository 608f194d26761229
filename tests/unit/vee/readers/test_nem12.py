from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.factories.meter_data import day, nem12, stream
from vee import readers
from vee.codes import Condition
from vee.readers import FileUnreadable, IntervalReadings, RegisterReading, RowError


UTC10 = dt.timezone(dt.timedelta(hours=10))
ONES = [1] * 48


def read(raw: bytes, name: str = "day.csv") -> list[readers.Item]:
    return list(readers.open_reader(format="nem12", stream=io.BytesIO(raw), name=name))


def errors(items: Sequence[readers.Item]) -> list[tuple[int, str]]:
    return [(item.line, item.code) for item in items if isinstance(item, RowError)]


class TestAnAcceptedDay:
    def test_has_its_first_label_half_an_hour_after_midnight_of_utc_plus_10(self) -> None:
        # GT-59
        values = [f"{i}.25" for i in range(48)]

        [item] = read(nem12(stream(), day("20260308", values)))

        assert isinstance(item, IntervalReadings)
        assert item.component == "NMI0000001-E1"
        assert item.start == dt.datetime(2026, 3, 8, tzinfo=UTC10)
        assert item.start + dt.timedelta(seconds=item.seconds_per_interval) == dt.datetime(
            2026, 3, 8, 0, 30, tzinfo=UTC10
        )
        assert item.end == dt.datetime(2026, 3, 9, tzinfo=UTC10)
        assert item.uom == "KWH"
        assert item.values == [Decimal(value) for value in values]
        assert item.conditions == [Condition.REGULAR] * 48
        assert item.line == 3

    @pytest.mark.parametrize("minutes", [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 30])
    def test_can_have_any_length_that_divides_it(self, minutes: int) -> None:
        count = 1440 // minutes

        [item] = read(nem12(stream(minutes=minutes), day("20260308", ["0.5"] * count)))

        assert isinstance(item, IntervalReadings)
        assert (len(item.values), item.seconds_per_interval) == (count, minutes * 60)

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_may_end_its_lines_in_any_way(self, end: str) -> None:
        [item] = read(nem12(stream(), day("20260308", ONES), end=end))

        assert isinstance(item, IntervalReadings)
        assert item.line == 3

    def test_may_follow_a_byte_order_mark_and_blank_lines(self) -> None:
        [item] = read(b"\xef\xbb\xbf\r\n\r\n" + nem12(stream(), day("20260308", ONES)))

        assert isinstance(item, IntervalReadings)

    def test_may_be_followed_by_empty_columns(self) -> None:
        assert errors(read(nem12(stream() + ",,,,,,", day("20260308", ONES) + ",,,,,,"))) == []

    def test_keeps_numbers_without_a_leading_zero_exactly(self) -> None:
        [item] = read(nem12(stream(), day("20260308", [".05", *ONES[1:]])))

        assert isinstance(item, IntervalReadings)
        assert item.values[0] == Decimal("0.05")


class TestADayOfTheWrongLength:
    @pytest.mark.parametrize("count", [0, 1, 47, 49, 96])
    def test_is_refused_and_stops_nothing(self, count: int) -> None:
        # GT-59
        items = read(nem12(stream(), day("20260308", [1] * count), day("20260309", ONES)))

        assert errors(items) == [(3, "interval_count")]
        assert [item.line for item in items if isinstance(item, IntervalReadings)] == [4]


class TestAQualityFlag:
    @pytest.mark.parametrize(
        ("flag", "condition"),
        [
            ("A", Condition.REGULAR),
            ("S14", Condition.EXTERNAL_ESTIMATED),
            ("F52", Condition.EXTERNAL_ESTIMATED_FINAL),
            ("E52", Condition.EXTERNAL_ESTIMATED_LOW),
        ],
    )
    def test_becomes_a_condition(self, flag: str, condition: Condition) -> None:
        # GT-60
        [item] = read(nem12(stream(), day("20260308", ONES, flag)))

        assert isinstance(item, IntervalReadings)
        assert item.conditions == [condition] * 48

    def test_of_null_data_leaves_no_value(self) -> None:
        [item] = read(nem12(stream(), day("20260308", ["0", "", *ONES[2:]], "N")))

        assert isinstance(item, IntervalReadings)
        assert item.values == [None] * 48
        assert item.conditions == [Condition.MISSING] * 48

    @pytest.mark.parametrize("reason", ["43", "79"])
    def test_with_an_outage_reason_is_an_outage(self, reason: str) -> None:
        [item] = read(nem12(stream(), day("20260308", ONES, "S14", reason)))

        assert isinstance(item, IntervalReadings)
        assert item.conditions == [Condition.NO_READ_OUTAGE] * 48

    @pytest.mark.parametrize(
        ("flag", "code"),
        [
            ("F", "method_missing"),
            ("S", "method_missing"),
            ("E", "method_missing"),
            ("S99", "unknown_method"),
            ("S10", "unknown_method"),
            ("A14", "method_not_allowed"),
            ("N52", "method_not_allowed"),
            ("X", "unknown_quality"),
            ("a", "unknown_quality"),
            ("", "missing_fields"),
            ("V", "quality_missing"),
        ],
    )
    def test_that_breaks_the_rules_refuses_its_day(self, flag: str, code: str) -> None:
        # GT-60: method missing, unknown method, V without 400 rows
        assert errors(read(nem12(stream(), day("20260308", ONES, flag)))) == [(3, code)]

    def test_with_a_reason_that_is_no_number_refuses_its_day(self) -> None:
        assert errors(read(nem12(stream(), day("20260308", ONES, "S14", "x")))) == [(3, "reason_invalid")]


class TestAVariableDay:
    def test_takes_the_quality_of_each_interval_from_its_spans(self) -> None:
        rows = [
            stream(),
            day("20260308", ONES, "V"),
            "400,1,20,A,,",
            "400,21,21,S14,76,",
            "400,22,47,E52,,",
            "400,48,48,N,,",
        ]

        [item] = read(nem12(*rows))

        assert isinstance(item, IntervalReadings)
        assert item.conditions == (
            [Condition.REGULAR] * 20
            + [Condition.EXTERNAL_ESTIMATED]
            + [Condition.EXTERNAL_ESTIMATED_LOW] * 26
            + [Condition.MISSING]
        )
        assert item.values == [Decimal(1)] * 47 + [None]

    @pytest.mark.parametrize(
        ("spans", "expected"),
        [
            (["400,1,47,A,,"], (3, "quality_missing")),
            (["400,1,24,A,,", "400,26,48,A,,"], (5, "span_not_contiguous")),
            (["400,1,24,A,,", "400,24,48,A,,"], (5, "span_not_contiguous")),
            (["400,2,48,A,,"], (4, "span_not_contiguous")),
            (["400,1,96,A,,"], (4, "span_out_of_range")),
            (["400,1,0,A,,"], (4, "span_out_of_range")),
            (["400,1,x,A,,"], (4, "span_out_of_range")),
            (["400,1,48,V,,"], (4, "span_variable")),
            (["400,1,48,F,,"], (4, "method_missing")),
            (["400,1,48"], (4, "missing_fields")),
        ],
    )
    def test_is_refused_once_when_its_spans_do_not_cover_it(self, spans: list[str], expected: tuple[int, str]) -> None:
        items = read(nem12(stream(), day("20260308", ONES, "V"), *spans, day("20260309", ONES)))

        assert errors(items) == [expected]
        assert len(items) == 2

    def test_is_refused_when_a_value_is_empty_under_another_flag_than_n(self) -> None:
        assert errors(read(nem12(stream(), day("20260308", ["", *ONES[1:]], "V"), "400,1,48,A,,"))) == [
            (3, "missing_value")
        ]

    def test_is_refused_when_it_has_spans_but_another_flag(self) -> None:
        assert errors(read(nem12(stream(), day("20260308", ONES, "A"), "400,1,48,S14,,"))) == [
            (4, "span_without_variable")
        ]


class TestANumber:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("NaN", "not_a_number"),
            ("Infinity", "not_a_number"),
            ("1e400", "not_a_number"),
            ("1_000", "not_a_number"),
            ("١٢٣", "not_a_number"),
            ("0x1", "not_a_number"),
            ("--1", "not_a_number"),
            ("1.2.3", "not_a_number"),
            ("1e20", "too_many_digits"),
            ("1234567890123456", "too_many_digits"),
            ("1.1234567891", "too_many_decimals"),
            ("1e-12", "too_many_decimals"),
        ],
    )
    def test_that_cannot_be_kept_exactly_refuses_its_day(self, text: str, code: str) -> None:
        # reliability V5
        assert errors(read(nem12(stream(), day("20260308", [text, *ONES[1:]])))) == [(3, code)]

    @pytest.mark.parametrize(
        ("text", "value"), [("-1.5", "-1.5"), ("+2", "2"), ("1e-3", "0.001"), ("1.500000000000", "1.5"), ("0", "0")]
    )
    def test_that_can_be_kept_is_exact(self, text: str, value: str) -> None:
        [item] = read(nem12(stream(), day("20260308", [text, *ONES[1:]])))

        assert isinstance(item, IntervalReadings)
        assert item.values[0] == Decimal(value)


class TestARegisterRead:
    def test_is_a_reading_of_the_register_component(self) -> None:
        items = read(nem12(stream(), day("20260308", ONES), "500,N,S1,20260308121500,012345.6"))

        [register] = [item for item in items if isinstance(item, RegisterReading)]
        assert register.component == "NMI0000001-E1:REG"
        assert register.read_at == dt.datetime(2026, 3, 8, 12, 15, tzinfo=UTC10)
        assert register.reading == Decimal("12345.6")
        assert register.line == 4

    @pytest.mark.parametrize("row", ["500,O,S1,20260308121500,", "500,E,,,", "500,A"])
    def test_is_none_when_the_transaction_carries_no_index(self, row: str) -> None:
        assert len(read(nem12(stream(), day("20260308", ONES), row))) == 1

    def test_at_a_time_that_does_not_exist_is_refused(self) -> None:
        items = read(nem12(stream(), "500,S,S1,20260308333333,111.1", day("20260308", ONES)))

        assert errors(items) == [(3, "invalid_time")]


class TestARowThatDoesNotBelong:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([day("20260308", ONES)], [(2, "no_stream")]),
            (["200,NMI0000001,E1"], [(2, "missing_fields")]),
            ([stream(minutes=7)], [(2, "invalid_interval_length")]),
            ([stream(minutes=60)], [(2, "invalid_interval_length")]),
            ([stream(nmi="")], [(2, "invalid_nmi")]),
            ([stream(nmi="A" * 41)], [(2, "invalid_nmi")]),
            ([stream(suffix="=1+1")], [(2, "invalid_suffix")]),
            (["250,NMI,11,1"], [(2, "unknown_record")]),
            (["400,1,48,A,,"], [(2, "span_without_day")]),
            (["100,NEM13,202603040506,A,B"], [(2, "other_format")]),
            ([stream(), day("20260230", ONES)], [(3, "invalid_date")]),
            ([stream(), day("2026038", ONES)], [(3, "invalid_date")]),
            ([stream(), day("٢٠٢٦٠٣٠٨", ONES)], [(3, "invalid_date")]),
            ([stream(), day("20260308", ONES) + ",x"], [(3, "too_many_fields")]),
            ([stream(), day("20260308", ONES).replace("300,", "300,\x00", 1)], [(3, "nul")]),
            (
                [stream(minutes=7), day("20260308", ONES), "400,1,48,A,,"],
                [(2, "invalid_interval_length"), (3, "no_stream")],
            ),
        ],
    )
    def test_is_refused_with_its_line_and_code(self, rows: list[str], expected: list[tuple[int, str]]) -> None:
        good = [stream(), day("20260310", ONES)]

        items = read(nem12(*rows, *good))

        assert errors(items) == expected
        assert sum(isinstance(item, IntervalReadings) for item in items) == 1

    @pytest.mark.parametrize("broken", [b"200,NMI\xff,E1", b"2\xff0,NMI,E1", b"2OO,NMI,E1"])
    def test_that_may_have_begun_a_stream_leaves_no_day_to_the_stream_before_it(self, broken: bytes) -> None:
        raw = nem12(stream(), day("20260308", ONES), "BROKEN", day("20260308", ONES), stream(), day("20260309", ONES))

        items = read(raw.replace(b"BROKEN", broken))

        assert [line for line, _ in errors(items)] == [4, 5]
        assert errors(items)[1] == (5, "no_stream")
        assert [item.line for item in items if isinstance(item, IntervalReadings)] == [3, 7]

    def test_with_the_quality_of_a_span_refuses_the_day(self) -> None:
        raw = nem12(stream(), day("20260308", ONES, "V"), "400,1,48,A,0,BROKEN", "400,1,48,A,,", day("20260309", ONES))

        items = read(raw.replace(b"BROKEN", b"\xff"))

        assert errors(items) == [(4, "encoding")]
        assert [item.line for item in items if isinstance(item, IntervalReadings)] == [6]

    def test_is_refused_after_the_end(self) -> None:
        raw = nem12(stream(), day("20260308", ONES)) + day("20260309", ONES).encode() + b"\n"

        assert errors(read(raw)) == [(5, "after_end")]

    def test_is_refused_when_it_is_longer_than_any_day(self) -> None:
        raw = nem12(stream(), day("20260308", ONES), "300," + "1" * 700_000, day("20260309", ONES))

        items = read(raw)

        assert errors(items) == [(4, "line_too_long")]
        assert [item.line for item in items if isinstance(item, IntervalReadings)] == [3, 5]


class TestAFile:
    def test_that_ends_without_its_end_row_is_read_and_says_so(self) -> None:
        raw = nem12(stream(), day("20260308", ONES)).removesuffix(b"900\n")

        items = read(raw)

        assert errors(items) == [(3, "missing_trailer")]
        assert len(items) == 2

    def test_may_hold_several_files_one_after_another(self) -> None:
        raw = nem12(stream(), day("20260308", ONES))

        assert [type(item) for item in read(raw + raw)] == [IntervalReadings, IntervalReadings]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"),
            (b"\r\n\r\n", "empty_file"),
            (nem12(), "no_data"),
            (b"200,NMI0000001,E1,1,E1,N1,M,kWh,30,\n900\n", "missing_header"),
            (b"100,NEM13,202603040506,A,B\n900\n", "other_format"),
            (b"100\n900\n", "other_format"),
            ("100,NEM12,x".encode("utf-16"), "encoding"),
            (b"\x00\x01\x02", "nul"),
        ],
    )
    def test_without_header_or_data_is_refused_as_a_whole(self, raw: bytes, code: str) -> None:
        with pytest.raises(FileUnreadable) as refused:
            read(raw)

        assert refused.value.code == code


class TestOpenReader:
    def test_says_which_formats_are_not_known(self) -> None:
        for unknown in ("xml", "csv:", "csv:a b", "nem12:x", ""):
            with pytest.raises(readers.FormatUnknown, match="not a known format"):
                readers.open_reader(format=unknown, stream=io.BytesIO(), name="x")

    def test_needs_the_layout_of_a_column_profile(self) -> None:
        with pytest.raises(readers.FormatUnknown, match="no layout"):
            readers.open_reader(format="csv:amr", stream=io.BytesIO(), name="x")
