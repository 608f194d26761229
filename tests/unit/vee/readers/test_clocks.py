from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from vee.readers.base import RowRefused
from vee.readers.clocks import clock_for, meanings, to_instant
from vee.readers.column_times import standard_clock


NEW_YORK = ZoneInfo("America/New_York")


def naive(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


class TestMeanings:
    @pytest.mark.parametrize(
        ("time", "hours"),
        [("2024-07-01 00:00", [4]), ("2024-01-01 00:00", [5]), ("2024-03-10 02:30", []), ("2024-11-03 01:30", [5, 6])],
    )
    def test_gives_one_instant_none_or_two(self, time: str, hours: list[int]) -> None:
        assert [instant.hour for instant in meanings(naive(time), NEW_YORK)] == hours

    def test_gives_one_on_a_clock_without_daylight_saving_time(self) -> None:
        fixed = dt.timezone(dt.timedelta(hours=-5))

        assert len(meanings(naive("2024-11-03 01:30"), fixed)) == 1


class TestToInstant:
    @pytest.mark.parametrize(
        ("time", "code"), [("2024-03-10 02:30", "nonexistent_time"), ("2024-11-03 01:30", "ambiguous_time")]
    )
    def test_never_guesses(self, time: str, code: str) -> None:
        with pytest.raises(RowRefused) as refused:
            to_instant(naive(time), NEW_YORK)

        assert refused.value.code == code


class TestClockFor:
    def test_refuses_a_component_that_nobody_knows(self) -> None:
        for unknown in (None, lambda _: None):
            with pytest.raises(RowRefused) as refused:
                clock_for("M1", unknown)
            assert refused.value.code == "zone_unknown"


class TestStandardClock:
    @pytest.mark.parametrize(
        ("zone", "hours"),
        [("America/New_York", -5), ("Australia/Sydney", 10), ("Australia/Brisbane", 10), ("UTC", 0)],
    )
    def test_has_the_offset_of_standard_time(self, zone: str, hours: int) -> None:
        assert standard_clock(ZoneInfo(zone)) == dt.timezone(dt.timedelta(hours=hours))
