from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import M, Value, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.world import DAY_SECONDS, Series, World
from vee.codes import Condition
from vee.engine.batch import Batch
from vee.engine.findings import Outcome


RULE = "interval_averaging_estimation"
HOUR = 3600
MONDAY = dt.date(2024, 1, 29)


def instant(day: dt.date, hour: int = 0, zone: str = "UTC") -> int:
    return int(dt.datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).timestamp())


def imd(day: dt.date, values: Sequence[Value], *, zone: str = "UTC", attached: bool = True, **changes: Any) -> Batch:
    about = facts(
        time_zone=zone, service_point_id=1 if attached else None, seconds_per_interval=HOUR,
        component_seconds_per_interval=HOUR,
    )  # fmt: skip
    given_batch = batch(values, seconds=HOUR, about=[about], **changes)
    given_batch.starts = np.array([instant(day, zone=zone)], dtype=np.int64)
    return given_batch


def flat(day: dt.date, value: Value, *, zone: str = "UTC", **changes: Any) -> Series:
    """A day of 24 hours with one value."""
    return Series([value] * 24, start=instant(day, zone=zone), seconds=HOUR, **changes)


def ago(days: int, day: dt.date = MONDAY) -> dt.date:
    return day - dt.timedelta(days=days)


class TestSearch:
    # Each of the 35 days before has the number of days it lies back as its value, all day long.
    def _estimate(self, parameters: dict[str, Any], day: dt.date = MONDAY, **world: Any) -> Any:
        days = [flat(ago(back, day), back) for back in range(1, 36)] + [
            flat(ago(-1, day), 100),
            flat(ago(-7, day), 700),
        ]
        history = World(series={10: days}, **world)
        result = run_rule(RULE, imd(day, [M] * 24), parameters, history)
        found = set(numbers(result.batch))
        assert len(found) == 1
        return found.pop()

    def test_the_same_weekday_of_the_weeks_before(self) -> None:
        assert self._estimate({"comparison_search": ["SAME_WEEKDAY"]}) == 14  # (7 + 14 + 21) / 3

    def test_neighbours_lie_nearest(self) -> None:
        assert self._estimate({"comparison_search": ["NEIGHBOUR_DAY"]}) == 2

    def test_forward_days_count_where_they_are_allowed(self) -> None:
        near = {"comparison_search": ["NEIGHBOUR_DAY"], "days_to_average": 2, "max_days_forward": 1}
        weeks = {"comparison_search": ["SAME_WEEKDAY"], "days_to_average": 2, "max_days_forward": 7}

        assert self._estimate(near) == as_numbers("50.5")[0]  # the day before and the day after
        assert self._estimate(weeks) == as_numbers("353.5")[0]

    @pytest.mark.parametrize(
        ("day", "expected"),
        [
            (dt.date(2024, 1, 29), 4),  # Monday: Friday, Thursday and Wednesday, 3, 4 and 5 days back
            (
                dt.date(2024, 1, 31),
                as_numbers("2.666667")[0],
            ),  # Wednesday: Tuesday, Monday, Friday 1, 2 and 5 days back
            (dt.date(2024, 1, 27), 14),  # Saturdays
            (dt.date(2024, 1, 28), 14),  # Sundays
        ],
    )
    def test_like_days_are_the_nearest_earlier_ones_of_the_class(self, day: dt.date, expected: Any) -> None:
        assert self._estimate({"comparison_search": ["LIKE_DAY"], "max_days_forward": 7}, day) == expected

    def test_a_holiday_is_like_a_sunday_and_no_working_day(self) -> None:
        off = frozenset({MONDAY.toordinal(), ago(3).toordinal()})
        like = {"comparison_search": ["LIKE_DAY"]}

        # Sunday 1, Friday 3 (a holiday), Sunday 8 days back.
        assert self._estimate(like, off_days=off) == 4
        # On Tuesday the holidays on Monday and Friday are left out: Thursday, Wednesday, Tuesday 5, 6 and 7 days back.
        assert self._estimate(like, ago(-1), off_days=off) == 6

    def test_holidays_are_compared_with_holidays_first(self) -> None:
        off = frozenset({MONDAY.toordinal(), ago(20).toordinal()})
        parameters = {"comparison_search": ["HOLIDAY", "SAME_WEEKDAY"], "days_to_average": 1}

        assert self._estimate(parameters, off_days=off) == 20
        # It is no holiday a day later, so the search goes on; the holiday is not among its weekdays.
        assert self._estimate(parameters, ago(-1), off_days=off) == 7

    def test_the_search_goes_on_until_there_are_enough_days(self) -> None:
        parameters = {"comparison_search": ["SAME_WEEKDAY", "NEIGHBOUR_DAY"], "max_days_back": 7}

        assert self._estimate(parameters) == as_numbers("3.333333")[0]  # 7, then 1 and 2

    @pytest.mark.parametrize(("day", "back"), [(0, 7), (1, 7), (2, 7), (3, 7), (4, 7), (5, 7), (6, 7)])
    def test_the_nem_table_prefers_the_same_day_of_the_week_before(self, day: int, back: int) -> None:
        parameters = {"comparison_search": ["NEM_LIKE_DAY"], "days_to_average": 1, "max_days_back": 0}

        assert self._estimate(parameters, MONDAY + dt.timedelta(days=day)) == back

    @pytest.mark.parametrize(
        ("weekday", "expected"),
        [
            (1, [7, 6, 5, -1, -2]),
            (2, [7, 1, -1, 6, 8]),
            (3, [7, 1, 2, 8, 9]),
        ],
    )
    def test_the_nem_table_in_its_order(self, weekday: int, expected: list[int]) -> None:
        day = MONDAY + dt.timedelta(days=weekday)
        parameters = {"comparison_search": ["NEM_LIKE_DAY"], "days_to_average": 1}
        order = []
        remaining = {back: flat(ago(back, day), back) for back in range(-7, 30) if back}
        for _ in expected:
            result = run_rule(RULE, imd(day, [M] * 24), parameters, World(series={10: list(remaining.values())}))
            value = numbers(result.batch)[0]
            assert value is not None
            order.append(int(value))
            del remaining[int(value)]

        assert order == expected
        exhausted = run_rule(RULE, imd(day, [M] * 24), parameters, World(series={10: list(remaining.values())}))
        assert [finding.exception_type for finding in exhausted.findings] == ["INSUFFICIENT-HISTORY"]

    def test_on_a_holiday_the_nem_table_gives_the_most_recent_sunday(self) -> None:
        parameters = {"comparison_search": ["NEM_LIKE_DAY"], "days_to_average": 1}

        assert self._estimate(parameters, off_days=frozenset({MONDAY.toordinal()})) == 1


class TestHistory:
    def _run(self, days: Sequence[Series], parameters: dict[str, Any] | None = None) -> Any:
        search = {"comparison_search": ["SAME_WEEKDAY"], **(parameters or {})}
        return run_rule(RULE, imd(MONDAY, [1] * 12 + [M] * 12), search, World(series={10: days}))

    def test_estimates_and_unread_measurements_are_no_history(self) -> None:
        result = self._run(
            [
                flat(ago(7), 4, conditions=int(Condition.ESTIMATED_AVERAGED)),
                flat(ago(14), None, conditions=int(Condition.MISSING)),
                flat(ago(21), 6, conditions=int(Condition.SUPER)),
            ]
        )

        assert numbers(result.batch) == as_numbers(*[1] * 12, *[6] * 12)
        assert result.batch.conditions[0].tolist() == [501000] * 12 + [301200] * 12

    def test_the_range_of_conditions_is_the_sites(self) -> None:
        days = [flat(ago(7), 4, conditions=int(Condition.ESTIMATED_AVERAGED)), flat(ago(14), 8)]

        assert numbers(self._run(days, {"eligible_condition_range": [300_000, 699_999]}).batch)[12] == 6

    def test_what_a_person_set_can_be_left_out(self) -> None:
        days = [flat(ago(7), 4, edited=True), flat(ago(14), 8)]

        assert numbers(self._run(days).batch)[12] == 6
        assert numbers(self._run(days, {"exclude_user_edited": True}).batch)[12] == 8

    def test_a_slot_takes_the_first_days_that_have_it(self) -> None:
        half = Series([M] * 18 + [5] * 6, start=instant(ago(7)), seconds=HOUR)
        result = self._run([half, flat(ago(14), 1), flat(ago(21), 2)], {"days_to_average": 2})

        # Until 18:00 the first day has nothing: the second and third count; afterwards the first and second.
        assert numbers(result.batch)[12:] == as_numbers(*["1.5"] * 6, *[3] * 6)

    def test_too_few_days_leave_the_gap_and_are_reported(self) -> None:
        result = self._run([flat(ago(7), 1)], {"min_comparison_days": 2})

        assert numbers(result.batch) == as_numbers(*[1] * 12, *[M] * 12)
        [finding] = result.findings
        assert (finding.exception_type, finding.observed, finding.limit) == ("INSUFFICIENT-HISTORY", "12", "2")
        assert (finding.first_interval, finding.last_interval, finding.count) == (12, 23, 12)
        assert result.blocked.tolist() == [True]

    def test_averages_round_half_to_even_at_the_scale(self) -> None:
        days = [flat(ago(7), "0.000001"), flat(ago(14), "0.000002")]

        assert numbers(self._run(days).batch)[12] == as_numbers("0.000002")[0]

    def test_sums_that_do_not_fit_64_bits_are_exact(self) -> None:
        days = [flat(ago(7 * week), 999_999_999_999) for week in range(1, 13)]
        result = self._run(days, {"days_to_average": 12, "max_days_back": 84})

        assert numbers(result.batch)[12] == 999_999_999_999

    def test_history_is_asked_for_once_and_only_for_imds_with_gaps(self) -> None:
        world = World(series={10: [flat(ago(7), 4)]})
        given_batch = imd(MONDAY, [M] * 24)
        whole = batch([1] * 24, [M] * 24, seconds=HOUR, about=[given_batch.facts[0]] * 2)
        whole.starts = np.repeat(given_batch.starts, 2)

        result = run_rule(RULE, whole, history=world)

        [windows] = world.asked
        assert windows.component_ids.tolist() == [10]
        assert numbers(result.batch, 1) == as_numbers(*[4] * 24)


class TestWhenItRuns:
    def _run(self, given_batch: Batch, parameters: dict[str, Any] | None = None) -> Any:
        return run_rule(RULE, given_batch, parameters, World(series={10: [flat(ago(7), 4)]}))

    def test_a_component_without_a_service_point_only_where_the_site_wants_it(self) -> None:
        detached = imd(MONDAY, [M] * 24, attached=False)

        assert self._run(detached).row_log(0)[0].reason == "the component is attached to no service point"
        assert self._run(detached, {"estimate_if_not_attached_to_sp": True}).changed.tolist() == [True]

    @pytest.mark.parametrize(("limit", "runs"), [("12.5", False), ("12.500001", True), (101, True), (0, False)])
    def test_only_below_the_share_of_missing_intervals(self, limit: Any, runs: bool) -> None:
        result = self._run(imd(MONDAY, [1] * 21 + [M] * 3), {"max_pct_missing": limit})

        assert result.changed.tolist() == [runs]
        assert result.row_log(0)[0].outcome == (Outcome.ESTIMATED if runs else Outcome.NOT_EVALUATED)

    def test_all_missing_is_less_than_101_percent_and_not_less_than_100(self) -> None:
        assert self._run(imd(MONDAY, [M] * 24), {"max_pct_missing": 101}).changed.tolist() == [True]
        assert self._run(imd(MONDAY, [M] * 24), {"max_pct_missing": 100}).changed.tolist() == [False]

    def test_an_outage_is_not_missing(self) -> None:
        codes = [[int(Condition.NO_READ_OUTAGE)] * 12 + [int(Condition.MISSING)] * 12]
        result = self._run(imd(MONDAY, [M] * 24, conditions=codes))

        assert numbers(result.batch) == as_numbers(*[M] * 12, *[4] * 12)

    def test_without_gaps_nothing_is_asked(self) -> None:
        world = World()

        run_rule(RULE, imd(MONDAY, [1] * 24), history=world)

        assert world.asked == []


class TestClockChanges:
    ZONE = "America/New_York"

    def _day(self, day: dt.date) -> Series:
        """Each hour's value is the hour that the clock shows where it begins; the repeated hour has 1 and then 51."""
        start, end = instant(day, zone=self.ZONE), instant(day + dt.timedelta(days=1), zone=self.ZONE)
        values: list[Value] = []
        for at in range(start, end, HOUR):
            shown = dt.datetime.fromtimestamp(at, ZoneInfo(self.ZONE))
            values.append(shown.hour + 50 * shown.fold)
        return Series(values, start=start, seconds=HOUR)

    def _run(self, day: dt.date, hours: int, compared: Sequence[dt.date], **parameters: Any) -> list[Any]:
        search = {"comparison_search": ["SAME_WEEKDAY"], "max_days_forward": 7, **parameters}
        series = [self._day(one) for one in compared]
        result = run_rule(RULE, imd(day, [M] * hours, zone=self.ZONE), search, World(series={10: series}))
        return numbers(result.batch)

    def test_a_day_of_23_hours_takes_the_hours_that_its_clock_shows(self) -> None:
        spring = dt.date(2024, 3, 10)
        found = self._run(spring, 23, [ago(7, spring)])

        assert found == as_numbers(0, 1, *range(3, 24))

    def test_a_day_of_25_hours_takes_the_repeated_hour_twice(self) -> None:
        autumn = dt.date(2024, 11, 3)
        found = self._run(autumn, 25, [ago(7, autumn)])

        assert found == as_numbers(0, 1, 1, *range(2, 24))

    def test_a_comparison_day_of_23_hours_lacks_an_hour(self) -> None:
        spring = dt.date(2024, 3, 10)
        found = self._run(ago(-7, spring), 24, [spring])

        assert found == as_numbers(0, 1, M, *range(3, 24))

    def test_both_repeated_hours_of_a_comparison_day_count(self) -> None:
        autumn = dt.date(2024, 11, 3)
        found = self._run(ago(-7, autumn), 24, [autumn])

        assert found == as_numbers(0, 26, *range(2, 24))  # (1 + 51) / 2

    def test_days_on_both_sides_of_a_change_are_compared_by_the_clock(self) -> None:
        after = dt.date(2024, 3, 17)
        found = self._run(after, 24, [ago(14, after)])

        assert found == as_numbers(*range(24))


class TestInvariant:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.lists(st.integers(-5000, 5000), min_size=24, max_size=24), min_size=1, max_size=4),
        st.lists(st.booleans(), min_size=24, max_size=24),
    )
    def test_an_estimate_lies_between_the_values_that_it_averages(
        self, days: list[list[int]], missing: list[bool]
    ) -> None:
        series = [Series(values, start=instant(ago(7 * (week + 1))), seconds=HOUR) for week, values in enumerate(days)]
        values = [M if gone else 7 for gone in missing]
        result = run_rule(
            RULE, imd(MONDAY, values), {"comparison_search": ["SAME_WEEKDAY"]}, World(series={10: series})
        )

        for hour, value in enumerate(numbers(result.batch)):
            of_slot = [day[hour] for day in days[:3]]
            assert value is not None
            assert min(of_slot) <= value <= max(of_slot) if missing[hour] else value == 7


def test_windows_reach_back_over_the_days_and_one_more() -> None:
    world = World(series={10: [flat(ago(7), 4)]})
    run_rule(RULE, imd(MONDAY, [M] * 24), {"max_days_back": 7}, world)

    [windows] = world.asked
    assert windows.starts.tolist() == [instant(MONDAY) - 8 * DAY_SECONDS]
