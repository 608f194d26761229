from __future__ import annotations

from tests.unit.vee.engine.builders import M, as_numbers, batch, numbers, run_rule


RULE = "test_mode_check"


class TestTestMode:
    def test_reports_the_intervals_and_takes_their_values_away(self) -> None:
        result = run_rule(RULE, batch([1, 2, 3, 4], conditions=[[501000, 201200, 501000, 201299]]))

        [finding] = result.findings
        assert finding.message == "The meter was in test mode in 2 of 4 intervals."
        assert (finding.first_interval, finding.last_interval, finding.count) == (1, 3, 2)
        assert numbers(result.batch) == as_numbers(1, M, 3, M)
        assert result.batch.conditions[0].tolist() == [501000, 201200, 501000, 201200]

    def test_a_head_end_system_may_have_a_condition_of_its_own_for_it(self) -> None:
        parameters = {"test_mode_condition_range": [509000, 509999]}
        result = run_rule(RULE, batch([1, 2], conditions=[[509001, 501000]]), parameters)

        assert numbers(result.batch) == as_numbers(M, 2)

    def test_other_intervals_are_left_alone(self) -> None:
        result = run_rule(RULE, batch([1, M, 3]))

        assert (result.findings, result.changed.tolist()) == ([], [False])
