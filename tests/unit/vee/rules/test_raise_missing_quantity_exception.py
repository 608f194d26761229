from __future__ import annotations

from tests.unit.vee.engine.builders import M, batch, run_rule


RULE = "raise_missing_quantity_exception"


class TestRaiseMissingQuantity:
    def test_reports_each_imd_with_missing_intervals_once(self) -> None:
        result = run_rule(RULE, batch([1, 2, 3, 4], [1, M, 3, 4], [M, 2, M, M]))

        assert [(f.row, f.first_interval, f.last_interval, f.count) for f in result.findings] == [
            (1, 1, 1, 1),
            (2, 0, 3, 3),
        ]
        assert [f.message for f in result.findings] == [
            "1 of 4 intervals are missing.",
            "3 of 4 intervals are missing.",
        ]
        assert result.blocked.tolist() == [False, True, True]

    def test_passes_where_nothing_is_missing(self) -> None:
        assert run_rule(RULE, batch([1, 2])).findings == []

    def test_an_outage_is_not_missing_and_a_value_with_condition_missing_is(self) -> None:
        result = run_rule(RULE, batch([0, M, 5], conditions=[[101000, 102000, 201000]]))

        assert [(f.first_interval, f.last_interval, f.count) for f in result.findings] == [(2, 2, 1)]
