from __future__ import annotations

from decimal import Decimal

from tests.unit.vee.engine.builders import batch, facts, run_rule
from vee.codes import ComponentKind


class TestMultiplierCheck:
    def test_has_nothing_to_compare_where_none_was_delivered(self) -> None:
        result = run_rule("multiplier_check", batch([1], about=[facts(multiplier=None)]))

        assert result.findings == []
        assert result.log[0].not_evaluated == 1

    def test_fails_without_a_multiplier_where_one_is_required(self) -> None:
        about = [facts(multiplier=None, component_multiplier=Decimal("40.000000"))]
        result = run_rule("multiplier_check", batch([1], about=about), {"require_multiplier": True})

        [finding] = result.findings
        assert (finding.observed, finding.limit) == ("none", "40")
        assert result.log[0].not_evaluated == 0

    def test_names_both_multipliers(self) -> None:
        about = [facts(multiplier=Decimal("1E+1"), component_multiplier=Decimal("40.000000"))]
        [finding] = run_rule("multiplier_check", batch([1], about=about)).findings

        assert finding.message == "The multiplier delivered is 10; the measuring component has 40."

    def test_applies_to_registers_too(self) -> None:
        about = [facts(multiplier=Decimal(2))]
        result = run_rule("multiplier_check", batch([1], about=about, kind=ComponentKind.SCALAR, seconds=None))

        assert result.blocked.tolist() == [True]
