"""Golden test GT-83 of `vee.md` 10.4."""

from __future__ import annotations

import pytest

from tests.unit.vee.engine.builders import batch, run_rule
from tests.unit.vee.engine.world import Series, World


class TestIntervalReplacement:
    @pytest.mark.parametrize(("edited", "rejected"), [(True, True), (False, False)])
    def test_gt_83_what_a_person_set_rejects_and_a_system_read_is_replaced(self, edited: bool, rejected: bool) -> None:
        world = World(series={10: Series([5] * 4, edited=edited)})
        result = run_rule(
            "interval_replacement_rule", batch([6] * 4), {"rejection_mode": "REJECT_IF_USER_EDITED"}, world
        )

        assert result.blocked.tolist() == [rejected]
