"""Decision rules and eligibility as `vee.md` 10.4 prints them, through the whole process: GT-76 to GT-79 and GT-84."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee.models import (
    Factor,
    FactorValue,
    ImdTransition,
    InitialMeasurement,
    MeasuringComponent,
    ToDo,
    ToDoType,
    VeeException,
    VeeExceptionType,
    VeeGroup,
)
from vee.operations import configuration, processing


pytestmark = pytest.mark.django_db
FLAT = ["1"] * 96
SPIKE = ["1"] * 40 + ["9"] + ["1"] * 55
UNIT = {"rule": "uom_check", "severity": "INFO", "exception_type": "X"}
MULTIPLIER = {"rule": "multiplier_check", "severity": "ISSUE", "exception_type": "Y"}
SPIKES = {"rule": "interval_spike_check", "exception_type": "SPIKE", "parameters": {"tolerance": 1.8}}


def component(group: VeeGroup, **values: Any) -> MeasuringComponent:
    kind = make.MeasuringComponentTypeFactory(initial_load_group=group)
    return make.MeasuringComponentFactory(type=kind, **values)


def state(imd: InitialMeasurement) -> str:
    return InitialMeasurement.objects.get(pk=imd.pk).state


def process() -> None:
    processing.process_due(at=make.AT)


def log_of(imd: InitialMeasurement) -> dict[str, Any]:
    return ImdTransition.objects.filter(imd=imd, log__isnull=False).latest("pk").details


def exceptions(imd: InitialMeasurement) -> list[tuple[str, str]]:
    return list(VeeException.objects.filter(imd=imd).order_by("pk").values_list("severity", "exception_type"))


def factor(code: str, **groups: str) -> Factor:
    made = Factor.objects.create(code=code, characteristic="rate")
    for value, group in groups.items():
        FactorValue.objects.create(factor=made, characteristic_value=value, vee_group=VeeGroup.objects.get(code=group))
    return made


class TestVeeGroupMatrix:
    def matrix(self, *, error_if_none: bool) -> VeeGroup:
        make.vee_group("RATE-A", {"rule": "uom_check", "exception_type": "OF-A"})
        make.vee_group("RATE-B", {"rule": "uom_check", "exception_type": "OF-B"})
        factor("RATE", A="RATE-A", B="RATE-B")
        parameters = {"factor": "RATE", "error_if_none": error_if_none}
        return make.vee_group("G", {"rule": "vee_group_matrix", "exception_type": "NO-GROUP", "parameters": parameters})

    def test_the_characteristics_value_decides_which_group_is_run(self) -> None:
        group = self.matrix(error_if_none=False)
        first, second = (
            make.interval_imd(component(group, characteristics={"rate": rate}), FLAT, uom="KW") for rate in "AB"
        )

        process()

        assert exceptions(first) == [("ISSUE", "OF-A")]
        assert exceptions(second) == [("ISSUE", "OF-B")]
        assert VeeException.objects.get(imd=first).group_path == "G > RATE-A"

    @pytest.mark.parametrize(
        ("error_if_none", "found", "expected"),
        [(False, [], "COMPLETE"), (True, [("ISSUE", "NO-GROUP")], "EXCEPTION")],
    )
    def test_gt_77_a_value_without_a_group_is_silent_or_an_exception(
        self, error_if_none: bool, found: list[tuple[str, str]], expected: str
    ) -> None:
        group = self.matrix(error_if_none=error_if_none)
        imd = make.interval_imd(component(group, characteristics={"rate": "OTHER"}), FLAT, uom="KW")

        process()

        assert (exceptions(imd), state(imd)) == (found, expected)

    def test_gt_76_a_circle_through_a_factor_is_refused_at_save(self) -> None:
        make.vee_group("A")
        factor("RATE", R1="A")
        matrix = {"sequence": 10, "rule": "vee_group_matrix", "parameters": {"factor": "RATE"}}

        with pytest.raises(configuration.UnableToApplyConfiguration) as refusal:
            configuration.apply_groups(section=[{"code": "A", "rules": [matrix]}], by=None, at=make.AT)

        assert [error["code"] for error in refusal.value.errors] == ["cycle"]


class TestExceptionHandler:
    def handled(self, **parameters: Any) -> InitialMeasurement:
        handler = {
            "rule": "exception_handler",
            "severity": "INFO",
            "exception_type": "HANDLED",
            "parameters": {"exception_types": ["X", "Y"], "match": "ALL", **parameters},
        }
        group = make.vee_group("G", UNIT, MULTIPLIER, handler, SPIKES)
        imd = make.interval_imd(component(group), SPIKE, uom="KW", multiplier=Decimal(7))
        process()
        return imd

    def test_gt_78_both_exceptions_give_one_more_terminate_and_its_own_to_do_type(self) -> None:
        ToDoType.objects.create(code="METER-SHOP")
        imd = self.handled(todo_type="METER-SHOP")

        assert exceptions(imd) == [("INFO", "X"), ("ISSUE", "Y"), ("TERMINATE", "HANDLED")]
        assert state(imd) == "EXCEPTION"
        assert ToDo.objects.get(imd=imd).type_id == "METER-SHOP"

    def test_without_a_to_do_type_of_its_own_that_of_its_exception_type_counts(self) -> None:
        shop = ToDoType.objects.create(code="METER-SHOP")
        VeeExceptionType.objects.create(code="HANDLED", todo_type=shop)

        assert ToDo.objects.get(imd=self.handled()).type_id == "METER-SHOP"

    def test_it_alone_decides_that_there_is_no_to_do(self) -> None:
        VeeExceptionType.objects.create(code="HANDLED", create_todo=False)
        imd = self.handled()

        assert state(imd) == "EXCEPTION"
        assert not ToDo.objects.exists()

    def test_without_it_one_to_do_lists_what_was_found(self) -> None:
        group = make.vee_group("G", UNIT, MULTIPLIER, SPIKES)
        imd = make.interval_imd(component(group), SPIKE, uom="KW", multiplier=Decimal(7))

        process()

        todo = ToDo.objects.get(imd=imd)
        assert todo.type_id == "VEE-EXCEPTION"
        assert todo.summary.startswith(f"{imd.component_identifier}: Y (and 1 more) – ")


class TestSuccessfulTermination:
    @pytest.mark.parametrize(("severity", "expected"), [("INFO", "COMPLETE"), ("ISSUE", "EXCEPTION")])
    def test_gt_79_after_an_info_it_completes_after_an_issue_it_does_not(self, severity: str, expected: str) -> None:
        ends = {"rule": "successful_termination", "parameters": {"exception_types": ["X"]}}
        group = make.vee_group("G", {**UNIT, "severity": severity}, ends, SPIKES)
        imd = make.interval_imd(component(group), SPIKE, uom="KW")

        process()

        assert state(imd) == expected
        assert exceptions(imd) == [(severity, "X")]
        assert log_of(imd)["finished"] == [
            {"rule": "successful_termination", "group": "G", "reason": "the run ends here"}
        ]


class TestEligibility:
    ONLY_RATE_A = (
        {"source": "characteristic.rate", "value": "A", "if_true": "APPLY_RULE", "if_false": "CHECK_NEXT"},
        {"source": "imd.kind", "value": "INITIAL_LOAD", "if_true": "SKIP_RULE", "if_false": "APPLY_RULE"},
    )

    def test_gt_84_apply_or_check_the_next_which_skips(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "exception_type": "X", "eligibility": list(self.ONLY_RATE_A)})
        point = make.ServicePointFactory(characteristics={"rate": "A"})
        first = make.interval_imd(component(group, service_point=point), FLAT, uom="KW")
        second = make.interval_imd(component(group), FLAT, uom="KW")

        process()

        assert exceptions(first) == [("ISSUE", "X")]
        assert (exceptions(second), state(second)) == ([], "COMPLETE")
        assert log_of(second)["skipped"] == [{"rule": "uom_check", "group": "G", "reason": "not eligible"}]

    def test_the_components_own_characteristic_counts_before_its_service_points(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "exception_type": "X", "eligibility": list(self.ONLY_RATE_A)})
        point = make.ServicePointFactory(characteristics={"rate": "A"})
        imd = make.interval_imd(component(group, service_point=point, characteristics={"rate": "B"}), FLAT, uom="KW")

        process()

        assert exceptions(imd) == []

    def test_a_document_sets_criteria_and_a_bad_one_is_refused_by_its_place(self) -> None:
        rule = {"sequence": 10, "rule": "uom_check", "eligibility": list(self.ONLY_RATE_A)}
        bad = {**rule, "eligibility": [{"source": "imd.colour", "value": 1, "if_false": "SKIP_RULE"}]}

        applied = configuration.apply_groups(section=[{"code": "G", "rules": [rule]}], by=None, at=make.AT)
        again = configuration.apply_groups(section=[{"code": "G", "rules": [rule]}], by=None, at=make.AT)
        with pytest.raises(configuration.UnableToApplyConfiguration) as refusal:
            configuration.apply_groups(section=[{"code": "G", "rules": [bad]}], by=None, at=make.AT)

        assert ([entry.what for entry in applied], [entry.what for entry in again]) == (["CREATED"], ["UNCHANGED"])
        assert VeeGroup.objects.get(code="G").rules.get().eligibility == list(self.ONLY_RATE_A)
        assert refusal.value.pointer == "/0/rules/0/eligibility/0"

    def test_a_document_tells_of_a_factor_that_is_not_there_and_creates_to_do_types(self) -> None:
        rules = [
            {"sequence": 10, "rule": "vee_group_matrix", "parameters": {"factor": "RATE"}},
            {
                "sequence": 20,
                "rule": "exception_handler",
                "parameters": {"exception_types": ["X"], "todo_type": "METER-SHOP"},
            },
        ]

        (applied,) = configuration.apply_groups(section=[{"code": "G", "rules": rules}], by=None, at=make.AT)

        assert applied.notes == ("there is no factor RATE yet",)
        assert ToDoType.objects.get(code="METER-SHOP").role is not None
