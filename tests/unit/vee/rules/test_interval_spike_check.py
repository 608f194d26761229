from __future__ import annotations

from typing import Any

import pytest

from tests.unit.vee.engine.builders import M, batch, facts, run_rule


def spans(values: list[Any], seconds: int | None = 3600, **parameters: Any) -> list[tuple[Any, ...]]:
    result = run_rule("interval_spike_check", batch(values, seconds=seconds), parameters)
    return [(finding.first_interval, finding.last_interval, finding.count) for finding in result.findings]


class TestIntervalSpikeCheck:
    def test_is_exact_at_the_limit(self) -> None:
        # (0.84 - 0.30) / 0.30 is 1.8; in binary floating point it would be above.
        assert spans(["0.84", "0.30", "0.30"], mode="WHOLE_IMD") == []
        assert spans(["0.840001", "0.30", "0.30"], mode="WHOLE_IMD") == [(0, 0, 1)]

    def test_is_exact_for_the_largest_values(self) -> None:
        third = "333333333333.333333"

        assert spans([third, third, "933333333333.333332"], mode="WHOLE_IMD") == []
        assert spans([third, third, "933333333333.333333"], mode="WHOLE_IMD") == [(2, 2, 1)]

    @pytest.mark.parametrize(
        ("values", "minimum_peak", "found"),
        [
            ([0, 0, 0, 0], 0, []),
            ([0, 0, 0, 5], 0, [(3, 3, 1)]),
            ([0, 0, 0, 5], 5, []),
            ([0, 0, 0, 5], 4, [(3, 3, 1)]),
            ([1, 1, 1, 5], 5, [(3, 3, 1)]),
            ([1, 1, 1, 5], "5.1", []),
            ([-9, -9, -9, -1], 0, []),
            ([-9, -9, -9, 1], 0, [(3, 3, 1)]),
        ],
    )
    def test_peaks_that_have_nothing_positive_to_compare_with(
        self, values: list[int], minimum_peak: Any, found: list[tuple[int, int, int]]
    ) -> None:
        assert spans(values, mode="WHOLE_IMD", minimum_peak=minimum_peak) == found

    def test_says_against_what_a_peak_stands_when_there_is_no_ratio(self) -> None:
        [finding] = run_rule("interval_spike_check", batch([0, 0, 0, 5]), {"mode": "WHOLE_IMD"}).findings

        assert finding.observed == "5 against 0"
        assert finding.message == (
            "The highest value is 5, the third-highest 0, in the interval to 2024-01-01 01:00+00:00; "
            "the tolerance is 1.8."
        )

    def test_says_when_the_highest_value_was_in_local_time(self) -> None:
        about = [facts(time_zone="Asia/Kathmandu")]
        [finding] = run_rule("interval_spike_check", batch([1, 1, 7, 1], about=about), {"mode": "WHOLE_IMD"}).findings

        assert finding.message == (
            "The highest value, 7, exceeds the third-highest, 1, by 6 times the latter, "
            "in the interval to 2024-01-01 06:30+05:45; the tolerance is 1.8."
        )

    @pytest.mark.parametrize("values", [[1, 9], [1, M, 9, M], [M, M, M]])
    def test_fewer_than_three_usable_intervals_are_not_evaluated(self, values: list[Any]) -> None:
        result = run_rule("interval_spike_check", batch(values), {"mode": "WHOLE_IMD"})

        assert result.findings == []
        assert [(entry.not_evaluated, entry.reason) for entry in result.log] == [(1, "fewer than 3 usable intervals")]

    def test_leaves_out_missing_and_outage_intervals_even_with_values(self) -> None:
        codes = [[501000, 501000, 501000, 201000, 101000]]
        given = batch([1, 1, 1, 50, 60], conditions=codes)
        default = run_rule("interval_spike_check", given, {"mode": "WHOLE_IMD"})
        everything = run_rule("interval_spike_check", given, {"mode": "WHOLE_IMD", "exclude_condition_range": None})

        assert default.findings == []
        assert [(f.first_interval, f.last_interval, f.count) for f in everything.findings] == [(3, 4, 2)]

    def test_reports_each_24_hours_from_the_start_for_itself(self) -> None:
        day_1, day_2, day_3 = [1] * 23 + [9], [1] * 24, [9] + [1] * 23

        assert spans(day_1 + day_2 + day_3) == [(23, 23, 1), (48, 48, 1)]

    def test_judges_a_last_part_of_three_intervals_and_skips_a_shorter_one(self) -> None:
        assert spans([1] * 24 + [1, 1, 9]) == [(26, 26, 1)]
        assert spans([1] * 24 + [1, 9]) == []

    def test_skips_a_day_without_three_usable_intervals_and_judges_the_others(self) -> None:
        day_1, day_2 = [M] * 22 + [1, 9], [1] * 23 + [9]
        result = run_rule("interval_spike_check", batch(day_1 + day_2, seconds=3600), {})

        assert [finding.first_interval for finding in result.findings] == [47]
        assert result.log[0].not_evaluated == 0

    @pytest.mark.parametrize("seconds", [None, 7000])
    def test_needs_an_interval_size_that_divides_a_day(self, seconds: int | None) -> None:
        result = run_rule("interval_spike_check", batch([1, 1, 9], seconds=seconds), {"mode": "PER_24H"})

        assert result.findings == []
        assert result.log[0].reason == "the interval size does not divide 24 hours"
        assert spans([1, 1, 9], seconds=seconds, mode="WHOLE_IMD") == [(2, 2, 1)]

    def test_does_not_depend_on_what_stands_where_no_value_is(self) -> None:
        given = batch([1, 1, 1, M])
        given.values[0, 3] = 99_000_000

        assert run_rule("interval_spike_check", given, {"mode": "WHOLE_IMD"}).findings == []
