from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import START, M, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, interval_component, read, register, series
from vee.codes import ComponentKind, Severity
from vee.engine.findings import RunResult


RULE = "sum_check"
HOUR = 3600
END = START + 4 * HOUR


def intervals(values: list[Any], world: World, **parameters: Any) -> RunResult:
    """Hours from START against the world."""
    return run_rule(RULE, batch(values, seconds=HOUR), parameters, world)


def with_register(*reads: Any, own: Any = None, multiplier: int = 1) -> World:
    return World(
        related_ids=(20,), known=[register(20, multiplier)], reads={20: list(reads)}, intervals={OWN: own or {}}
    )


def register_imd(consumption: Any, world: World, multiplier: int = 1, **parameters: Any) -> RunResult:
    about = facts(end=END, component_multiplier=Decimal(multiplier))
    given_batch = batch([consumption], seconds=None, kind=ComponentKind.SCALAR, about=[about], scale=3)
    return run_rule(RULE, given_batch, parameters, world)


def reason(result: RunResult) -> str:
    return result.row_log(0)[0].reason


class TestIntervalsWithRegister:
    def test_sums_that_are_equal_pass_and_others_fail_with_both(self) -> None:
        world = with_register(read(START, None), read(END, 10))

        assert intervals([1, 2, 3, 4], world).findings == []
        [finding] = intervals([1, 2, 3, 5], world).findings
        assert finding.message == (
            "The consumption is 11, that of the related registers 10: they differ by 1 (10 %); allowed is 0."
        )
        assert (finding.observed, finding.limit, finding.exception_type) == ("1", "0", "SUM-CHECK")

    def test_reads_within_the_imd_bound_the_period(self) -> None:
        world = with_register(read(START + HOUR, None), read(START + 2 * HOUR, 2), read(START + 3 * HOUR, 3))

        assert intervals([99, 2, 3, 99], world).findings == []

    def test_a_boundary_interval_counts_in_proportion(self) -> None:
        # A quarter of the first hour and two thirds of the last are outside.
        world = with_register(read(START + 900, None), read(END - 2400, "10"))

        assert intervals([4, 2, 3, 6], world).findings == []
        [finding] = intervals([4, 2, 3, 7], world).findings
        assert (finding.observed, finding.limit) == ("0.333333", "0")

    def test_a_read_before_the_imd_takes_in_what_was_measured_since(self) -> None:
        own = series([8, 5], start=START - 2 * HOUR, seconds=HOUR)
        world = with_register(read(START - HOUR - 1800, None), read(START + HOUR, 10), own=own)

        assert intervals([1, 99, 99, 99], world).findings == []

    def test_without_those_measurements_it_is_not_evaluated(self) -> None:
        world = with_register(read(START - HOUR, None), read(START + HOUR, 10))

        assert reason(intervals([1, 1, 1, 1], world)) == "intervals before the IMD are missing"

    @pytest.mark.parametrize("reads", [[], [read(START, 5)], [read(END, 5)], [read(START, 5), read(END, None)]])
    def test_without_two_reads_the_related_is_missing(self, reads: list[Any]) -> None:
        assert reason(intervals([1, 1, 1, 1], with_register(*reads))) == (
            "the related components have no measurements for the whole period"
        )

    def test_several_registers_add_up_when_they_were_read_together(self) -> None:
        together = World(
            related_ids=(20, 21),
            known=[register(20), register(21)],
            reads={20: [read(START, 1), read(END, 7)], 21: [read(START, 1), read(END, 3)]},
        )
        apart = World(
            related_ids=(20, 21),
            known=[register(20), register(21)],
            reads={20: [read(START, 1), read(END, 7)], 21: [read(START, 1), read(END - 60, 3)]},
        )

        assert intervals([1, 2, 3, 4], together).findings == []
        assert reason(intervals([1, 2, 3, 4], apart)) == "the related registers were not read at the same times"

    def test_missing_intervals_are_not_evaluated_and_those_of_an_outage_count_as_zero(self) -> None:
        world = with_register(read(START, None), read(END, 6))
        codes = [[501000, 501000, 501000, 101000]]
        outage = run_rule(RULE, batch([1, 2, 3, M], seconds=HOUR, conditions=codes), history=world)

        assert reason(intervals([1, 2, 3, M], world)) == "values are missing"
        assert outage.findings == []

    @given(
        st.lists(st.integers(-5, 5), min_size=4, max_size=4),
        st.integers(0, 4 * HOUR - 1),
        st.integers(1, 4 * HOUR),
    )
    def test_agrees_with_adding_up_seconds(self, values: list[int], first: int, length: int) -> None:
        last = min(first + length, 4 * HOUR)
        expected = sum(
            Fraction(value) * max(0, min(last, (at + 1) * HOUR) - max(first, at * HOUR)) / HOUR
            for at, value in enumerate(values)
        )
        world = with_register(read(START + first, None), read(START + last, 1000))
        [finding] = intervals(list(values), world).findings

        assert abs(Fraction(finding.observed) - (1000 - expected)) <= Fraction(1, 2_000_000)


class TestIntervalsWithIntervals:
    def test_add_up_over_the_same_period_whatever_their_size(self) -> None:
        world = World(
            related_ids=(20, 21),
            known=[interval_component(20, HOUR), interval_component(21, 1800, scale=3)],
            intervals={20: series([1] * 4, seconds=HOUR), 21: series(["0.5"] * 8, seconds=1800)},
        )

        assert intervals([2, 2, 2, 2], world).findings == []
        [finding] = intervals([2, 2, 2, 3], world).findings
        assert "that of the related interval components 8" in finding.message

    def test_what_was_not_measured_is_missing_and_an_outage_is_not(self) -> None:
        def world(last: Any) -> World:
            hours = {**series([1] * 3, seconds=HOUR), END: last}
            return World(related_ids=(20,), known=[interval_component(20, HOUR)], intervals={20: hours})

        assert reason(intervals([1] * 4, world((None, 201000)))) == (
            "the related components have no measurements for the whole period"
        )
        assert intervals([1, 1, 1, 0], world((None, 101000))).findings == []


class TestRegisters:
    def test_time_of_use_registers_add_up_to_the_check_register(self) -> None:
        world = World(
            related_ids=(20, 21),
            known=[register(20), register(21)],
            reads={OWN: [read(START, 1)], 20: [read(START, 1), read(END, 4)], 21: [read(START, 1), read(END, 6)]},
        )

        assert register_imd(10, world).findings == []
        assert [finding.observed for finding in register_imd(11, world).findings] == ["1"]

    def test_reads_at_other_times_are_missing(self) -> None:
        world = with_register(read(START, 1), read(END - 60, 10))
        world.reads = {**world.reads, OWN: [read(START, 1)]}

        assert reason(register_imd(10, world)).startswith("the related components have no measurements")

    def test_intervals_are_compared_over_the_registers_own_period(self) -> None:
        world = World(
            related_ids=(20,),
            known=[interval_component(20, HOUR)],
            reads={OWN: [read(START - 1800, 1)]},
            intervals={20: series([4, 1, 1, 1, 1], start=START - HOUR, seconds=HOUR)},
        )

        assert register_imd(6, world).findings == []
        assert len(register_imd(7, world).findings) == 1

    def test_without_a_read_before_it_is_not_evaluated(self) -> None:
        assert reason(register_imd(6, with_register(read(START, 1), read(END, 6)))) == "the register has no read before"
        assert reason(register_imd(M, with_register(read(START, 1), read(END, 6)))) == "values are missing"

    def test_registers_and_intervals_are_compared_apart(self) -> None:
        world = World(
            related_ids=(20, 21),
            known=[register(20), interval_component(21, HOUR)],
            reads={OWN: [read(START, 1)], 20: [read(START, 1), read(END, 4)]},
            intervals={21: series([1, 1, 1, 2], seconds=HOUR)},
        )

        [finding] = register_imd(4, world).findings
        assert "interval components 5" in finding.message


class TestTolerances:
    WORLD = with_register(read(START, None), read(END, 100), multiplier=3)

    @pytest.mark.parametrize(
        ("parameters", "limit"),
        [
            ({"percentage_tolerance": "2.5"}, "2.5"),
            ({"tolerance": "1.25"}, "1.25"),
            ({"meter_multiplier_tolerance": 2}, "6"),
            ({"percentage_tolerance": 5, "tolerance": 4, "meter_multiplier_tolerance": 1}, "5"),
            ({"percentage_tolerance": 5, "tolerance": 4, "meter_multiplier_tolerance": 1, "combine": "MIN"}, "3"),
        ],
    )
    def test_equality_passes_and_the_least_more_fails(self, parameters: dict[str, Any], limit: str) -> None:
        at_limit = ["100", limit, 0, 0]
        beyond = ["100", limit, 0, "0.000001"]

        assert intervals(at_limit, self.WORLD, **parameters).findings == []
        [finding] = intervals(beyond, self.WORLD, **parameters).findings
        assert finding.limit == limit


class TestRelatedMissing:
    def test_is_skipped_unless_configured(self) -> None:
        world = with_register()

        assert intervals([1], world).findings == []
        [finding] = intervals([1], world, if_related_missing="ISSUE").findings
        assert (finding.severity, finding.exception_type) == (Severity.ISSUE, "RELATED-MISSING")
        [finding] = intervals([1], world, if_related_missing="INFO", related_missing_exception_type="LATE").findings
        assert (finding.severity, finding.exception_type) == (Severity.INFO, "LATE")

    def test_what_will_not_arrive_is_not_reported(self) -> None:
        other_unit = World(related_ids=(20,), known=[register(20, uom="KW")])

        for world in (World(), other_unit):
            assert intervals([1], world, if_related_missing="ISSUE").findings == []
        assert reason(intervals([1], other_unit)) == "a related component measures KW, not KWH"
        assert reason(intervals([1], World())) == "no component has to add up to this one"

    def test_a_day_later_the_related_has_come(self) -> None:
        world = with_register(
            read(END - DAY, None), read(END, 4), own=series([0] * 20, start=START - 20 * HOUR, seconds=HOUR)
        )

        assert intervals([1, 1, 1, 1], world, if_related_missing="ISSUE").findings == []
