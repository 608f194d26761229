"""Golden tests of `vee.md` 10.3 for register consumption: GT-50 to GT-53."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vee.engine import registers
from vee.engine.registers import Register


class TestConsumption:
    @pytest.mark.parametrize(
        ("start", "stop", "expected"),
        [("1077", "577", "-500"), ("577", "99744", "-833"), ("99744", "99459", "-285"), ("99459", "1776", "2317")],
    )
    def test_gt_50_a_net_register_runs_both_ways_over_its_end(self, start: str, stop: str, expected: str) -> None:
        net = Register(dials=5, allow_negative=True)

        assert registers.consumption(net, Decimal(start), Decimal(stop), Decimal(1)) == Decimal(expected)

    def test_gt_51_a_rollover_goes_on_from_0(self) -> None:
        assert registers.consumption(Register(dials=5), Decimal(99950), Decimal(20), Decimal(1)) == 70

    def test_gt_52_a_lower_reading_beyond_the_threshold_is_nothing_but_says_what_it_would_be(self) -> None:
        step = registers.step(Register(dials=5, rollover_threshold=Decimal("0.5")), Decimal(500), Decimal(400))

        assert step == registers.Step(None, would_be=Decimal(99900))

    def test_gt_53_both_multipliers_count(self) -> None:
        combined = registers.combined_multiplier(Decimal(40), Decimal(2))

        assert registers.consumption(Register(), Decimal(10), Decimal(13), combined) == 240
