"""Golden tests of `vee.md` 10.2 about averaging and the California profile: GT-37 to GT-39."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.unit.vee.engine.builders import M, Value, as_numbers, batch, facts, numbers, plan_of, run_rule, spec
from tests.unit.vee.engine.world import Series, World
from vee.engine import runner
from vee.engine.batch import Batch
from vee.operations import defaults


RULE = "interval_averaging_estimation"
DAY = dt.datetime(2024, 1, 29, tzinfo=dt.UTC)


def imd(values: Sequence[Value]) -> Batch:
    given = batch(values, about=[facts(service_point_id=1)])
    given.starts = np.array([int(DAY.timestamp())], dtype=np.int64)
    return given


def weeks_ago(weeks: int, values: Sequence[Value]) -> Series:
    return Series(values, start=int((DAY - dt.timedelta(weeks=weeks)).timestamp()))


class TestCaliforniaProfile:
    @pytest.mark.parametrize(("length", "condition"), [(8, 301100), (9, 301200)])
    def test_gt_37_two_hours_are_interpolated_and_more_are_averaged(self, length: int, condition: int) -> None:
        [group] = [group for group in defaults.GROUPS if group["code"] == "CA"]
        specs = [
            spec(rule["rule"], rule.get("parameters"), id=number, sequence=rule["sequence"])
            for number, rule in enumerate(group["rules"], start=1)
        ]
        day: list[Value] = [1] * 96
        day[40 : 40 + length] = [M] * length
        world = World(series={10: [weeks_ago(week, ["1.2"] * 96) for week in (1, 2, 3)]})

        result = runner.run(batch=imd(day), plan=plan_of(*specs), context=world)

        assert set(result.batch.conditions[0, 40 : 40 + length].tolist()) == {condition}
        value = 1 if condition == 301100 else "1.2"
        assert numbers(result.batch)[40 : 40 + length] == as_numbers(*[value] * length)
        assert result.blocked.tolist() == [False]


class TestIntervalAveraging:
    def test_gt_38_three_like_days(self) -> None:
        days = [weeks_ago(1, [1, 2]), weeks_ago(2, [2, 4]), weeks_ago(3, [3, "4.5"])]
        result = run_rule(RULE, imd([M, M]), {"comparison_search": ["SAME_WEEKDAY"]}, World(series={10: days}))

        assert numbers(result.batch) == as_numbers(2, "3.5")

    @pytest.mark.parametrize(("threshold", "runs"), [(10, False), (11, True)])
    def test_gt_39_runs_only_below_the_threshold(self, threshold: Any, runs: bool) -> None:
        world = World(series={10: [weeks_ago(1, [5] * 20)]})
        result = run_rule(RULE, imd([1] * 18 + [M] * 2), {"max_pct_missing": threshold}, world)

        assert result.changed.tolist() == [runs]
