from __future__ import annotations

import statistics
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, read, series
from vee.codes import ComponentKind
from vee.engine import registry
from vee.engine.findings import RunResult
from vee.engine.window_statistics import Sample


RULE = "dynamic_comparison_validation"


def run(formula: str, values: list[Any], world: World | None = None, **parameters: Any) -> RunResult:
    return run_rule(RULE, batch(values, seconds=DAY), {"formula": formula, **parameters}, world or World())


class TestFormula:
    def test_an_imd_that_meets_it_fails_with_the_numbers_in_it(self) -> None:
        [finding] = run("imd_sum > 3 * imd_median", [1, 2, 9]).findings

        assert finding.message == "The formula is met: imd_sum > 3 * imd_median (imd_median = 2, imd_sum = 12)"
        assert (finding.observed, finding.limit) == ("imd_median = 2, imd_sum = 12", "imd_sum > 3 * imd_median")

    def test_others_pass(self) -> None:
        assert run("imd_sum > 12", [1, 2, 9]).findings == []

    def test_people_may_be_told_something_else(self) -> None:
        [finding] = run("imd_max >= 9", [9], message="Far too much").findings

        assert finding.message == "Far too much (imd_max = 9)"

    def test_the_length_of_the_imd_is_known_in_days(self) -> None:
        assert len(run("imd_days == 2", [1, 1]).findings) == 1

    def test_without_a_value_that_it_needs_it_is_not_evaluated(self) -> None:
        [step] = run("imd_sum > previous_average", [1]).row_log(0)

        assert step.reason == "the formula has no result: previous_average is not known"
        assert run("previous_count > 0 and imd_sum > previous_average", [1]).findings == []

    @pytest.mark.parametrize(
        ("formula", "said"),
        [
            ("imd_sum >", "formula: this is not a formula (at character 9)"),
            ("imd_total > 1", "formula: there is no value named imd_total (at character 1)"),
            ("imd_sum + 1", "formula: the formula has to give a condition"),
            ("__import__('os')", "formula: functions are min, max, abs, round (at character 1)"),
        ],
    )
    def test_one_that_cannot_be_read_is_refused_at_save(self, formula: str, said: str) -> None:
        with pytest.raises(registry.UnableToReadParameters) as caught:
            registry.parse_parameters(RULE, {"formula": formula})

        assert said in str(caught.value)

    def test_it_is_required(self) -> None:
        with pytest.raises(registry.UnableToReadParameters, match="formula is required"):
            registry.parse_parameters(RULE, {})


class TestWindows:
    WORLD = World(
        intervals={
            OWN: {
                **series([1, 2, 3, 4], start=START - 4 * DAY, seconds=DAY),
                **series([10, 20], start=START - 7 * DAY, seconds=DAY),
                **series([100, 200], start=START - 365 * DAY, seconds=DAY),
            }
        }
    )

    @pytest.mark.parametrize(
        "formula",
        [
            "previous_sum == 7",
            "last_week_sum == 30",
            "last_year_sum == 300",
            "history_sum == 10 and history_count == 4",
        ],
    )
    def test_lie_where_their_names_say(self, formula: str) -> None:
        assert len(run(formula, [1, 1], self.WORLD, history_days=4).findings) == 1

    def test_only_those_that_are_named_are_read(self) -> None:
        world = World()
        run("imd_sum > 1 or last_week_max > 1", [0], world)

        assert [windows.starts.tolist() for windows in world.asked["measured"]] == [[START - 7 * DAY]]

    def test_outages_and_missing_values_are_told_apart(self) -> None:
        codes = [[501000, 101000, 201000]]
        given_batch = batch([0, M, 5], seconds=DAY, conditions=codes)
        formula = "imd_outage_count == 1 and imd_count == 1 and imd_zero_count == 1"

        assert len(run_rule(RULE, given_batch, {"formula": formula}).findings) == 1


class TestStatistics:
    @given(st.lists(st.integers(-(10**18), 10**18), min_size=1, max_size=9))
    def test_are_those_of_the_standard_library(self, counts: list[int]) -> None:
        sample = Sample(np.array(counts, dtype=np.int64), 2, 0)
        values = [Decimal(count).scaleb(-2) for count in counts]

        assert sample.statistic("sum") == sum(values)
        assert (sample.statistic("min"), sample.statistic("max")) == (min(values), max(values))
        assert sample.statistic("median") == statistics.median(values)
        assert abs((sample.statistic("average") or 0) - statistics.mean(values)) < Decimal("1e-6")
        assert abs((sample.statistic("standard_deviation") or 0) - statistics.pstdev(values)) < Decimal("1e-6")

    def test_of_nothing_are_unknown_but_for_the_numbers_of_things(self) -> None:
        sample = Sample(np.empty(0, dtype=np.int64), 2, 3)

        assert sample.statistic("average") is None
        assert [sample.statistic(name) for name in ("count", "zero_count", "outage_count")] == [0, 0, 3]


class TestRegisters:
    def test_reads_whose_period_lies_in_the_window_count(self) -> None:
        reads = [read(START - 20 * DAY, 99), read(START - 10 * DAY, 5), read(START, 7, condition=101000)]
        given_batch = batch([8], seconds=None, kind=ComponentKind.SCALAR, about=[facts(end=START + 10 * DAY)])
        formula = "history_count == 2 and history_max == 7 and history_outage_count == 1 and previous_sum < imd_sum"
        found = run_rule(RULE, given_batch, {"formula": formula, "history_days": 20}, World(reads={OWN: reads}))

        assert len(found.findings) == 1

    def test_without_a_read_before_it_is_not_evaluated(self) -> None:
        given_batch = batch([8], seconds=None, kind=ComponentKind.SCALAR)

        assert run_rule(RULE, given_batch, {"formula": "imd_sum > 1"}).row_log(0)[0].reason == (
            "the register has no read before"
        )
