from __future__ import annotations

import pytest

from tests.unit.vee.engine.builders import batch, facts, run_rule
from vee.engine.findings import RunResult


RULE = "time_tolerance_check"


def run(deviation: object, **parameters: object) -> RunResult:
    about = facts(characteristics={} if deviation is None else {"clock_deviation_seconds": deviation})
    return run_rule(RULE, batch([1], about=[about]), parameters)


class TestTimeTolerance:
    @pytest.mark.parametrize("deviation", ["0", "180", "-180", 180])
    def test_within_the_tolerance_passes(self, deviation: object) -> None:
        assert run(deviation).findings == []

    @pytest.mark.parametrize(("deviation", "said"), [("180.5", "180.5 s ahead"), (-181, "181 s behind")])
    def test_beyond_it_fails(self, deviation: object, said: str) -> None:
        [finding] = run(deviation).findings

        assert finding.message == f"The meter's clock is {said}; allowed are 180 s."
        assert (finding.observed, finding.limit) == (f"{deviation} s", "180 s")

    @pytest.mark.parametrize("deviation", [None, "late", "NaN"])
    def test_without_a_number_it_is_not_evaluated(self, deviation: object) -> None:
        [step] = run(deviation).row_log(0)

        assert step.reason == "the characteristic clock_deviation_seconds is not noted as a number"
