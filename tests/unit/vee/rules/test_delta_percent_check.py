from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, read, series
from vee.codes import ComponentKind


RULE = "delta_percent_check"


class TestIntervals:
    def test_equality_passes_and_more_fails(self) -> None:
        given_batch = batch([80, 120], [80, 160], ["80", "160.000001"])
        result = run_rule(RULE, given_batch, {"tolerance_pct": 50})

        [finding] = result.findings
        assert (finding.row, finding.observed, finding.limit) == (2, "50 %", "50 %")
        assert (finding.first_interval, finding.last_interval, finding.count) == (1, 1, 1)

    def test_a_fall_is_measured_in_percent_of_what_it_fell_to(self) -> None:
        [finding] = run_rule(RULE, batch([100, 10]), {"tolerance_pct": 500}).findings

        assert finding.message == "10 after 100 differs by 900 %; allowed are 500 %."

    def test_the_worst_of_several_is_shown(self) -> None:
        [finding] = run_rule(RULE, batch([100, 10, 100, 1]), {"tolerance_pct": 80}).findings

        assert (finding.observed, finding.first_interval, finding.last_interval, finding.count) == ("9900 %", 1, 3, 3)

    def test_missing_and_outage_values_are_passed_over(self) -> None:
        codes = [[501000, 201000, 101000, 501000]]
        result = run_rule(RULE, batch([100, M, 0, 10], conditions=codes), {"tolerance_pct": 500})

        assert [finding.first_interval for finding in result.findings] == [3]

    def test_zero_is_not_compared_but_is_compared_with(self) -> None:
        result = run_rule(RULE, batch([100, 0, 5]), {"tolerance_pct": 99})

        assert [(finding.first_interval, finding.observed) for finding in result.findings] == [(2, "100 %")]

    def test_small_differences_may_be_ignored(self) -> None:
        parameters = {"tolerance_pct": 50, "minimum_difference": "0.9"}

        assert run_rule(RULE, batch(["0.1", "0.9"]), parameters).findings == []
        assert len(run_rule(RULE, batch(["0.1", "1"]), parameters).findings) == 1

    def test_the_first_interval_is_compared_with_the_measurement_before(self) -> None:
        world = World(intervals={OWN: series([100], start=START - 900)})

        assert len(run_rule(RULE, batch([10]), history=world).findings) == 1

    def test_with_nothing_to_compare_it_is_not_evaluated(self) -> None:
        result = run_rule(RULE, batch([10], [M]))

        assert [result.row_log(row)[0].reason for row in range(2)] == [
            "there is no value before to compare with",
            "there is no value",
        ]

    @given(st.integers(0, 500), st.integers(1, 500), st.integers(0, 1000))
    def test_decides_exactly(self, previous: int, current: int, tolerance: int) -> None:
        found = run_rule(RULE, batch([previous, current]), {"tolerance_pct": tolerance}).findings

        assert bool(found) == (Fraction(abs(current - previous), current) * 100 > tolerance)


class TestRegisters:
    def test_consumption_is_compared_with_that_of_the_read_before(self) -> None:
        world = World(reads={OWN: [read(START, 80)]})
        given_batch = batch([120], seconds=None, kind=ComponentKind.SCALAR, about=[facts(end=START + DAY)])
        [finding] = run_rule(RULE, given_batch, {"tolerance_pct": 33}, world).findings

        assert finding.observed == "33.3333 %"
