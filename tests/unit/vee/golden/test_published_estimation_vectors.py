"""Published examples of estimation (`vectors/published_vectors.json` of the sample data)."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.vee.engine.builders import START, M, Value, as_numbers, batch, facts, numbers, plan_of, run_rule, spec
from tests.unit.vee.engine.world import DAY_SECONDS, Series, World, other_component
from vee.engine import runner


def vector(sample_data: Path, name: str) -> dict[str, Any]:
    text = (sample_data / "vectors" / "published_vectors.json").read_text(encoding="utf-8")
    found: dict[str, Any] = next(one for one in json.loads(text, parse_float=Decimal)["vectors"] if one["id"] == name)
    return found


class TestInterpolation:
    @pytest.mark.parametrize("name", ["itron-linear-1", "niagara-filter"])
    def test_gives_what_is_printed(self, sample_data: Path, name: str) -> None:
        printed = vector(sample_data, name)
        flags = printed.get("estimated_flags") or [value is None for value in printed["input"]]
        given: list[Value] = [M if flag else value for value, flag in zip(printed["input"], flags, strict=True)]

        result = run_rule("interval_interpolation_estimation", batch(given), {"max_consecutive_intervals": 4})

        assert numbers(result.batch) == as_numbers(*printed["expected"])
        assert (result.batch.set_by[0] > 0).tolist() == [bool(flag) for flag in flags]


class TestAdjustment:
    def test_a_blank_half_hour_gets_what_the_days_total_leaves(self, sample_data: Path) -> None:
        printed = vector(sample_data, "banes-missing")
        expected = printed["expected"]
        with (sample_data / printed["file"]).open(encoding="utf-8", newline="") as stream:
            row = list(csv.reader(stream))[1]
        values: list[Value] = [Decimal(text) if text else M for text in row[7:55]]
        world = World(reads={20: [(START, 0), (START + DAY_SECONDS, Decimal(row[6]))]}, facts=[other_component(20)])

        result = run_rule(
            "interval_adjustment_from_scalar",
            batch(values, seconds=1800, about=[facts(consumption_reference_id=20)]),
            {"adjust_intervals": "IN_CONDITION_RANGE", "condition_range": [200_000, 299_999]},
            world,
        )

        assert values.count(M) == 48 - expected["present"]
        assert numbers(result.batch)[values.index(M)] == expected["true_missing_value"]


class TestLikeDays:
    def _world(self) -> World:
        """The weeks before Monday, 29 January 2024, half-hourly; each day has the number of days it lies back."""
        monday = int(dt.datetime(2024, 1, 29, tzinfo=dt.UTC).timestamp())
        days = [Series([back] * 48, start=monday - back * DAY_SECONDS, seconds=1800) for back in range(1, 29)]
        return World(series={10: days})

    def _run(self, values: list[Value], *rules: tuple[str, dict[str, Any]]) -> list[Decimal | None]:
        given = batch(values, seconds=1800, about=[facts(service_point_id=1)])
        given.starts = np.array([int(dt.datetime(2024, 1, 29, tzinfo=dt.UTC).timestamp())], dtype=np.int64)
        steps = plan_of(*(spec(name, parameters, id=at, sequence=at) for at, (name, parameters) in enumerate(rules, 1)))
        return numbers(runner.run(batch=given, plan=steps, context=self._world()).batch)

    def test_a_missing_day_takes_the_values_of_a_similar_near_day(self, sample_data: Path) -> None:
        assert vector(sample_data, "es-missing-day")["expected"] == {"flag": "ESS1"}

        # The nearest working day before a Monday is the Friday.
        found = self._run(
            [M] * 48, ("interval_averaging_estimation", {"comparison_search": ["LIKE_DAY"], "days_to_average": 1})
        )
        assert found == as_numbers(*[3] * 48)

    def test_up_to_an_hour_is_linear_and_more_is_the_same_weekday_of_the_week_before(self, sample_data: Path) -> None:
        assert "gap <= 1 h linear" in vector(sample_data, "opsd-gap")["rule"]

        found = self._run(
            [0, M, M, 3, M, M, M, *[3] * 41],
            ("interval_interpolation_estimation", {"max_hours": 1}),
            ("interval_averaging_estimation", {"comparison_search": ["SAME_WEEKDAY"], "days_to_average": 1}),
        )
        assert found[:8] == as_numbers(0, 1, 2, 3, 7, 7, 7, 3)
