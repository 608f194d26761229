from __future__ import annotations

import dataclasses

from tests.unit.vee.engine.builders import START, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, World
from vee.codes import ComponentKind
from vee.engine.batch import Batch


RULE = "prolonged_estimation_check"
ESTIMATED = [[301100, 301100]]


def two_days(conditions: list[list[int]] = ESTIMATED) -> Batch:
    """An IMD of two intervals of a day each."""
    return batch([1, 1], seconds=DAY, conditions=conditions)


class TestProlongedEstimation:
    def test_fails_the_day_after_the_last_allowed_one(self) -> None:
        parameters = {"days_allowable": 5}
        at_limit = run_rule(RULE, two_days(), parameters, World(actual=START - 3 * DAY))
        beyond = run_rule(RULE, two_days(), parameters, World(actual=START - 3 * DAY - 3600))

        assert at_limit.findings == []
        [finding] = beyond.findings
        assert (finding.observed, finding.limit) == ("5 d 1 h", "5 d")
        assert finding.message == (
            "The last actual measurement is of 2023-12-28 23:00+00:00: estimated for over 5 days by "
            "2024-01-03 00:00+00:00."
        )

    def test_an_imd_that_is_not_estimated_is_not_judged(self) -> None:
        world = World(actual=START - 300 * DAY)
        result = run_rule(RULE, two_days([[501000, 501000]]), history=world)

        assert (result.findings, world.asked) == ([], {})

    def test_a_measured_interval_of_the_imd_itself_counts(self) -> None:
        world = World(actual=START - 300 * DAY)

        assert run_rule(RULE, two_days([[301100, 501000]]), history=world).findings == []
        assert len(run_rule(RULE, two_days([[301100, 101000]]), history=world).findings) == 1

    def test_a_component_that_was_never_measured_is_not_evaluated(self) -> None:
        result = run_rule(RULE, two_days(), history=World())

        assert [step.reason for step in result.row_log(0)] == ["the component was never measured"]

    def test_a_register_is_judged_by_its_end(self) -> None:
        about = facts(end=START + 40 * DAY)
        given = batch([7], conditions=[[401000]], seconds=None, kind=ComponentKind.SCALAR, about=[about])
        earlier = dataclasses.replace(given, facts=[facts(end=START + 30 * DAY)])

        assert len(run_rule(RULE, given, history=World(actual=START)).findings) == 1
        assert run_rule(RULE, earlier, history=World(actual=START)).findings == []
