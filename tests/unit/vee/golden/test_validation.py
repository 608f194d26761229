"""Golden tests of `vee.md` 10.1 for the rules that exist: GT-01 to GT-06, GT-21 to GT-23."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.vee.engine.builders import batch, facts, run_rule


class TestIntervalSpikeCheck:
    def _observed(self, values: list[str], **parameters: object) -> list[str]:
        given = {"tolerance": 1.8, "mode": "WHOLE_IMD", **parameters}
        return [finding.observed for finding in run_rule("interval_spike_check", batch(values), given).findings]

    def test_gt_01_a_spike_fails_with_its_ratio(self) -> None:
        result = run_rule(
            "interval_spike_check", batch(["1.0", "1.2", "1.1", "5.0", "1.3"]), {"tolerance": 1.8, "mode": "WHOLE_IMD"}
        )

        [finding] = result.findings
        # Of 1.0, 1.2, 1.1, 5.0, 1.3 the third-highest is 1.2.
        assert (finding.observed, finding.limit) == ("3.1667", "1.8")
        assert (finding.first_interval, finding.last_interval, finding.count) == (3, 3, 1)
        assert "5" in finding.message
        assert "1.2" in finding.message
        assert result.blocked.tolist() == [True]

    def test_gt_02_the_boundary_passes(self) -> None:
        assert self._observed(["2.8", "1.9", "1.0", "0.4"]) == []

    def test_gt_03_just_above_the_boundary_fails(self) -> None:
        assert self._observed(["2.81", "1.9", "1.0"]) == ["1.81"]

    def test_gt_04_two_equal_spikes_fail(self) -> None:
        result = run_rule("interval_spike_check", batch([9, 9, 1, 1, 1]), {"tolerance": 1.8, "mode": "WHOLE_IMD"})

        [finding] = result.findings
        assert finding.observed == "8"
        assert (finding.first_interval, finding.last_interval, finding.count) == (0, 1, 2)

    def test_gt_05_three_equal_spikes_hide_themselves(self) -> None:
        assert self._observed(["9", "9", "9", "1", "1"]) == []

    @pytest.mark.parametrize(("mode", "found"), [("PER_24H", ["9"]), ("WHOLE_IMD", [])])
    def test_gt_06_a_plateau_on_day_1_hides_the_spike_on_day_2_only_over_the_whole(
        self, mode: str, found: list[str]
    ) -> None:
        day_1 = ["10"] * 4 + ["5"] * 20
        day_2 = ["1"] * 12 + ["10"] + ["1"] * 11
        result = run_rule("interval_spike_check", batch(day_1 + day_2, seconds=3600), {"tolerance": 1.8, "mode": mode})

        assert [finding.observed for finding in result.findings] == found
        assert [finding.first_interval for finding in result.findings] == [36] * len(found)


class TestMultiplierCheck:
    @pytest.mark.parametrize(("delivered", "own", "fails"), [("10", "10.0", False), ("10", "1", True)])
    def test_gt_21(self, delivered: str, own: str, fails: bool) -> None:
        about = [facts(multiplier=Decimal(delivered), component_multiplier=Decimal(own))]
        result = run_rule("multiplier_check", batch([1, 2, 3], about=about))

        assert result.blocked.tolist() == [fails]
        assert [(finding.observed, finding.limit) for finding in result.findings] == ([("10", "1")] if fails else [])


class TestUomCheck:
    @pytest.mark.parametrize(("own", "fails"), [("KWH", False), ("KW", True)])
    def test_gt_22(self, own: str, fails: bool) -> None:
        result = run_rule("uom_check", batch([1, 2, 3], about=[facts(uom="KWH", component_uom=own)]))

        assert result.blocked.tolist() == [fails]
        assert [(finding.observed, finding.limit) for finding in result.findings] == ([("KWH", own)] if fails else [])


class TestIntervalSizeValidation:
    @pytest.mark.parametrize(("own", "fails"), [(900, False), (1800, True)])
    def test_gt_23(self, own: int, fails: bool) -> None:
        about = [facts(seconds_per_interval=900, component_seconds_per_interval=own)]
        result = run_rule("interval_size_validation", batch([1, 2, 3], about=about))

        assert result.blocked.tolist() == [fails]
        assert [(finding.observed, finding.limit) for finding in result.findings] == (
            [("900 s", "1800 s")] if fails else []
        )
