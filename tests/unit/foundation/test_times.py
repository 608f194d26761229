from __future__ import annotations

import datetime as dt

import pytest

from foundation import times
from foundation.spreadsheets import safe_cell


class TestParseInstant:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2024-03-10T05:00:00Z", dt.datetime(2024, 3, 10, 5, tzinfo=dt.UTC)),
            ("2024-03-10T05:00:00-05:00", dt.datetime(2024, 3, 10, 10, tzinfo=dt.UTC)),
            ("2024-03-10 05:00:00.123+00:00", dt.datetime(2024, 3, 10, 5, 0, 0, 123000, tzinfo=dt.UTC)),
        ],
    )
    def test_it_gives_utc(self, text: str, expected: dt.datetime) -> None:
        assert times.parse_instant(text) == expected

    @pytest.mark.parametrize("text", ["2024-03-10T05:00:00", "10-15-2022 05:00:00PM", "2024-03-10", "", "soon"])
    def test_it_refuses_what_names_no_instant(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"is not an ISO 8601|has no offset"):
            times.parse_instant(text)

    @pytest.mark.parametrize("text", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-01:00"])
    def test_it_refuses_what_has_no_year_in_utc(self, text: str) -> None:
        with pytest.raises(ValueError, match="years 1 to 9999"):
            times.parse_instant(text)


class TestFormatInstant:
    def test_it_is_true_utc_with_milliseconds(self) -> None:
        eastern = dt.timezone(dt.timedelta(hours=-5))

        assert times.format_instant(dt.datetime(2023, 6, 1, 12, 20, 5, tzinfo=eastern)) == "2023-06-01T17:20:05.000Z"


class TestSafeCell:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("=1+1", "'=1+1"), ("@x", "'@x"), ("-5.2", "-5.2"), ("-cmd", "'-cmd"), (None, ""), ("a\x00b", "ab")],
    )
    def test_no_cell_becomes_a_formula(self, value: object, expected: str) -> None:
        assert safe_cell(value) == expected
