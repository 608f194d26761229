from __future__ import annotations

import datetime as dt
import itertools

import pytest

from tests.unit.vee.engine.builders import DAY, plan_of, spec
from vee.codes import ComponentKind, Severity
from vee.engine import plan
from vee.engine.plan import GroupSpec, Plan, build_plan, find_cycle


def execute(group: str, **changes: object) -> plan.RuleSpec:
    return spec("execute_vee_group", {"group": group}, **changes)


def build(groups: dict[str, GroupSpec], group: str | None = "A", on: dt.date = DAY) -> Plan:
    return build_plan(groups=groups, group=group, on=on, kind=ComponentKind.INTERVAL)


class TestBuildPlan:
    def test_orders_rules_by_sequence_then_id(self) -> None:
        made = plan_of(
            spec("uom_check", sequence=30, id=1),
            spec("multiplier_check", sequence=10, id=9),
            spec("interval_size_validation", sequence=10, id=2),
        )

        assert [step.rule for step in made.steps] == ["interval_size_validation", "multiplier_check", "uom_check"]

    @pytest.mark.parametrize(
        ("on", "applies"),
        [
            (dt.date(2024, 1, 31), False),
            (dt.date(2024, 2, 1), True),
            (dt.date(2024, 2, 29), True),
            (dt.date(2024, 3, 1), False),
        ],
    )
    def test_includes_both_dates_of_a_period(self, on: dt.date, applies: bool) -> None:
        rule = spec("uom_check", start_date=dt.date(2024, 2, 1), end_date=dt.date(2024, 2, 29))

        assert bool(plan_of(rule, on=on).steps) is applies

    def test_puts_a_nested_groups_rules_in_the_place_of_the_rule_that_names_it(self) -> None:
        made = build(
            {
                "A": GroupSpec(
                    "A", [spec("uom_check", sequence=1), execute("B", sequence=2), execute("B", sequence=3)]
                ),
                "B": GroupSpec("B", [spec("multiplier_check"), spec("uom_check", end_date=dt.date(2023, 12, 31))]),
            }
        )

        assert [(step.rule, step.group, step.group_path) for step in made.steps] == [
            ("uom_check", "A", "A"),
            ("multiplier_check", "B", "A > B"),
            ("multiplier_check", "B", "A > B"),
        ]

    def test_leaves_out_a_nested_group_whose_rule_is_not_in_force(self) -> None:
        made = build(
            {
                "A": GroupSpec("A", [execute("B", start_date=dt.date(2024, 6, 1))]),
                "B": GroupSpec("B", [spec("uom_check")]),
            }
        )

        assert made.steps == ()

    def test_keeps_a_rule_of_the_wrong_kind_as_a_step_that_is_skipped(self) -> None:
        made = plan_of(spec("interval_spike_check"), kind=ComponentKind.SCALAR)

        [step] = made.steps
        assert step.skip == "does not apply to components of kind SCALAR"
        assert step.problem is None

    def test_without_a_group_has_no_steps_and_says_why(self) -> None:
        made = build({}, group=None)

        assert made.steps == ()
        assert made.note == "no VEE group is set for this role: no rules run"

    @pytest.mark.usefixtures("rule_not_available")
    @pytest.mark.parametrize(
        ("rule", "exception_type", "message"),
        [
            (
                spec("rule_of_a_later_version"),
                "RULE-NOT-AVAILABLE",
                "The rule rule_of_a_later_version is not available in this version.",
            ),
            (spec("summ_check"), "RULE-UNKNOWN", "There is no rule summ_check."),
            (
                spec("interval_spike_check", {"tolerance": -1}),
                "RULE-PARAMETERS",
                "The parameters of interval_spike_check do not fit: /tolerance -1 lies below 0.",
            ),
            (execute("NOBODY"), "VEE-GROUP-UNKNOWN", "There is no VEE group NOBODY."),
            (execute("G"), "VEE-CYCLE", "The groups lead back to themselves: G > G."),
        ],
    )
    def test_turns_what_is_wrong_into_a_step_that_terminates(
        self, rule: plan.RuleSpec, exception_type: str, message: str
    ) -> None:
        [step] = plan_of(rule).steps

        assert step.problem == plan.Problem(exception_type, message)

    def test_terminates_when_the_chosen_group_does_not_exist(self) -> None:
        [step] = build({}, group="LOST").steps

        assert step.problem == plan.Problem("VEE-GROUP-UNKNOWN", "There is no VEE group LOST.")

    def test_keeps_the_steps_before_a_cycle(self) -> None:
        made = build(
            {
                "A": GroupSpec("A", [spec("uom_check", sequence=1), execute("B", sequence=2)]),
                "B": GroupSpec("B", [execute("A")]),
            }
        )

        assert [step.problem.exception_type if step.problem else step.rule for step in made.steps] == [
            "uom_check",
            "VEE-CYCLE",
        ]

    @pytest.mark.parametrize(("depth", "fits"), [(10, True), (11, False)])
    def test_nests_at_most_ten_deep(self, depth: int, fits: bool) -> None:
        groups = {f"G{n}": GroupSpec(f"G{n}", [execute(f"G{n + 1}")]) for n in range(1, depth)}
        groups[f"G{depth}"] = GroupSpec(f"G{depth}", [spec("uom_check")])
        [step] = build(groups, group="G1").steps

        assert (step.problem is None) is fits
        assert fits or (step.problem and step.problem.exception_type == "VEE-DEPTH")

    def test_stops_a_plan_that_grows_without_end(self) -> None:
        groups = {f"G{n}": GroupSpec(f"G{n}", [execute(f"G{n + 1}", sequence=s) for s in range(10)]) for n in range(9)}
        groups["G9"] = GroupSpec("G9", [spec("uom_check")])
        made = build(groups, group="G0")

        assert len(made.steps) == plan.MAXIMUM_STEPS + 1
        problem = made.steps[-1].problem
        assert problem
        assert problem.exception_type == "VEE-PLAN-TOO-LONG"


class TestSignature:
    def test_is_equal_for_plans_that_do_the_same(self) -> None:
        first = plan_of(spec("interval_spike_check", {"tolerance": 1.8, "mode": "PER_24H"}))
        second = plan_of(spec("interval_spike_check", {"mode": "PER_24H", "tolerance": 1.8}), on=dt.date(2024, 5, 5))

        assert first.signature == second.signature
        assert first == second
        assert len({first, second}) == 1

    @pytest.mark.parametrize(
        "other",
        [
            spec("interval_spike_check", {"tolerance": 1.9}),
            spec("interval_spike_check", {"tolerance": 1.8}, severity=Severity.INFO),
            spec("interval_spike_check", {"tolerance": 1.8}, id=8),
            spec("interval_spike_check", {"tolerance": 1.8}, exception_type="PEAK"),
            spec("uom_check"),
        ],
    )
    def test_differs_when_anything_differs(self, other: plan.RuleSpec) -> None:
        first = plan_of(spec("interval_spike_check", {"tolerance": 1.8}))

        assert first.signature != plan_of(other).signature


class TestGroupPath:
    def test_is_cut_in_the_middle_where_it_would_not_fit_its_column(self) -> None:
        codes = [letter * 40 for letter in "ABCDEFGHIJ"]
        groups = {code: GroupSpec(code, [execute(following)]) for code, following in itertools.pairwise(codes)}
        groups[codes[-1]] = GroupSpec(codes[-1], [spec("uom_check")])
        [step] = build(groups, group=codes[0]).steps

        assert len(step.group_path) == 300
        assert step.group_path.startswith("A" * 40 + " > B")
        assert step.group_path.endswith(" > " + "J" * 40)
        assert " … " in step.group_path


class TestFindCycle:
    def test_gives_the_cycle_in_the_order_of_execution(self) -> None:
        cycle = find_cycle(
            {
                "START": GroupSpec("START", [execute("A")]),
                "A": GroupSpec("A", [execute("B")]),
                "B": GroupSpec("B", [execute("C")]),
                "C": GroupSpec("C", [execute("A")]),
            }
        )

        assert cycle in (("A", "B", "C", "A"), ("B", "C", "A", "B"), ("C", "A", "B", "C"))

    def test_sees_a_group_that_executes_itself(self) -> None:
        assert find_cycle({"A": GroupSpec("A", [execute("A")])}) == ("A", "A")

    def test_looks_at_rules_that_are_never_in_force_too(self) -> None:
        past = dt.date(2000, 1, 1)

        assert find_cycle({"A": GroupSpec("A", [execute("A", end_date=past)])}) == ("A", "A")

    def test_finds_none_where_groups_only_share_a_group(self) -> None:
        groups = {
            "A": GroupSpec("A", [execute("B", sequence=1), execute("C", sequence=2), execute("GONE", sequence=3)]),
            "B": GroupSpec("B", [execute("C")]),
            "C": GroupSpec("C", [spec("uom_check")]),
        }

        assert find_cycle(groups) is None
