from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, batch, facts, run_rule
from tests.unit.vee.engine.world import World
from vee.engine.context import FOREVER, Installation, Period
from vee.engine.findings import EstimationRequest, RunResult


RULE = "interval_create_estimation_imd_for_gap"
HOUR = 3600
CONDITIONAL = {"gap_fill": "CONDITIONAL"}


def run(hours: int, parameters: dict[str, Any] | None = None, **told: Any) -> RunResult:
    """An IMD before which nothing was measured for so many hours."""
    return run_rule(
        RULE, batch([1, 2], about=[facts(device_id=4)]), parameters, World(last=START - hours * HOUR, **told)
    )


def holes(result: RunResult) -> list[tuple[int, int]]:
    """What is asked for, in hours from the start of the IMD."""
    return [((asked.start - START) // HOUR, (asked.end - START) // HOUR) for asked in result.requests]


class TestIntervalCreateEstimationImdForGap:
    def test_asks_for_the_hole_and_leaves_the_imd_alone(self) -> None:
        result = run(4)

        assert list(result.requests) == [EstimationRequest(0, START - 4 * HOUR, START)]
        assert result.changed.tolist() == [False]
        assert result.findings == []

    @pytest.mark.parametrize(("hours", "expected"), [(4, [(-4, 0)]), (5, [])])
    def test_the_limit_is_included(self, hours: int, expected: list[tuple[int, int]]) -> None:
        assert holes(run(hours, {"max_hours": 4})) == expected

    def test_a_longer_hole_is_not_evaluated_and_reported_where_it_is_asked_for(self) -> None:
        result = run(5, {"max_hours": 4, "gap_too_long_severity": "ISSUE"})

        assert result.log[0].reason == "the hole before the IMD is longer than 4 hours"
        [finding] = result.findings
        assert (finding.exception_type, finding.observed, finding.limit) == ("GAP-TOO-LONG", "5", "4")

    def test_a_hole_can_be_reported(self) -> None:
        [finding] = run(4, {"gap_found_severity": "INFO"}).findings

        assert finding.message == "Nothing was measured for 4 hours before the IMD, since 2023-12-31 20:00+00:00."

    def test_without_a_hole_nothing_is_asked_for(self) -> None:
        assert holes(run(0)) == []

    def test_a_component_that_was_never_measured_has_no_hole(self) -> None:
        result = run_rule(RULE, batch([1]))

        assert list(result.requests) == []
        assert result.log[0].reason == "the component was never measured before"


class TestConditional:
    def _installed(self, *periods: tuple[int, int], off: tuple[tuple[int, int], ...] = ()) -> tuple[Installation, ...]:
        return tuple(
            Installation(
                Period(START + start * HOUR, START + end * HOUR),
                off=tuple(Period(START + first * HOUR, START + last * HOUR) for first, last in off),
            )
            for start, end in periods
        )

    def test_only_the_time_in_which_the_device_was_installed(self) -> None:
        installed = self._installed((-20, -8), (-6, 100))

        assert holes(run(10, CONDITIONAL, installed=installed)) == [(-10, -8), (-6, 0)]
        assert holes(run(10, {}, installed=installed)) == [(-10, 0)]

    def test_and_switched_on(self) -> None:
        installed = self._installed((-20, 100), off=((-30, -9), (-7, -5), (-1, 50)))

        assert holes(run(10, CONDITIONAL, installed=installed)) == [(-9, -7), (-5, -1)]

    def test_whole_intervals_only(self) -> None:
        installed = (Installation(Period(START - HOUR + 60, FOREVER)),)
        [asked] = run(2, CONDITIONAL, installed=installed).requests

        assert (asked.start, asked.end) == (START - HOUR + 900, START)

    def test_a_device_installed_after_the_hole_asks_for_nothing(self) -> None:
        assert holes(run(10, CONDITIONAL, installed=self._installed((0, 100)))) == []

    def test_where_nothing_is_known_of_installations_it_is_the_whole_hole(self) -> None:
        assert holes(run(10, CONDITIONAL)) == [(-10, 0)]

    @given(
        st.integers(1, 50),
        st.lists(
            st.tuples(st.integers(-60, 10), st.integers(-60, 10)).filter(lambda pair: pair[0] < pair[1]), max_size=4
        ),
    )
    def test_the_parts_lie_in_the_hole_without_touching_the_time_off(
        self, hours: int, off: list[tuple[int, int]]
    ) -> None:
        found = holes(run(hours, CONDITIONAL, installed=self._installed((-100, 100), off=tuple(off))))

        covered = [hour for first, last in found for hour in range(first, last)]
        dark = {hour for first, last in off for hour in range(first, last)}
        assert covered == [hour for hour in range(-hours, 0) if hour not in dark]
