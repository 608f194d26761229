from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.vee.engine.builders import M, Meters, numbers, read, read_facts, run_rule, scalar
from vee.codes import Severity
from vee.engine import registry
from vee.engine.findings import RunResult


def run(there: Any, **parameters: Any) -> RunResult:
    history = Meters({10: [read(0, 1000), there] if there else [read(0, 1000)]})
    about = read_facts(reading=Decimal(1030))
    return run_rule("scalar_replacement_rule", scalar(30, about=[about]), parameters, history)


class TestScalarReplacementRule:
    @pytest.mark.parametrize(
        ("mode", "edited", "fails"),
        [
            ("REJECT_ALWAYS", False, True),
            ("REJECT_ALWAYS", True, True),
            ("REJECT_IF_USER_EDITED", False, False),
            ("REJECT_IF_USER_EDITED", True, True),
        ],
    )
    def test_rejects_by_what_is_there(self, mode: str, edited: bool, fails: bool) -> None:
        result = run(read(1, 1025, 25, user_edited=edited), rejection_mode=mode)

        assert [(found.observed, found.limit) for found in result.findings] == [("1030", "1025")] * fails
        assert result.blocked.tolist() == [fails]
        assert numbers(result.batch) == [30]

    def test_lets_a_read_of_a_time_without_one_pass(self) -> None:
        assert run(None, rejection_mode="REJECT_ALWAYS").findings == []
        assert run(read(2, 1025, 25), rejection_mode="REJECT_ALWAYS").findings == []

    def test_keeps_what_is_there_and_says_so(self) -> None:
        there = read(1, 1025, 25, condition=601000, user_edited=True)

        result = run(there, on_reject="KEEP_EXISTING")

        assert numbers(result.batch) == [25]
        assert result.batch.conditions.tolist() == [[601000]]
        [found] = result.findings
        assert (found.severity, found.exception_type) == (Severity.INFO, "EXISTING-KEPT")
        assert result.blocked.tolist() == [False]

    def test_cannot_keep_a_first_read_which_has_no_consumption(self) -> None:
        result = run(read(1, 1025, None, user_edited=True), on_reject="KEEP_EXISTING")

        assert [found.exception_type for found in result.findings] == ["REPLACEMENT-REJECTED"]

    def test_says_what_it_does(self) -> None:
        always = registry.sentence("scalar_replacement_rule", {"rejection_mode": "REJECT_ALWAYS"}, Severity.ISSUE)
        keeps = registry.sentence("scalar_replacement_rule", {"on_reject": "KEEP_EXISTING"}, Severity.ISSUE)

        assert "Issue when there is a final one of the same time" in always
        assert "Keeps a final one that was edited" in keeps

    def test_a_missing_reading_is_named_as_such(self) -> None:
        history = Meters({10: [read(1, 1025, 25, user_edited=True)]})

        [found] = run_rule("scalar_replacement_rule", scalar(M), history=history).findings

        assert found.observed == "none"
