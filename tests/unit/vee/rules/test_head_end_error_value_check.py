from __future__ import annotations

import pytest

from tests.unit.vee.engine.builders import M, as_numbers, batch, numbers, run_rule
from vee.engine import registry


RULE = "head_end_error_value_check"


class TestErrorValues:
    def test_known_error_values_become_missing(self) -> None:
        result = run_rule(RULE, batch([1, 9999999, "4294967.295", 9999999, "9999998.999999"]))

        [finding] = result.findings
        assert finding.message == ("3 of 5 intervals have an error value of the head-end system: 4294967.295, 9999999.")
        assert (finding.first_interval, finding.last_interval, finding.count) == (1, 3, 3)
        assert numbers(result.batch) == as_numbers(1, M, M, M, "9999998.999999")
        assert result.batch.conditions[0].tolist() == [501000, 201300, 201300, 201300, 501000]

    def test_the_values_are_configured(self) -> None:
        result = run_rule(RULE, batch([-1, 9999999]), {"error_values": [-1, "0.0000000001"]})

        assert numbers(result.batch) == as_numbers(M, 9999999)

    def test_what_is_missing_already_is_left_alone(self) -> None:
        result = run_rule(RULE, batch([9999999], conditions=[[201000]]))

        assert (result.findings, result.changed.tolist()) == ([], [False])

    @pytest.mark.parametrize("values", [[], ["NaN"], ["Infinity"]])
    def test_values_that_are_none_are_refused(self, values: list[str]) -> None:
        with pytest.raises(registry.UnableToReadParameters):
            registry.parse_parameters(RULE, {"error_values": values})
