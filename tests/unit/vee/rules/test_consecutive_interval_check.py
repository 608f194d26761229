from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, batch, run_rule
from tests.unit.vee.engine.worlds import OWN, World, series
from vee.engine.findings import RowFinding


RULE = "consecutive_interval_check"


def spans(findings: list[RowFinding]) -> list[tuple[int | None, int | None, int]]:
    return [(finding.first_interval, finding.last_interval, finding.count) for finding in findings]


class TestByValue:
    def test_reports_runs_that_are_long_enough(self) -> None:
        result = run_rule(RULE, batch([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]), {"min_consecutive": 3})

        assert spans(result.findings) == [(3, 5, 3), (7, 10, 4)]
        assert result.findings[0].message == "3 intervals in a row are equal to 0; 3 are too many."
        assert (result.findings[0].observed, result.findings[0].limit) == ("3", "2")

    @pytest.mark.parametrize(
        ("comparison", "found"),
        [
            ("EQ", []),
            ("NE", [(0, 3, 4)]),
            ("LT", [(0, 1, 2)]),
            ("LE", [(0, 1, 2)]),
            ("GT", [(2, 3, 2)]),
            ("GE", [(2, 3, 2)]),
        ],
    )
    def test_a_limit_between_two_counts_is_compared_exactly(self, comparison: str, found: list[object]) -> None:
        parameters = {"comparison": comparison, "value": "0.15", "min_consecutive": 2}
        result = run_rule(RULE, batch(["0.1", "0.1", "0.2", "0.2"], scale=1), parameters)

        assert spans(result.findings) == found

    def test_an_interval_without_a_meant_value_ends_a_run(self) -> None:
        codes = [[501000, 501000, 201000, 501000, 501000]]
        result = run_rule(RULE, batch([0, 0, 0, 0, 0], conditions=codes), {"min_consecutive": 3})

        assert result.findings == []


class TestUnchanged:
    def test_reports_a_flat_line(self) -> None:
        result = run_rule(RULE, batch([1, 2, 2, 2, 3, 3]), {"criterion": "UNCHANGED", "min_consecutive": 3})

        assert spans(result.findings) == [(1, 3, 3)]
        assert result.findings[0].message == "3 intervals in a row have the same value, 2; 3 are too many."

    def test_a_gap_ends_it(self) -> None:
        result = run_rule(RULE, batch([2, 2, M, 2, 2]), {"criterion": "UNCHANGED", "min_consecutive": 3})

        assert result.findings == []

    @given(
        st.lists(st.integers(0, 2), min_size=1, max_size=12), st.integers(2, 4), st.lists(st.integers(0, 2), max_size=5)
    )
    def test_finds_what_grouping_equal_values_finds(self, values: list[int], least: int, before: list[int]) -> None:
        before = before[-(least - 1) :]
        world = World(intervals={OWN: series(before, start=START - len(before) * 900)})
        found = run_rule(RULE, batch(values), {"criterion": "UNCHANGED", "min_consecutive": least}, world).findings

        expected, at = [], -len(before)
        for _, group in itertools.groupby([*before, *values]):
            length = len(list(group))
            if length >= least and at + length > 0:
                expected.append((max(at, 0), at + length - 1, length))
            at += length
        assert spans(found) == expected


class TestByCondition:
    def test_reports_runs_in_the_range(self) -> None:
        codes = [[301100, 301200, 501000, 401000, 301000, 301000]]
        result = run_rule(RULE, batch([1] * 6, conditions=codes), {"criterion": "CONDITION", "min_consecutive": 3})

        assert spans(result.findings) == [(3, 5, 3)]
        assert "have a condition from 300000 to 499999" in result.findings[0].message


class TestLookBack:
    def test_a_run_that_began_before_the_imd_is_counted_with_it(self) -> None:
        world = World(intervals={OWN: series([1, 0, 0], start=START - 3 * 900)})
        [finding] = run_rule(RULE, batch([0, 0, 5]), {"min_consecutive": 4}, world).findings

        assert spans([finding]) == [(0, 1, 4)]
        assert finding.message == "4 intervals in a row are equal to 0, 2 of them before this IMD; 4 are too many."

    def test_a_run_that_ended_before_the_imd_is_not_its_own(self) -> None:
        world = World(intervals={OWN: series([0, 0, 0], start=START - 3 * 900)})

        assert run_rule(RULE, batch([5, 0, 5]), {"min_consecutive": 3}, world).findings == []

    def test_only_imds_that_begin_in_a_run_are_asked_for(self) -> None:
        world = World()
        run_rule(RULE, batch([5, 0], [0, 5], [5, 5]), {"min_consecutive": 3}, world)

        [windows] = world.asked["measured"]
        assert (len(windows.component_ids), windows.length, windows.starts.tolist()) == (1, 2, [START - 1800])

    def test_it_can_be_turned_off(self) -> None:
        world = World(intervals={OWN: series([0, 0], start=START - 1800)})
        parameters = {"min_consecutive": 3, "look_back": False}

        assert run_rule(RULE, batch([0, 5]), parameters, world).findings == []
        assert world.asked == {}

    def test_a_gap_before_the_imd_ends_the_run(self) -> None:
        world = World(intervals={OWN: series([0, None], start=START - 1800)})

        assert run_rule(RULE, batch([0, 5]), {"min_consecutive": 3}, world).findings == []


class TestLimits:
    def test_a_value_of_many_digits_matches_nothing(self) -> None:
        parameters = {"value": Decimal(999999999999999), "comparison": "GE", "min_consecutive": 2}

        assert run_rule(RULE, batch([1, 1], scale=9), parameters).findings == []
