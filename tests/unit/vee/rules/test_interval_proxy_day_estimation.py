from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.unit.vee.engine.builders import M, Value, as_numbers, batch, facts, numbers, run_rule
from tests.unit.vee.engine.world import Series, World, other_component
from vee.codes import ComponentKind
from vee.engine.batch import Batch


RULE = "interval_proxy_day_estimation"
HOUR = 3600
WEDNESDAY = dt.date(2024, 1, 31)
TEMPERATURE = other_component(30, ComponentKind.INTERVAL, seconds=HOUR, scale=1)
ANY_CLASS = {"same_day_class": False}


def instant(back: int, day: dt.date = WEDNESDAY) -> int:
    at = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) - dt.timedelta(days=back)
    return int(at.timestamp())


def imd(values: Sequence[Value]) -> Batch:
    given = batch(values, seconds=HOUR, about=[facts(service_point_id=1, seconds_per_interval=HOUR)])
    given.starts = np.array([instant(0)], dtype=np.int64)
    return given


def world(temperatures: Mapping[int, Sequence[Value] | Value], values: Mapping[int, Value], **told: Any) -> World:
    """Temperatures and consumption by how many days back; one value is that of every hour."""

    def day(back: int, of_day: Sequence[Value] | Value) -> Series:
        hourly = list(of_day) if isinstance(of_day, list) else [of_day] * 24
        return Series(hourly, start=instant(back), seconds=HOUR)  # type: ignore[arg-type]

    return World(
        series={
            30: [day(back, of_day) for back, of_day in temperatures.items()],
            10: [day(back, of_day) for back, of_day in values.items()],
        },
        factors={"TEMPERATURE": 30},
        facts=[TEMPERATURE],
        **told,
    )


class TestIntervalProxyDayEstimation:
    def test_averages_the_days_whose_temperature_is_nearest(self) -> None:
        history = world({0: 20, 1: 30, 2: 21, 3: 10, 4: 19, 5: "20.4"}, {1: 1, 2: 2, 3: 4, 4: 8, 5: 16})
        result = run_rule(RULE, imd([5] * 12 + [M] * 12), {**ANY_CLASS, "days_to_average": 2}, history)

        assert numbers(result.batch) == as_numbers(*[5] * 12, *[9] * 12)  # 5 and, of equally near ones, the later: 2
        assert result.batch.conditions[0].tolist() == [501000] * 12 + [301200] * 12

    @pytest.mark.parametrize(("same_class", "expected"), [(True, 2), (False, 1)])
    def test_days_are_of_the_same_class_unless_the_site_wants_any(self, same_class: bool, expected: int) -> None:
        # Three days before a Wednesday is a Sunday.
        history = world({0: 20, 1: 25, 3: 20}, {1: 2, 3: 1})
        parameters = {"same_day_class": same_class, "days_to_average": 1}

        assert numbers(run_rule(RULE, imd([M] * 24), parameters, history).batch)[0] == expected

    def test_a_day_of_which_too_little_temperature_is_known_is_no_proxy(self) -> None:
        history = world({0: 20, 1: [20] * 17 + [M] * 7, 2: [25] * 18 + [M] * 6}, {1: 1, 2: 2})
        result = run_rule(RULE, imd([M] * 24), {**ANY_CLASS, "days_to_average": 1}, history)

        assert numbers(result.batch)[0] == 2

    def test_a_day_out_of_reach_is_no_proxy(self) -> None:
        history = world({0: 20, 1: 30, 9: 20}, {1: 1, 9: 9})
        parameters = {**ANY_CLASS, "days_to_average": 1, "max_days_back": 8}

        assert numbers(run_rule(RULE, imd([M] * 24), parameters, history).batch)[0] == 1

    def test_the_next_nearest_day_stands_in_for_one_that_was_not_measured(self) -> None:
        history = world({0: 20, 1: 30, 2: 20}, {1: 1})

        assert numbers(run_rule(RULE, imd([M] * 24), {**ANY_CLASS, "days_to_average": 1}, history).batch)[0] == 1

    @pytest.mark.parametrize("temperatures", [{1: 20}, {0: 20}])
    def test_without_temperatures_of_the_day_or_the_others_it_is_reported(self, temperatures: dict[int, Any]) -> None:
        result = run_rule(RULE, imd([M] * 24), ANY_CLASS, world(temperatures, {1: 1}))

        [finding] = result.findings
        assert (finding.exception_type, finding.count) == ("INSUFFICIENT-HISTORY", 24)
        assert result.changed.tolist() == [False]

    def test_without_a_temperature_component_it_is_not_evaluated(self) -> None:
        result = run_rule(RULE, imd([M] * 24), {"temperature_factor": "WEATHER"}, world({0: 1}, {}))

        assert result.row_log(0)[0].reason == "the factor WEATHER names no temperature"

    def test_temperatures_may_have_another_interval_size(self) -> None:
        history = world({}, {1: 1, 2: 2})
        history.facts = [other_component(30, ComponentKind.INTERVAL, seconds=86_400, scale=1)]
        history.series = {
            **history.series,
            30: [Series([value], start=instant(back), seconds=86_400) for back, value in ((0, 20), (1, 25), (2, 21))],
        }

        assert numbers(run_rule(RULE, imd([M] * 24), {**ANY_CLASS, "days_to_average": 1}, history).batch)[0] == 2
