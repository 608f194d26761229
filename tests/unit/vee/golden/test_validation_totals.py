"""Golden tests of `vee.md` 10.1 for the rules that judge a consumption: GT-07 to GT-10, GT-15 to GT-19, GT-24."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.unit.vee.engine.builders import START, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, read, register
from vee.codes import ComponentKind, Severity
from vee.engine.context import Period


def instant(*parts: int) -> int:
    return int(dt.datetime(*parts, tzinfo=dt.UTC).timestamp())


class TestNegativeConsumption:
    @pytest.mark.parametrize(("override", "fails"), [(False, False), (True, True)])
    def test_gt_07_a_negative_total_where_the_type_allows_it(self, override: bool, fails: bool) -> None:
        given = batch([-3, -2], about=[facts(allow_negative=True)])
        found = run_rule("negative_consumption_check", given, {"override_mct_allow_negative": override}).findings

        assert [finding.observed for finding in found] == ["-5"] * fails

    def test_gt_08_a_negative_total_where_the_type_does_not_allow_it(self) -> None:
        [finding] = run_rule("negative_consumption_check", batch([-3, -2])).findings

        assert finding.observed == "-5"


class TestZeroConsumption:
    @pytest.mark.parametrize(
        ("outage", "exception_type"), [((), "A"), ((Period(START - 60, START + 60),), "B")], ids=["none", "overlapping"]
    )
    def test_gt_09_an_outage_has_another_exception_type(self, outage: tuple[Period, ...], exception_type: str) -> None:
        parameters = {"outage_exception_type": "B"}
        found = run_rule(
            "zero_consumption_check", batch([0, 0]), parameters, World(outage=outage), exception_type="A"
        ).findings

        assert [finding.exception_type for finding in found] == [exception_type]
        assert [finding.severity == Severity.ISSUE for finding in found] == [not outage]


class TestProlongedEstimation:
    @pytest.mark.parametrize(("end", "fails"), [((2024, 1, 31), False), ((2024, 2, 1), True)])
    def test_gt_10_thirty_days_after_the_last_actual_pass(self, end: tuple[int, int, int], fails: bool) -> None:
        given = batch(
            [7],
            conditions=[[301000]],
            seconds=None,
            kind=ComponentKind.SCALAR,
            about=[facts(end=instant(*end))],
        )
        world = World(actual=instant(2024, 1, 1))
        found = run_rule("prolonged_estimation_check", given, {"days_allowable": 30}, world).findings

        assert [finding.observed for finding in found] == ["31 d"] * fails


class TestSumCheck:
    END = START + 2 * DAY

    @pytest.mark.parametrize(("percent", "fails"), [("0.5", False), ("0.2", True)])
    def test_gt_15_intervals_against_a_register_within_a_percentage(self, percent: str, fails: bool) -> None:
        world = World(related_ids=(20,), known=[register(20)], reads={20: [read(START, None), read(self.END, 1003)]})
        given = batch(["1000", "0.5"], seconds=DAY)
        found = run_rule("sum_check", given, {"percentage_tolerance": percent}, world).findings

        assert [(finding.observed, finding.limit) for finding in found] == [("2.5", "2.006")] * fails
        assert all("differ by 2.5 (0.2493 %)" in finding.message for finding in found)

    @pytest.mark.parametrize(("difference", "fails"), [(79, False), (81, True)])
    def test_gt_16_a_dial_of_multiplier_80_resolves_80(self, difference: int, fails: bool) -> None:
        world = World(
            related_ids=(20,),
            known=[register(20, multiplier=80)],
            reads={20: [read(START, None), read(self.END, 8000)]},
        )
        given = batch([8000, difference], seconds=DAY)
        found = run_rule("sum_check", given, {"meter_multiplier_tolerance": 1}, world).findings

        assert [(finding.observed, finding.limit) for finding in found] == [("81", "80")] * fails

    @pytest.mark.parametrize(("check", "fails"), [(500, False), (507, True)])
    def test_gt_17_time_of_use_registers_against_the_check_register(self, check: int, fails: bool) -> None:
        amounts = {20: 120, 21: 300, 22: 80}
        world = World(
            related_ids=(20, 21, 22),
            known=[register(number) for number in amounts],
            reads={
                OWN: [read(START, 1)],
                **{number: [read(START, 1), read(self.END, amount)] for number, amount in amounts.items()},
            },
        )
        given = batch([check], seconds=None, kind=ComponentKind.SCALAR, about=[facts(end=self.END)])
        found = run_rule("sum_check", given, {"tolerance": 5}, world).findings

        assert [(finding.observed, finding.limit) for finding in found] == [("7", "5")] * fails


class TestHighLow:
    def _found(self, consumption: str) -> list[tuple[str, str, str]]:
        """A register counted 212 in 10 days a year ago; the IMD is of 30 days."""
        year_ago = START - 365 * DAY
        world = World(reads={OWN: [read(year_ago, None), read(year_ago + 10 * DAY, 212), read(START, None)]})
        given = batch([consumption], seconds=None, kind=ComponentKind.SCALAR, about=[facts(end=START + 30 * DAY)])
        found = run_rule("high_low_check", given, {"high_tolerance_pct": 400, "low_tolerance_pct": 15}, world).findings
        return [(finding.point, finding.observed, finding.limit) for finding in found]

    @pytest.mark.parametrize(("consumption", "fails"), [("2544", False), ("2544.01", True)])
    def test_gt_18_four_times_the_usage_per_day_passes(self, consumption: str, fails: bool) -> None:
        assert self._found(consumption) == [("main", "2544.01", "2544")] * fails

    @pytest.mark.parametrize(("consumption", "fails"), [("95.4", False), ("95.39", True)])
    def test_gt_19_less_than_15_percent_of_the_expected_fails(self, consumption: str, fails: bool) -> None:
        assert self._found(consumption) == [("low", "95.39", "95.4")] * fails


class TestDeltaPercent:
    def test_gt_24_120_after_80_differs_by_a_third(self) -> None:
        [finding] = run_rule("delta_percent_check", batch([80, 120]), {"tolerance_pct": 33}).findings

        assert finding.observed == "33.3333 %"
        assert run_rule("delta_percent_check", batch([80, 120]), {"tolerance_pct": "33.333333333334"}).findings == []
