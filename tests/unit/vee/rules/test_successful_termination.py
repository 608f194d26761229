from __future__ import annotations

from tests.unit.vee.engine.builders import batch, facts, plan_of, spec
from vee.codes import Severity
from vee.engine import registry, runner
from vee.engine.context import NoHistory
from vee.engine.findings import Outcome, RunResult


def run(severity: Severity, *types: str) -> RunResult:
    plan = plan_of(
        spec("uom_check", id=1, sequence=1, exception_type="U", severity=severity),
        spec("successful_termination", {"exception_types": list(types)}, id=2, sequence=2),
        spec("interval_spike_check", id=3, sequence=3, exception_type="SPIKE"),
    )
    given = batch([1, 1, 9, 1], [1, 1, 9, 1], about=[facts(uom="KW"), facts()])
    return runner.run(batch=given, plan=plan, context=NoHistory())


class TestSuccessfulTermination:
    def test_ends_the_run_of_the_imds_concerned_without_an_exception(self) -> None:
        result = run(Severity.INFO, "U")

        assert [(finding.row, finding.exception_type) for finding in result.findings] == [(0, "U"), (1, "SPIKE")]
        assert result.blocked.tolist() == [False, True]

    def test_an_issue_from_before_still_blocks(self) -> None:
        result = run(Severity.ISSUE, "U")

        assert result.blocked.tolist() == [True, True]
        assert [finding.exception_type for finding in result.findings if finding.row == 0] == ["U"]

    def test_without_the_exceptions_the_run_goes_on(self) -> None:
        result = run(Severity.INFO, "OTHER")

        assert [finding.row for finding in result.findings if finding.exception_type == "SPIKE"] == [0, 1]

    def test_the_log_says_that_the_run_ended_there(self) -> None:
        result = run(Severity.INFO, "U")

        assert [(step.rule, step.outcome, step.reason) for step in result.row_log(0)] == [
            ("uom_check", Outcome.FAILED, "The unit delivered is KW; the measuring component's type has KWH."),
            ("successful_termination", Outcome.FINISHED, "the run ends here"),
        ]
        assert [step.outcome for step in result.row_log(1)] == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED]

    def test_says_in_words_what_it_does(self) -> None:
        assert registry.sentence("successful_termination", {"exception_types": ["U"]}, Severity.ISSUE) == (
            "Ends the run here, without an exception, when an exception of type U was found before it."
        )
