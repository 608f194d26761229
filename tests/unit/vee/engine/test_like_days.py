from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.engine.like_days import Search, comparison_days, day_class, nearest, reach, weekday_of


MONDAY = dt.date(2024, 1, 29).toordinal()
NOBODY: frozenset[int] = frozenset()


class TestDays:
    def test_weekdays_count_from_monday_and_a_holiday_is_a_sunday(self) -> None:
        assert [weekday_of(MONDAY + day, NOBODY) for day in range(7)] == list(range(7))
        assert weekday_of(MONDAY, frozenset({MONDAY})) == 6

    def test_classes_are_working_days_saturdays_and_sundays_or_holidays(self) -> None:
        assert [day_class(MONDAY + day, NOBODY) for day in range(7)] == [0, 0, 0, 0, 0, 5, 6]
        assert day_class(MONDAY + 5, frozenset({MONDAY + 5})) == 6

    def test_nearest_days_come_first_and_the_earlier_of_two(self) -> None:
        assert nearest(10, back=3, forward=2) == [9, 11, 8, 12, 7]


class TestComparisonDays:
    def test_each_day_comes_once_at_its_first_place(self) -> None:
        found = comparison_days(MONDAY, [Search.SAME_WEEKDAY, Search.NEIGHBOUR_DAY], holidays=NOBODY, back=8, forward=0)

        assert [MONDAY - day for day in found] == [7, 1, 2, 3, 4, 5, 6, 8]

    def test_holidays_are_no_like_days_of_the_table(self) -> None:
        tuesday = MONDAY + 1
        found = comparison_days(tuesday, [Search.NEM_LIKE_DAY], holidays=frozenset({tuesday - 7}), back=0, forward=0)

        assert [tuesday - day for day in found] == [6, 5, -1, -2]

    @given(
        st.integers(MONDAY, MONDAY + 20),
        st.lists(st.sampled_from(list(Search)), min_size=1),
        st.frozensets(st.integers(MONDAY - 30, MONDAY + 30)),
        st.integers(0, 30),
        st.integers(0, 30),
    )
    def test_all_lie_within_reach_and_none_is_the_day_itself(
        self, day: int, searches: list[Search], holidays: frozenset[int], back: int, forward: int
    ) -> None:
        found = comparison_days(day, searches, holidays=holidays, back=back, forward=forward)
        farthest_back, farthest_forward = reach(searches, back=back, forward=forward)

        assert len(set(found)) == len(found)
        assert day not in found
        assert all(day - farthest_back <= other <= day + farthest_forward for other in found)

    @pytest.mark.parametrize("search", list(Search))
    def test_every_search_finds_something_on_a_holiday_or_on_none(self, search: Search) -> None:
        off = frozenset({MONDAY, MONDAY - 14})
        assert comparison_days(MONDAY, [search], holidays=off, back=28, forward=0)
