from __future__ import annotations

from typing import Any

import pytest

from tests.unit.vee.engine.builders import RULE_ID, M, as_numbers, batch, numbers, run_rule
from tests.unit.vee.engine.world import Series, World
from vee.codes import Condition, Severity


RULE = "interval_replacement_rule"
KEEP = {"on_reject": "KEEP_EXISTING"}
ALWAYS = {"rejection_mode": "REJECT_ALWAYS"}
# Of four intervals the second was set by a person, the last was never measured.
THERE = World(series={10: Series([5, 6, 7], edited=[False, True, False])})


class TestIntervalReplacementRule:
    @pytest.mark.parametrize(("mode", "first", "last"), [({}, 1, 1), (ALWAYS, 0, 2)])
    def test_holds_the_imd_with_the_intervals_that_are_rejected(
        self, mode: dict[str, Any], first: int, last: int
    ) -> None:
        result = run_rule(RULE, batch([1, 2, 3, 4]), mode, THERE)

        [finding] = result.findings
        assert (finding.severity, finding.exception_type) == (Severity.ISSUE, "REPLACEMENT-REJECTED")
        assert (finding.first_interval, finding.last_interval, finding.count) == (first, last, last - first + 1)
        assert numbers(result.batch) == as_numbers(1, 2, 3, 4)
        assert result.blocked.tolist() == [True]

    @pytest.mark.parametrize(("mode", "expected"), [({}, (1, 6, 3, 4)), (ALWAYS, (5, 6, 7, 4))])
    def test_goes_on_with_the_existing_measurements_and_says_so(
        self, mode: dict[str, Any], expected: tuple[int, ...]
    ) -> None:
        result = run_rule(RULE, batch([1, 2, 3, 4]), {**mode, **KEEP}, THERE)

        assert numbers(result.batch) == as_numbers(*expected)
        assert result.blocked.tolist() == [False]
        [finding] = result.findings
        assert (finding.severity, finding.exception_type, finding.point) == (Severity.INFO, "MEASUREMENT-KEPT", "kept")
        assert result.batch.set_by[0].tolist() == [
            RULE_ID if was != now else 0 for was, now in zip((1, 2, 3, 4), expected, strict=True)
        ]

    def test_the_condition_is_kept_with_the_value(self) -> None:
        world = World(series={10: Series([5], conditions=int(Condition.SUPER), edited=True)})
        result = run_rule(RULE, batch([5]), KEEP, world)

        assert result.batch.conditions[0].tolist() == [Condition.SUPER]

    def test_a_missing_reading_has_nothing_to_reject(self) -> None:
        assert run_rule(RULE, batch([1, M, M, 4]), {}, THERE).findings == []
        assert run_rule(RULE, batch([M, M, M, 4]), ALWAYS, THERE).findings == []

    @pytest.mark.parametrize("how", [{}, KEEP])
    def test_a_value_that_a_person_took_away_holds_the_imd(self, how: dict[str, Any]) -> None:
        world = World(series={10: Series([M], conditions=int(Condition.MISSING), edited=True)})
        result = run_rule(RULE, batch([1]), how, world)

        assert [finding.exception_type for finding in result.findings] == ["REPLACEMENT-REJECTED"]
        assert numbers(result.batch) == as_numbers(1)

    def test_a_missing_measurement_may_always_be_replaced(self) -> None:
        world = World(series={10: Series([M], conditions=int(Condition.MISSING))})

        assert run_rule(RULE, batch([1]), ALWAYS, world).findings == []

    def test_without_measurements_nothing_is_found(self) -> None:
        assert run_rule(RULE, batch([1, 2]), ALWAYS).findings == []

    def test_without_an_interval_size_is_not_evaluated(self) -> None:
        assert run_rule(RULE, batch([1], seconds=None)).log[0].reason == "the interval size is not known"
