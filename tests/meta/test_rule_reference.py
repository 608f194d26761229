"""The reference page of the rules says what the rules say of themselves."""

from __future__ import annotations

from pathlib import Path

from vee.engine import registry


PAGE = Path(__file__).resolve().parents[2] / "docs/reference/rules.md"
COMMAND = "from vee.engine import registry; print(registry.reference(), end='')"


class TestRuleReference:
    def test_equals_the_rules_own_declarations(self) -> None:
        assert PAGE.read_text(encoding="utf-8") == registry.reference(), (
            f'write it anew: .venv/bin/python -c "{COMMAND}" > docs/reference/rules.md'
        )

    def test_names_every_rule_that_a_configuration_may_name(self) -> None:
        text = registry.reference()

        assert [name for name in sorted(registry.KNOWN) if f"`{name}`" not in text] == []

    def test_shows_a_rule_with_its_sentence_parameters_and_failure_points(self) -> None:
        text = registry.reference()
        section = text.partition("## Interval Spike Check\n")[2].partition("\n## ")[0]

        assert "`interval_spike_check`, vendor's code D2-INTSPKCHK. Kinds: INTERVAL. Roles: INITIAL_LOAD." in section
        assert (
            "Fails when the highest interval of any 24 hours lies more than 180 % above the third-highest." in section
        )
        assert "| `tolerance` | decimal ≥ 0, ratio | 1.8 |" in section
        assert "| `exclude_condition_range` | condition range | 100000–299999 |" in section
        assert "| main | `SPIKE` |" in section
