from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import M, batch, facts, run_rule
from vee.codes import ComponentKind
from vee.engine.findings import Outcome


RULE = "negative_consumption_check"


class TestTotal:
    def test_reports_a_negative_total_with_its_amount(self) -> None:
        [finding] = run_rule(RULE, batch([1, "-6.5", "0.5"])).findings

        assert (finding.observed, finding.limit, finding.exception_type) == ("-5", "0", "NEGATIVE-CONSUMPTION")
        assert finding.message == "The consumption is negative: -5."

    def test_negative_intervals_may_be_outweighed(self) -> None:
        assert run_rule(RULE, batch([-5, 5], [-5, 6])).findings == []

    def test_zero_passes(self) -> None:
        assert run_rule(RULE, batch([0, 0])).findings == []

    def test_the_consumption_of_a_register_is_its_total(self) -> None:
        result = run_rule(RULE, batch(["-0.001"], seconds=None, kind=ComponentKind.SCALAR))

        assert [finding.observed for finding in result.findings] == ["-0.001"]

    def test_a_value_whose_condition_says_missing_is_not_counted(self) -> None:
        assert run_rule(RULE, batch([5, -50], conditions=[[501000, 201000]])).findings == []

    def test_without_a_value_it_is_not_evaluated(self) -> None:
        result = run_rule(RULE, batch([M, M], [1, M]))

        assert [step.outcome for row in range(2) for step in result.row_log(row)] == [
            Outcome.NOT_EVALUATED,
            Outcome.PASSED,
        ]

    def test_a_total_beyond_64_bits_is_added_up_exactly(self) -> None:
        result = run_rule(RULE, batch(["-1000000000000"] * 10, scale=6))

        assert [finding.observed for finding in result.findings] == ["-10000000000000"]


class TestAnyInterval:
    def test_reports_the_lowest_and_how_many(self) -> None:
        [finding] = run_rule(RULE, batch([9, -1, M, "-2.5", 9]), {"scope": "ANY_INTERVAL"}).findings

        assert finding.message == "2 of 5 values are negative; the lowest is -2.5."
        assert (finding.observed, finding.first_interval, finding.last_interval, finding.count) == ("-2.5", 1, 3, 2)

    @given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
    def test_a_negative_total_has_a_negative_interval(self, values: list[int]) -> None:
        total = run_rule(RULE, batch(values)).findings
        intervals = run_rule(RULE, batch(values), {"scope": "ANY_INTERVAL"}).findings

        assert bool(total) == (sum(values) < 0)
        assert bool(intervals) == (min(values) < 0)


class TestAllowance:
    def test_a_type_that_allows_negative_passes_unless_overridden(self) -> None:
        given_batch = batch([-5], about=[facts(allow_negative=True)])

        assert run_rule(RULE, given_batch).findings == []
        assert len(run_rule(RULE, given_batch, {"override_mct_allow_negative": True}).findings) == 1
        assert run_rule(RULE, given_batch, {"scope": "ANY_INTERVAL"}).findings == []
