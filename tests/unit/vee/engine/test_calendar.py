from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from vee.engine import calendar


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


class TestStandardOffsetSeconds:
    @pytest.mark.parametrize(
        ("zone", "hours"),
        [
            ("UTC", 0),
            ("America/New_York", -5),
            ("Europe/Berlin", 1),
            ("Europe/Dublin", 0),
            ("Australia/Sydney", 10),
            ("Australia/Lord_Howe", 10.5),
            ("Asia/Kathmandu", 5.75),
            ("Asia/Kolkata", 5.5),
        ],
    )
    def test_gives_the_offset_without_summer_time(self, zone: str, hours: float) -> None:
        assert calendar.standard_offset_seconds(zone) == hours * 3600

    def test_refuses_a_zone_that_does_not_exist(self) -> None:
        with pytest.raises(KeyError):
            calendar.standard_offset_seconds("Atlantis/Capital")


class TestStandardDayStart:
    def test_is_midnight_of_standard_time_in_summer_too(self) -> None:
        # 00:30 EDT on July 1 is 23:30 EST on June 30.
        start = calendar.standard_day_start(utc(2024, 7, 1, 4, 30), -5 * 3600)

        assert start == utc(2024, 6, 30, 5)

    def test_includes_its_start(self) -> None:
        assert calendar.standard_day_start(utc(2024, 7, 1, 5), -5 * 3600) == utc(2024, 7, 1, 5)

    @pytest.mark.parametrize("offset", [-5 * 3600, 0, 20_700, 37_800])
    def test_says_the_same_of_datetimes_seconds_and_arrays(self, offset: int) -> None:
        moment = utc(1969, 12, 31, 18, 30)
        seconds = int(moment.timestamp())
        start = calendar.standard_day_start(seconds, offset)

        assert 0 <= seconds - start < 86_400
        assert (start + offset) % 86_400 == 0
        assert calendar.standard_day_start(moment, offset).timestamp() == start
        assert calendar.standard_day_start(np.array([seconds, seconds + 86_400]), offset).tolist() == [
            start,
            start + 86_400,
        ]


class TestLocalDate:
    def test_is_the_date_in_the_zone(self) -> None:
        assert calendar.local_date(utc(2024, 3, 10, 4, 59), "America/New_York") == dt.date(2024, 3, 9)
        assert calendar.local_date(utc(2024, 3, 10, 5), "America/New_York") == dt.date(2024, 3, 10)

    def test_takes_seconds_too(self) -> None:
        assert calendar.local_date(0, "Asia/Kathmandu") == dt.date(1970, 1, 1)
        assert calendar.local_date(np.int64(0), "America/New_York") == dt.date(1969, 12, 31)


class TestIntervalsInLocalDay:
    @pytest.mark.parametrize(
        ("date", "zone", "seconds", "count"),
        [
            (dt.date(2024, 3, 9), "America/New_York", 900, 96),
            (dt.date(2024, 3, 10), "America/New_York", 900, 92),
            (dt.date(2024, 11, 3), "America/New_York", 900, 100),
            (dt.date(2024, 3, 31), "Europe/Berlin", 3600, 23),
            (dt.date(2024, 10, 27), "Europe/Berlin", 300, 300),
            # The clock of Lord Howe changes by half an hour.
            (dt.date(2024, 10, 6), "Australia/Lord_Howe", 900, 94),
            (dt.date(2024, 4, 7), "Australia/Lord_Howe", 900, 98),
            (dt.date(2024, 4, 7), "Australia/Lord_Howe", 1800, 49),
            (dt.date(2024, 6, 1), "Asia/Kathmandu", 900, 96),
            # Midnight is left out, midnight is repeated, and a day that never was.
            (dt.date(2018, 11, 4), "America/Sao_Paulo", 900, 92),
            (dt.date(2023, 11, 5), "America/Havana", 900, 100),
            (dt.date(2011, 12, 30), "Pacific/Apia", 900, 0),
        ],
    )
    def test_counts_by_the_length_of_the_day(self, date: dt.date, zone: str, seconds: int, count: int) -> None:
        assert calendar.intervals_in_local_day(date, zone, seconds) == count

    def test_refuses_a_day_that_is_no_whole_number_of_intervals(self) -> None:
        with pytest.raises(calendar.DayIsNotDivisible, match="2024-10-06 in Australia/Lord_Howe"):
            calendar.intervals_in_local_day(dt.date(2024, 10, 6), "Australia/Lord_Howe", 3600)


class TestLocalDayBounds:
    def test_gives_the_instants_in_kathmandu(self) -> None:
        start, end = calendar.local_day_bounds(dt.date(2024, 6, 1), "Asia/Kathmandu")

        assert (start, end) == (utc(2024, 5, 31, 18, 15), utc(2024, 6, 1, 18, 15))


class TestLabelText:
    def test_is_the_end_of_the_interval_in_local_time_with_its_offset(self) -> None:
        start = int(utc(2024, 3, 10, 5).timestamp())

        assert calendar.label_text(start, 900, 0, "America/New_York") == "2024-03-10 00:15-05:00"
        # The eighth quarter-hour ends when the clock goes from 02:00 to 03:00.
        assert calendar.label_text(start, 900, 7, "America/New_York") == "2024-03-10 03:00-04:00"


class TestWallClock:
    @pytest.mark.parametrize(
        ("zone", "date", "size", "expected"),
        [
            ("America/New_York", (2024, 3, 10), 3600, [0, 1, 3, 4, 5]),
            ("America/New_York", (2024, 11, 3), 3600, [0, 1, 1, 2, 3]),
            ("Australia/Lord_Howe", (2024, 4, 7), 1800, [0, 0.5, 1, 1.5, 1.5, 2]),
            ("UTC", (2024, 3, 10), 900, [0, 0.25, 0.5]),
        ],
    )
    def test_shows_what_clocks_show(
        self, zone: str, date: tuple[int, int, int], size: int, expected: list[float]
    ) -> None:
        start, _ = calendar.local_day_bounds(dt.date(*date), zone)
        shown = calendar.wall_clock(zone, int(start.timestamp()), size, len(expected))

        midnight = int(utc(*date).timestamp())
        assert ((shown - midnight) / 3600).tolist() == expected

    def test_agrees_with_the_zone_over_a_year(self) -> None:
        start, place = int(utc(2024, 1, 1, 7).timestamp()), ZoneInfo("Europe/Berlin")
        shown = calendar.wall_clock("Europe/Berlin", start, 3600, 366 * 24)

        for hour in range(0, 366 * 24, 5):
            at = dt.datetime.fromtimestamp(start + hour * 3600, place)
            assert shown[hour] == int(at.replace(tzinfo=dt.UTC).timestamp())


class TestMonthsBefore:
    @pytest.mark.parametrize(
        ("instant", "months", "expected"),
        [
            ("2024-05-01T00:00+01:00", 1, "2024-04-01T00:00+01:00"),
            ("2024-04-30T00:00+01:00", 1, "2024-03-30T00:00+00:00"),
            ("2024-03-31T06:00+01:00", 1, "2024-02-29T06:00+00:00"),
            ("2024-02-29T00:00+00:00", 12, "2023-02-28T00:00+00:00"),
            ("2024-01-15T12:00+00:00", 1, "2023-12-15T12:00+00:00"),
        ],
    )
    def test_is_the_same_local_day_and_time(self, instant: str, months: int, expected: str) -> None:
        seconds = int(dt.datetime.fromisoformat(instant).timestamp())

        earlier = calendar.months_before(seconds, "Europe/London", months)

        assert earlier == int(dt.datetime.fromisoformat(expected).timestamp())
