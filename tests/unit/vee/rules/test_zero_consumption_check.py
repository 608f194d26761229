from __future__ import annotations

from tests.unit.vee.engine.builders import START, M, batch, run_rule
from tests.unit.vee.engine.worlds import World
from vee.codes import ComponentKind, Severity
from vee.engine.context import Period
from vee.engine.findings import Outcome


RULE = "zero_consumption_check"
OUT = World(outage=[Period(START + 900, START + 1800)])


class TestZeroConsumption:
    def test_a_total_of_zero_fails(self) -> None:
        [finding] = run_rule(RULE, batch([0, 0, 0])).findings

        assert (finding.message, finding.observed) == ("The consumption is zero.", "0")
        assert (finding.exception_type, finding.severity) == ("ZERO-CONSUMPTION", Severity.ISSUE)

    def test_anything_else_passes_and_nobody_is_asked_about_outages(self) -> None:
        world = World()
        result = run_rule(RULE, batch([0, "0.000001"], [0, 0], [0, -1]), history=world)

        assert [finding.row for finding in result.findings] == [1]
        assert world.asked["outages"] == [[1]]

    def test_a_register_that_stood_still_fails(self) -> None:
        assert len(run_rule(RULE, batch([0], seconds=None, kind=ComponentKind.SCALAR)).findings) == 1

    def test_without_a_value_it_is_not_evaluated(self) -> None:
        result = run_rule(RULE, batch([M, M]))

        assert [step.outcome for step in result.row_log(0)] == [Outcome.NOT_EVALUATED]


class TestOutage:
    def test_a_record_that_overlaps_explains_the_zero(self) -> None:
        [finding] = run_rule(RULE, batch([0, 0]), history=OUT).findings

        assert (finding.point, finding.exception_type, finding.severity) == (
            "outage", "ZERO-DURING-OUTAGE", Severity.INFO,
        )  # fmt: skip
        assert finding.message == "The consumption is zero, and there was an outage."

    def test_an_interval_with_an_outage_condition_explains_it_too(self) -> None:
        world = World()
        result = run_rule(RULE, batch([0, 0], conditions=[[501000, 101000]]), history=world)

        assert [finding.point for finding in result.findings] == ["outage"]
        assert world.asked == {}

    def test_an_outage_of_the_whole_imd_without_values_is_a_zero_with_an_outage(self) -> None:
        result = run_rule(RULE, batch([M, M], conditions=[[101000, 101000]]))

        assert [finding.point for finding in result.findings] == ["outage"]

    def test_its_exception_type_and_severity_are_configured(self) -> None:
        parameters = {"outage_exception_type": "B", "outage_severity": "ISSUE"}
        [finding] = run_rule(RULE, batch([0]), parameters, OUT, exception_type="A").findings
        silent = run_rule(RULE, batch([0]), {"outage_severity": None}, OUT)

        assert (finding.exception_type, finding.severity) == ("B", Severity.ISSUE)
        assert silent.findings == []
