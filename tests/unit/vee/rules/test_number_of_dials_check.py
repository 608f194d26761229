from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.vee.engine.builders import batch, facts, run_rule
from vee.codes import ComponentKind
from vee.engine.findings import RunResult


def run(reading: str | None, dials: int | None = 5) -> RunResult:
    about = facts(reading=None if reading is None else Decimal(reading), dials=dials)
    given = batch([1], seconds=None, kind=ComponentKind.SCALAR, about=[about])
    return run_rule("number_of_dials_check", given)


class TestNumberOfDials:
    @pytest.mark.parametrize("reading", ["0", "99999", "99999.999"])
    def test_what_the_register_can_show_passes(self, reading: str) -> None:
        assert run(reading).findings == []

    @pytest.mark.parametrize("reading", ["100000", "1e5", "123456.7", "-1"])
    def test_what_it_cannot_show_fails(self, reading: str) -> None:
        [finding] = run(reading).findings

        assert finding.limit == "99999"
        assert "does not fit a register of 5 dials" in finding.message

    def test_without_dials_or_reading_it_is_not_evaluated(self) -> None:
        assert [step.reason for step in run("5", dials=None).row_log(0)] == ["the dials of the register are not known"]
        assert [step.reason for step in run(None).row_log(0)] == ["there is no reading"]
