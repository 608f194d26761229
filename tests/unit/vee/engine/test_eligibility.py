from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vee.engine.builders import DAY, M, batch, facts, plan_of, spec
from vee.codes import ComponentKind, ImdKind
from vee.engine import eligibility, registry, runner
from vee.engine.batch import Batch
from vee.engine.context import NoHistory
from vee.engine.eligibility import Criterion, UnableToReadParameters
from vee.engine.findings import Outcome, RunResult
from vee.engine.plan import GroupSpec, build_plan
from vee.rules import uom_check


ANY: dict[str, str] = {"if_true": "APPLY_RULE", "if_false": "CHECK_NEXT"}
ALL: dict[str, str] = {"if_true": "CHECK_NEXT", "if_false": "SKIP_RULE"}
LAST: dict[str, str] = {"if_true": "APPLY_RULE", "if_false": "SKIP_RULE"}


def criterion(source: str, value: Any, comparison: str = "=", **outcomes: str) -> dict[str, Any]:
    return {"source": source, "comparison": comparison, "value": value, **(outcomes or LAST)}


def read(*criteria: dict[str, Any]) -> tuple[Criterion, ...]:
    return eligibility.read(json.dumps(list(criteria)))


def applies(*criteria: dict[str, Any], to: Batch) -> list[bool]:
    return [eligibility.applies(read(*criteria), to, row) for row in range(to.size)]


def about(**characteristics: str) -> Any:
    return facts(characteristics=characteristics)


ONE_DAY = facts(
    end=1704067200 + 86_400,
    kind=ImdKind.MANUAL,
    time_zone="America/New_York",
    uom=None,
    multiplier=Decimal("10.0"),
)


class TestRead:
    def test_no_criteria_apply(self) -> None:
        assert eligibility.applies(eligibility.read("[]"), batch([1]), 0)

    @pytest.mark.parametrize(
        ("given_criterion", "pointer", "message"),
        [
            ({"source": "imd.colour", "value": 1}, "/0", "imd.colour is neither"),
            ({"source": "imd.uom", "value": ["KWH"]}, "/0", "= takes one value"),
            ({"source": "imd.uom", "value": "KWH", "comparison": "IN"}, "/0", "IN takes a list of values"),
            ({"source": "imd.total", "value": [1, 2, 3], "comparison": "BETWEEN"}, "/0", "BETWEEN takes two values"),
            ({"source": "imd.uom", "value": {"a": 1}}, "/0", "a value is a text or a number"),
            ({"source": "imd.uom", "value": "KWH", "comparison": "~"}, "/0/comparison", "Invalid enum value"),
            ({"source": "imd.uom", "value": "KWH", "if_true": "MAYBE"}, "/0/if_true", "Invalid enum value"),
            ({"source": "imd.uom", "value": "KWH", "colour": 1}, "/0", "unknown field `colour`"),
            ({"source": "imd.uom"}, "/0", "missing required field `value`"),
        ],
    )
    def test_refuses_what_does_not_fit_and_says_where(
        self, given_criterion: dict[str, Any], pointer: str, message: str
    ) -> None:
        with pytest.raises(UnableToReadParameters, match=message.replace("[", r"\[")) as refusal:
            read({**LAST, **given_criterion})

        assert refusal.value.pointer == pointer

    @pytest.mark.parametrize("outcomes", [ANY, ALL])
    def test_refuses_a_list_that_may_run_out_without_a_decision(self, outcomes: dict[str, str]) -> None:
        with pytest.raises(UnableToReadParameters, match="the last criterion has to decide") as refusal:
            read(criterion("imd.uom", "KWH", **ANY), criterion("imd.uom", "KW", **outcomes))

        assert refusal.value.pointer == "/1"

    def test_refuses_what_is_no_list(self) -> None:
        with pytest.raises(UnableToReadParameters):
            eligibility.read('{"source": "imd.uom"}')
        with pytest.raises(UnableToReadParameters):
            eligibility.read("[")


class TestSources:
    @pytest.mark.parametrize(
        ("source", "comparison", "value"),
        [
            ("imd.kind", "=", "MANUAL"),
            ("imd.multiplier", "=", 10),
            ("imd.start_date", "=", "2023-12-31"),
            ("imd.days", "=", 1),
            ("imd.intervals", "=", 4),
            ("imd.missing_intervals", "=", 1),
            ("imd.total", "=", 6.5),
            ("imd.lowest_condition", "=", 201000),
            ("imd.highest_condition", "=", 501000),
            ("component.uom", "=", "KWH"),
            ("component.multiplier", "=", 1),
            ("component.seconds_per_interval", "=", 900),
        ],
    )
    def test_every_field_can_be_asked_for(self, source: str, comparison: str, value: Any) -> None:
        one = batch(["1.5", M, 2, 3], about=[ONE_DAY])

        assert applies(criterion(source, value, comparison), to=one) == [True]

    def test_a_characteristic_is_asked_for_by_name(self) -> None:
        two = batch([1], [1], about=[about(rate="R1"), about(rate="R2")])

        assert applies(criterion("characteristic.rate", "R1"), to=two) == [True, False]

    @pytest.mark.parametrize(
        ("outcome", "expected"), [("APPLY_RULE", True), ("SKIP_RULE", False), ("CHECK_NEXT", False)]
    )
    def test_what_is_not_there_is_insufficient(self, outcome: str, expected: bool) -> None:
        one = batch([1], about=[ONE_DAY])

        assert applies({**criterion("imd.uom", "KWH"), "if_insufficient": outcome}, to=one) == [expected]
        assert applies({**criterion("characteristic.rate", 1), "if_insufficient": outcome}, to=one) == [expected]


class TestComparisons:
    @pytest.mark.parametrize(
        ("comparison", "value", "expected"),
        [
            ("=", "10.0", True),
            ("=", 10, True),
            ("<>", 10, False),
            ("<", 10, False),
            ("<", 10.5, True),
            ("<=", 10, True),
            (">", 9, True),
            (">=", 10.01, False),
            ("BETWEEN", [10, 12], True),
            ("BETWEEN", [8, 10], True),
            ("BETWEEN", [11, 12], False),
            ("IN", [1, "10"], True),
            ("IN", [1, 2], False),
        ],
    )
    def test_numbers_are_compared_as_numbers(self, comparison: str, value: Any, expected: bool) -> None:
        assert applies(criterion("imd.multiplier", value, comparison), to=batch([1], about=[ONE_DAY])) == [expected]

    @pytest.mark.parametrize(
        ("comparison", "value", "expected"),
        [
            ("=", "RES-1", True),
            ("=", "res-1", False),
            (">", "RES-0", True),
            ("LIKE", "RES-*", True),
            ("LIKE", "RES-?", True),
            ("LIKE", "COM*", False),
            ("IN", ["COM", "RES-1"], True),
            ("BETWEEN", ["RES-0", "RES-2"], True),
        ],
    )
    def test_texts_are_compared_as_texts(self, comparison: str, value: Any, expected: bool) -> None:
        one = batch([1], about=[about(rate="RES-1")])

        assert applies(criterion("characteristic.rate", value, comparison), to=one) == [expected]

    def test_a_text_is_never_a_number_by_accident(self) -> None:
        one = batch([1], about=[about(rate="NaN")])

        assert applies(criterion("characteristic.rate", 5, "<"), to=one) == [False]
        assert applies(criterion("characteristic.rate", "NaN"), to=one) == [True]


class TestDecisions:
    def test_gt_84_any_logic_applies_at_the_first_true_and_skips_when_none_is(self) -> None:
        rates = batch([1], [1], [1], about=[about(rate="A"), about(rate="B"), about(rate="C")])

        decided = applies(
            criterion("characteristic.rate", "A", **ANY), criterion("characteristic.rate", "B", **LAST), to=rates
        )

        assert decided == [True, True, False]

    def test_gt_84_apply_or_check_next_then_skip(self) -> None:
        rates = batch([1], [1], about=[about(rate="A"), about(rate="B")])
        never = criterion("characteristic.rate", "B", if_true="SKIP_RULE", if_false="APPLY_RULE")

        assert applies(criterion("characteristic.rate", "A", **ANY), never, to=rates) == [True, False]

    def test_all_logic_needs_every_one(self) -> None:
        about_both = [about(a="1", b="1"), about(a="1", b="0"), about(a="0", b="1")]
        rows = batch([1], [1], [1], about=about_both)

        decided = applies(criterion("characteristic.a", 1, **ALL), criterion("characteristic.b", 1, **LAST), to=rows)

        assert decided == [True, False, False]

    @given(st.lists(st.booleans(), min_size=1, max_size=5))
    def test_any_and_all_are_what_python_says(self, holds: list[bool]) -> None:
        one = batch([1], about=[about(**{f"c{place}": str(int(value)) for place, value in enumerate(holds)})])

        def chained(outcomes: dict[str, str]) -> Sequence[dict[str, Any]]:
            last = len(holds) - 1
            return [
                criterion(f"characteristic.c{place}", 1, **(LAST if place == last else outcomes))
                for place in range(len(holds))
            ]

        assert applies(*chained(ANY), to=one) == [any(holds)]
        assert applies(*chained(ALL), to=one) == [all(holds)]


class TestSentence:
    @pytest.mark.parametrize(
        ("criteria", "said"),
        [
            ([], ""),
            ([criterion("imd.kind", "MANUAL")], "Applies only where imd.kind = MANUAL."),
            (
                [criterion("imd.total", 5, ">", **ANY), criterion("imd.kind", ["MANUAL", "ESTIMATION"], "IN")],
                "Applies only where imd.total > 5 or imd.kind IN MANUAL, ESTIMATION.",
            ),
            (
                [criterion("imd.total", [0, 5.5], "BETWEEN", **ALL), criterion("imd.uom", "K*", "LIKE")],
                "Applies only where imd.total BETWEEN 0 and 5.5 and imd.uom LIKE K*.",
            ),
            (
                [{**criterion("imd.uom", "KWH"), "if_insufficient": "APPLY_RULE"}],
                "Where imd.uom = KWH: applies; otherwise: is skipped; where it is not known: applies.",
            ),
        ],
    )
    def test_says_for_which_imds_the_rule_applies(self, criteria: list[dict[str, Any]], said: str) -> None:
        assert eligibility.sentence(read(*criteria)) == said


RATE_A = criterion("characteristic.rate", "A")
TWO = [facts(uom="KW", characteristics={"rate": "A"}), facts(uom="KW", characteristics={"rate": "B"})]


def run(*specs: Any, groups: dict[str, GroupSpec] | None = None, values: Any = ([1, 1, 9], [1, 1, 9])) -> RunResult:
    given_batch = batch(*values, about=TWO)
    if groups is None:
        plan = plan_of(*specs)
    else:
        plan = build_plan(groups=groups, group="OUTER", on=DAY, kind=ComponentKind.INTERVAL)
    return runner.run(batch=given_batch, plan=plan, context=NoHistory())


def rules_found(result: RunResult, row: int) -> list[str]:
    return [finding.rule for finding in result.findings if finding.row == row]


class TestGates:
    def test_a_rule_runs_only_on_the_imds_that_its_criteria_let_through(self) -> None:
        result = run(
            spec("uom_check", sequence=1, eligibility=[RATE_A]), spec("interval_spike_check", id=8, sequence=2)
        )

        assert rules_found(result, 0) == ["uom_check", "interval_spike_check"]
        assert rules_found(result, 1) == ["interval_spike_check"]
        assert result.log[0].rows == 1

    def test_the_log_of_the_others_says_not_eligible(self) -> None:
        result = run(spec("uom_check", eligibility=[RATE_A]))

        assert [(step.outcome, step.reason) for step in result.row_log(1)] == [(Outcome.SKIPPED, "not eligible")]
        assert [step.outcome for step in result.row_log(0)] == [Outcome.FAILED]

    def test_criteria_of_a_rule_that_stands_for_a_group_hold_for_all_its_rules(self) -> None:
        groups = {
            "OUTER": GroupSpec(
                "OUTER",
                [
                    spec("execute_vee_group", {"group": "INNER"}, sequence=1, eligibility=[RATE_A]),
                    spec("interval_spike_check", id=8, sequence=2),
                ],
            ),
            "INNER": GroupSpec("INNER", [spec("uom_check", id=5, sequence=1), spec("multiplier_check", id=6)]),
        }
        result = run(groups=groups)

        assert rules_found(result, 0) == ["uom_check", "interval_spike_check"]
        assert rules_found(result, 1) == ["interval_spike_check"]
        assert [step.outcome for step in result.row_log(1)][:2] == [Outcome.SKIPPED, Outcome.SKIPPED]

    def test_nested_criteria_hold_on_top_of_the_outer_ones(self) -> None:
        never = criterion("characteristic.rate", "Z")
        groups = {
            "OUTER": GroupSpec("OUTER", [spec("execute_vee_group", {"group": "INNER"}, eligibility=[RATE_A])]),
            "INNER": GroupSpec(
                "INNER",
                [spec("uom_check", id=5, sequence=1, eligibility=[never]), spec("interval_spike_check", id=6)],
            ),
        }
        result = run(groups=groups)

        assert rules_found(result, 0) == ["interval_spike_check"]
        assert rules_found(result, 1) == []

    def test_a_gate_is_decided_once_where_the_first_step_behind_it_stands(self) -> None:
        gaps = criterion("imd.missing_intervals", 0, ">")
        groups = {
            "OUTER": GroupSpec("OUTER", [spec("execute_vee_group", {"group": "INNER"}, eligibility=[gaps])]),
            "INNER": GroupSpec(
                "INNER",
                [spec("interval_interpolation_estimation", id=5, sequence=1), spec("uom_check", id=6, sequence=2)],
            ),
        }
        # The first rule fills the gap that let its IMD in; the second one still runs on it.
        result = run(groups=groups, values=([1, M, 1], [1, 1, 1]))

        assert result.changed.tolist() == [True, False]
        assert [finding.row for finding in result.findings] == [0]

    def test_the_criteria_see_what_earlier_rules_estimated(self) -> None:
        gaps = criterion("imd.missing_intervals", 0, ">")
        result = run(
            spec("interval_interpolation_estimation", id=5, sequence=1),
            spec("uom_check", id=6, sequence=2, eligibility=[gaps]),
            values=([1, M, 1], [M, M, M]),
        )

        assert [finding.row for finding in result.findings] == [1]

    def test_a_rule_that_is_eligible_for_nobody_asks_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_given: Any) -> Any:
            raise AssertionError("the rule was run")

        silent = {**{name: getattr(uom_check.RULE, name) for name in uom_check.RULE.__slots__}, "evaluate": refuse}
        monkeypatch.setitem(registry.AVAILABLE, "uom_check", type(uom_check.RULE)(**silent))  # type: ignore[misc]

        result = run(spec("uom_check", eligibility=[criterion("imd.total", 1000, ">")]))

        assert result.findings == []

    def test_criteria_that_do_not_fit_end_the_run(self) -> None:
        result = run(spec("uom_check", eligibility=[{"source": "imd.colour", "value": 1}]))

        assert {finding.exception_type for finding in result.findings} == {"RULE-ELIGIBILITY"}
        assert result.blocked.tolist() == [True, True]
