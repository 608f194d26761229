from __future__ import annotations

from tests.unit.vee.engine.builders import RULE_ID, M, as_numbers, batch, facts, numbers, plan_of, run_rule, spec
from vee.engine import runner
from vee.engine.context import NoHistory


RULE = "pulse_overflow_check"
WEIGHT = {"max_pulses": 1000, "pulse_weight": "0.01"}


class TestPulseOverflow:
    def test_an_interval_that_reaches_the_most_that_fits_becomes_missing(self) -> None:
        result = run_rule(RULE, batch([1, 10, "9.999999"]), WEIGHT)

        [finding] = result.findings
        assert finding.message == "The pulses of 1 intervals overflowed, the highest with 10; 1000 pulses are 10."
        assert (finding.observed, finding.limit, finding.first_interval, finding.count) == ("10", "10", 1, 1)
        assert numbers(result.batch) == as_numbers(1, M, "9.999999")
        assert result.batch.conditions[0].tolist() == [501000, 201100, 501000]
        assert result.batch.set_by[0].tolist() == [0, RULE_ID, 0]

    def test_what_the_head_end_system_reports_becomes_missing_whatever_the_value(self) -> None:
        result = run_rule(RULE, batch([1, 2], conditions=[[501000, 201100]]))

        assert [finding.observed for finding in result.findings] == ["2"]
        assert numbers(result.batch) == as_numbers(1, M)

    def test_the_pulse_weight_may_be_noted_as_a_characteristic(self) -> None:
        about = [facts(characteristics={"pulse_weight": "0.01"})]
        result = run_rule(RULE, batch([1, 10], about=about), {"max_pulses": 1000})

        assert [finding.first_interval for finding in result.findings] == [1]

    def test_without_a_usable_weight_only_reports_are_judged(self) -> None:
        about = [
            facts(),
            facts(characteristics={"pulse_weight": "heavy"}),
            facts(characteristics={"pulse_weight": "-1"}),
        ]
        result = run_rule(RULE, batch([10**6], [10**6], [10**6], about=about))

        assert [result.row_log(row)[0].reason for row in range(3)] == ["the pulse weight is not known"] * 3

    def test_an_estimation_that_follows_fills_it(self) -> None:
        steps = plan_of(
            spec(RULE, WEIGHT, sequence=1, severity="INFO"), spec("interval_interpolation_estimation", sequence=2)
        )
        result = runner.run(batch=batch([1, 99, 3]), plan=steps, context=NoHistory())

        assert numbers(result.batch) == as_numbers(1, 2, 3)
        assert not result.blocked.any()
