from __future__ import annotations

from tests.unit.vee.engine.builders import batch, run_rule
from tests.unit.vee.engine.worlds import World


RULE = "duplicate_imd_check"


class TestDuplicateImd:
    def test_names_the_imd_that_brought_the_same(self) -> None:
        [finding] = run_rule(RULE, batch([1, 2]), history=World(duplicate=77)).findings

        assert finding.message == "IMD 77 brought the same readings and is complete."
        assert (finding.observed, finding.exception_type) == ("IMD 77", "DUPLICATE-IMD")

    def test_passes_without_one(self) -> None:
        assert run_rule(RULE, batch([1, 2])).findings == []
