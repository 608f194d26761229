from __future__ import annotations

from tests.unit.vee.engine.builders import batch, facts, run_rule
from tests.unit.vee.engine.worlds import World
from vee.engine.findings import Outcome


RULE = "ensure_imd_exists_for_sibling_mcs"


class TestSiblings:
    def test_names_the_siblings_without_an_imd(self) -> None:
        about = [facts(device_id=3)]
        [finding] = run_rule(RULE, batch([1], about=about), history=World(siblings_missing=("B", "C"))).findings

        assert finding.message == "There is no IMD for this period of B, C."
        assert (finding.observed, finding.limit) == ("2 missing", "0")

    def test_of_many_it_names_five(self) -> None:
        world = World(siblings_missing=tuple("ABCDEFGH"))
        [finding] = run_rule(RULE, batch([1], about=[facts(device_id=3)]), history=world).findings

        assert finding.message == "There is no IMD for this period of A, B, C, D, E and 3 more."

    def test_passes_when_all_have_one(self) -> None:
        result = run_rule(RULE, batch([1], about=[facts(device_id=3)]), history=World())

        assert [step.outcome for step in result.row_log(0)] == [Outcome.PASSED]

    def test_without_a_device_it_is_not_evaluated_and_nobody_is_asked(self) -> None:
        world = World(siblings_missing=("B",))
        result = run_rule(RULE, batch([1]), history=world)

        assert [step.reason for step in result.row_log(0)] == ["the measuring component belongs to no device"]
        assert world.asked == {}
