from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.vee.engine.builders import M, Neighbours, as_numbers, batch, numbers, run_rule
from vee.codes import Condition, Severity
from vee.engine.findings import Outcome


RULE = "interval_interpolation_estimation"
REGULAR = int(Condition.REGULAR)


class TestIntervalInterpolation:
    def test_fills_each_gap_of_a_row_by_itself_and_leaves_the_long_one(self) -> None:
        result = run_rule(RULE, batch([1, M, 3, M, M, M, 3, M, 5]), {"max_consecutive_intervals": 2})

        assert numbers(result.batch) == as_numbers(1, 2, 3, M, M, M, 3, 4, 5)
        [step] = result.row_log(0)
        assert (step.outcome, step.reason) == (Outcome.ESTIMATED, "a gap is longer than 2 intervals")

    @pytest.mark.parametrize(("values", "expected"), [([1, M, M], [1, 1, 1]), ([M, M, 4], [4, 4, 4]), ([M, M], [M, M])])
    def test_with_one_reference_repeats_it_and_with_none_leaves_the_gap(
        self, values: list[Any], expected: list[Any]
    ) -> None:
        result = run_rule(RULE, batch(values))

        assert numbers(result.batch) == as_numbers(*expected)

    def test_says_that_a_gap_has_no_reference(self) -> None:
        result = run_rule(RULE, batch([M, M]))

        assert [(entry.not_evaluated, entry.reason) for entry in result.log] == [
            (1, "a gap has no reference on either side")
        ]

    def test_asks_for_neighbours_only_of_imds_whose_gap_touches_an_edge(self) -> None:
        history = Neighbours(before=("3", REGULAR), after=("9", REGULAR))
        result = run_rule(RULE, batch([1, M, 3], [M, 5, 6], [1, 2, 3], [7, 8, M]), history=history)

        assert history.asked == [[1, 3]]
        assert [numbers(result.batch, row) for row in range(4)] == [
            as_numbers(1, 2, 3), as_numbers(4, 5, 6), as_numbers(1, 2, 3), as_numbers(7, 8, "8.5"),
        ]  # fmt: skip

    @pytest.mark.parametrize("code", [Condition.MISSING, Condition.NO_READ_OUTAGE, Condition.NO_READ_DISCONNECTED])
    def test_takes_no_reference_from_a_missing_or_outage_measurement(self, code: Condition) -> None:
        result = run_rule(RULE, batch([4, M, M]), history=Neighbours(after=("100", int(code))))

        assert numbers(result.batch) == as_numbers(4, 4, 4)

    def test_takes_a_reference_from_an_estimate(self) -> None:
        result = run_rule(RULE, batch([4, M]), history=Neighbours(after=("6", int(Condition.SYSTEM_ESTIMATED))))

        assert numbers(result.batch) == as_numbers(4, 5)

    def test_an_outage_inside_the_imd_is_no_gap_and_no_reference(self) -> None:
        codes = [[REGULAR, 101000, 201000, 201000, REGULAR]]
        result = run_rule(RULE, batch([8, 0, M, M, 2], conditions=codes))

        assert numbers(result.batch) == as_numbers(8, 0, 2, 2, 2)
        assert result.batch.conditions[0].tolist() == [REGULAR, 101000, 301100, 301100, REGULAR]

    def test_rounds_half_to_even_at_the_scale_of_the_values(self) -> None:
        def middle(first: str, last: str) -> Decimal | None:
            return numbers(run_rule(RULE, batch([first, M, last], scale=1)).batch)[1]

        assert middle("0.1", "0.2") == Decimal("0.2")
        assert middle("0.2", "0.3") == Decimal("0.2")
        assert middle("-0.1", "-0.2") == Decimal("-0.2")

    def test_is_exact_where_products_do_not_fit_64_bits(self) -> None:
        first, last = "-999999999999.999999", "999999999999.999999"
        result = run_rule(RULE, batch([first, *[M] * 21, last]), {"max_consecutive_intervals": 21})

        filled = numbers(result.batch)
        assert filled[11] == 0
        for number in range(1, 22):
            exact = Decimal(first) + (Decimal(last) - Decimal(first)) * number / 22
            assert abs((filled[number] or 0) - exact) <= Decimal("0.0000005")

    def test_replaces_a_value_whose_condition_says_missing(self) -> None:
        codes = [[REGULAR, 201000, REGULAR]]

        assert numbers(run_rule(RULE, batch([1, 77, 3], conditions=codes)).batch) == as_numbers(1, 2, 3)

    def test_ranges_and_estimate_condition_are_the_sites(self) -> None:
        codes = [[REGULAR, 401100, REGULAR, 201000, REGULAR]]
        parameters = {"missing_condition_range": [401100, 401100], "estimate_condition": 301000}
        result = run_rule(RULE, batch([1, 9, 3, 8, 5], conditions=codes), parameters)

        assert numbers(result.batch) == as_numbers(1, 2, 3, 8, 5)
        assert result.batch.conditions[0].tolist() == [REGULAR, 301000, REGULAR, 201000, REGULAR]

    def test_without_an_interval_size_is_not_evaluated(self) -> None:
        result = run_rule(RULE, batch([1, M, 3], seconds=None))

        assert numbers(result.batch) == as_numbers(1, M, 3)
        assert result.log[0].reason == "the interval size is not known"

    def test_a_run_again_changes_nothing(self) -> None:
        once = run_rule(RULE, batch([1, M, 3]))
        again = run_rule(RULE, once.batch)

        assert again.changed.tolist() == [False]
        assert again.batch is once.batch


class TestFailurePoints:
    def test_are_off_unless_they_are_asked_for(self) -> None:
        result = run_rule(RULE, batch([1, M, 3, M, M, M, 7]), {"max_consecutive_intervals": 2})

        assert result.findings == []

    def test_report_interpolated_intervals_and_long_gaps(self) -> None:
        result = run_rule(
            RULE,
            batch([1, M, 3, M, M, M, 7, M, 9]),
            {
                "max_consecutive_intervals": 2,
                "interpolated_severity": "INFO",
                "gap_too_long_severity": "ISSUE",
                "gap_too_long_exception_type": "LONG",
            },
        )

        assert [
            (f.severity, f.exception_type, f.first_interval, f.last_interval, f.count) for f in result.findings
        ] == [
            (Severity.ISSUE, "LONG", 3, 5, 3),
            (Severity.INFO, "INTERPOLATED", 1, 7, 2),
        ]
        assert result.blocked.tolist() == [True]
        assert [f.message for f in result.findings] == [
            "A gap of 3 intervals is longer than the limit of 2.",
            "2 missing intervals were interpolated.",
        ]
