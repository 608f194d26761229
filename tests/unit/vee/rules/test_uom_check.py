from __future__ import annotations

import pytest

from tests.unit.vee.engine.builders import batch, facts, run_rule


class TestUomCheck:
    @pytest.mark.parametrize("uom", [None, ""])
    def test_has_nothing_to_compare_where_no_unit_was_delivered(self, uom: str | None) -> None:
        result = run_rule("uom_check", batch([1], about=[facts(uom=uom)]))

        assert result.findings == []
        assert [(entry.not_evaluated, entry.reason) for entry in result.log] == [(1, "no unit was delivered")]

    def test_names_both_units(self) -> None:
        [finding] = run_rule("uom_check", batch([1], about=[facts(uom="KVARH")])).findings

        assert finding.message == "The unit delivered is KVARH; the measuring component's type has KWH."

    def test_tells_each_imd_of_a_batch_apart(self) -> None:
        about = [facts(imd_id=0), facts(imd_id=1, uom="KW"), facts(imd_id=2, uom=None)]
        result = run_rule("uom_check", batch([1], [2], [3], about=about))

        assert [finding.row for finding in result.findings] == [1]
        assert result.blocked.tolist() == [False, True, False]
