from __future__ import annotations

from typing import Any

import pytest

from tests.unit.vee.engine.builders import M, Meters, hourly, numbers, read, read_facts, run_rule, scalar
from vee.codes import ComponentKind, Condition, Severity
from vee.engine import registry
from vee.engine.batch import EDITED
from vee.engine.findings import RunResult


RULE = "scalar_calculation_from_interval"


def run(history: Meters, value: Any = 7, **parameters: Any) -> RunResult:
    return run_rule(RULE, scalar(value), parameters, history)


class TestScalarCalculationFromInterval:
    def test_replaces_a_value_that_is_there(self) -> None:
        result = run(Meters({}, hourly(20, *["0.5"] * 24)))

        assert numbers(result.batch) == [12]
        assert result.batch.conditions.tolist() == [[int(Condition.REGULAR)]]

    def test_adds_up_all_related_components_of_its_unit(self) -> None:
        intervals = {
            **hourly(20, *[1] * 24),
            **hourly(21, *[2] * 24, kind=ComponentKind.SUBTRACTIVE_INTERVAL),
            **hourly(22, *[100] * 24, uom="KVARH"),
        }

        assert numbers(run(Meters({}, intervals)).batch) == [72]

    @pytest.mark.parametrize("values", [[1] * 23, [*[1] * 23, M]])
    def test_incomplete_intervals_replace_nothing(self, values: list[Any]) -> None:
        history = Meters({}, hourly(20, *values))

        silent, told = run(history), run(history, incomplete_severity="ISSUE")

        assert numbers(silent.batch) == [7]
        assert silent.row_log(0)[0].reason == "the related intervals are incomplete"
        assert [(found.observed, found.limit) for found in told.findings] == [("82800 s", "86400 s")]

    def test_without_related_intervals_it_is_not_evaluated(self) -> None:
        assert run(Meters()).row_log(0)[0].reason == "there are no related intervals"

    @pytest.mark.parametrize(("before", "condition"), [(501000, 501000), (301400, 301000), (None, 301000)])
    def test_the_read_before_may_have_to_be_good_as_well(self, before: int | None, condition: int) -> None:
        reads = [] if before is None else [read(0, 1000, condition=before)]
        history = Meters({10: reads}, hourly(20, *[1] * 24))

        result = run(history, check_previous_scalar=True)

        assert result.batch.conditions.tolist() == [[condition]]

    def test_what_a_person_set_stays(self) -> None:
        given = scalar(7)
        given.set_by[0, 0] = EDITED

        result = run_rule(RULE, given, None, Meters({}, hourly(20, *[1] * 24)))

        assert numbers(result.batch) == [7]
        assert result.row_log(0)[0].reason == "a person set the reading"

    def test_says_what_it_does(self) -> None:
        assert "501000 when all of them reach 501000, else 301000" in registry.sentence(RULE, {}, Severity.ISSUE)

    def test_goes_back_to_the_read_before_however_long_ago(self) -> None:
        about = read_facts(previous_read_at=read(-1, 0).read_at)

        result = run_rule(RULE, scalar(7, about=[about]), None, Meters({}, hourly(20, *[1] * 24)))

        assert not result.changed.any()
