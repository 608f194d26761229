"""Golden tests of `vee.md` 10.1 for the rules that judge a consumption: GT-07 to GT-10, GT-24."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.unit.vee.engine.builders import START, batch, facts, run_rule
from tests.unit.vee.engine.worlds import World
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


class TestDeltaPercent:
    def test_gt_24_120_after_80_differs_by_a_third(self) -> None:
        [finding] = run_rule("delta_percent_check", batch([80, 120]), {"tolerance_pct": 33}).findings

        assert finding.observed == "33.3333 %"
        assert run_rule("delta_percent_check", batch([80, 120]), {"tolerance_pct": "33.333333333334"}).findings == []
