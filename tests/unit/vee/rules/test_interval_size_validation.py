from __future__ import annotations

import pytest

from tests.unit.vee.engine.builders import batch, facts, run_rule


class TestIntervalSizeValidation:
    @pytest.mark.parametrize(("derived", "fails"), [(900, False), (1800, True)])
    def test_compares_the_derived_size_where_none_was_delivered(self, derived: int, fails: bool) -> None:
        about = [facts(seconds_per_interval=None)]
        result = run_rule("interval_size_validation", batch([1, 2], about=about, seconds=derived))

        assert result.blocked.tolist() == [fails]

    @pytest.mark.parametrize(
        "about",
        [
            facts(seconds_per_interval=None),
            facts(component_seconds_per_interval=None),
            facts(seconds_per_interval=None, component_seconds_per_interval=None),
        ],
    )
    def test_is_not_evaluated_where_a_size_is_not_known(self, about: object) -> None:
        result = run_rule("interval_size_validation", batch([1, 2], about=[about], seconds=None))

        assert result.findings == []
        assert result.log[0].not_evaluated == 1

    def test_names_both_sizes(self) -> None:
        about = [facts(seconds_per_interval=300)]
        [finding] = run_rule("interval_size_validation", batch([1, 2], about=about, seconds=300)).findings

        assert finding.message == "The intervals have 300 s; the measuring component's type has 900 s."
