from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import batch, facts, plan_of, spec
from vee.codes import Severity
from vee.engine import registry, runner
from vee.engine.context import NoHistory
from vee.engine.exceptions_found import matching
from vee.engine.findings import RowFinding, RunResult


def run(*given_facts: Any, parameters: dict[str, Any], severity: Severity = Severity.INFO) -> RunResult:
    """Unit and multiplier are checked (types U and X), then the handler looks, then the spike check comes."""
    plan = plan_of(
        spec("uom_check", id=1, sequence=1, exception_type="U", severity=Severity.INFO),
        spec("multiplier_check", id=2, sequence=2, exception_type="X", severity=Severity.ISSUE),
        spec("exception_handler", parameters, id=3, sequence=3, exception_type="HANDLED", severity=severity),
        spec("interval_spike_check", id=4, sequence=4, exception_type="SPIKE"),
    )
    rows = [[1, 1, 9, 1]] * len(given_facts)
    return runner.run(batch=batch(*rows, about=list(given_facts)), plan=plan, context=NoHistory())


def found(result: RunResult) -> list[tuple[int, str, str]]:
    return [(finding.row, finding.exception_type, finding.severity.value) for finding in result.findings]


BOTH, UNIT_ONLY, NEITHER = facts(uom="KW", multiplier=7), facts(uom="KW"), facts()


class TestExceptionHandler:
    def test_ends_the_run_with_a_terminate_of_its_own_whatever_severity_is_set(self) -> None:
        result = run(BOTH, parameters={"exception_types": ["U", "X"], "match": "ALL"}, severity=Severity.INFO)

        assert found(result) == [(0, "U", "INFO"), (0, "X", "ISSUE"), (0, "HANDLED", "TERMINATE")]
        assert result.blocked.tolist() == [True]
        assert [entry.rule for entry in result.log] == ["uom_check", "multiplier_check", "exception_handler"]

    def test_all_needs_every_type_and_any_needs_one(self) -> None:
        every = run(BOTH, UNIT_ONLY, NEITHER, parameters={"exception_types": ["U", "X"], "match": "ALL"})
        one = run(BOTH, UNIT_ONLY, NEITHER, parameters={"exception_types": ["U", "X"]})

        assert [row for row, kind, _ in found(every) if kind == "HANDLED"] == [0]
        assert [row for row, kind, _ in found(one) if kind == "HANDLED"] == [0, 1]

    def test_without_the_exceptions_the_run_goes_on(self) -> None:
        result = run(NEITHER, parameters={"exception_types": ["U"]})

        assert found(result) == [(0, "SPIKE", "ISSUE")]

    def test_its_finding_says_what_was_found_and_names_the_to_do_type(self) -> None:
        parameters = {"exception_types": ["U", "X"], "match": "ALL", "todo_type": "METER-SHOP"}
        handled = run(BOTH, parameters=parameters).findings[-1]

        assert handled.message == "These exceptions were found: U, X."
        assert (handled.observed, handled.limit, handled.count) == ("U, X", "all of U, X", 2)
        assert handled.todo_type == "METER-SHOP"

    def test_says_in_words_what_it_does(self) -> None:
        given = {"exception_types": ["U", "X"], "match": "ALL", "todo_type": "METER-SHOP"}

        assert registry.sentence("exception_handler", given, Severity.INFO) == (
            "Terminate when exceptions of all of the types U, X were found before it. The To Do is of type METER-SHOP. "
            "That ends the run at once and holds the IMD for a person."
        )

    @pytest.mark.parametrize("given", [{}, {"exception_types": []}, {"exception_types": ["A"], "match": "SOME"}])
    def test_needs_exception_types_and_a_known_match(self, given: dict[str, Any]) -> None:
        with pytest.raises(registry.UnableToReadParameters):
            registry.parse_parameters("exception_handler", given)

    @given(st.lists(st.sampled_from("ABC")), st.lists(st.sampled_from("ABC"), min_size=1))
    def test_any_is_implied_by_all(self, there: list[str], wanted: list[str]) -> None:
        findings = [RowFinding(0, Severity.INFO, kind, "r", 1, "G", "G", "m") for kind in there]

        assert bool(matching(findings, wanted, "ANY")) == bool(set(there) & set(wanted))
        assert bool(matching(findings, wanted, "ALL")) == (set(wanted) <= set(there))
