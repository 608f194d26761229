"""Factors, holidays, exception types and retry policies of a document, and where things are used."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group

from tests.factories import vee as make
from vee import configuration_queries
from vee.models import Factor, FactorValue, Holiday, ToDoType, VeeExceptionType, VeeGroup, VeeRetryPolicy
from vee.operations import configuration, configuration_factors, configuration_work
from vee.operations.configuration_sections import UnableToApplyConfiguration


pytestmark = pytest.mark.django_db


def apply(operation: Any, section: Any, **options: Any) -> list[str]:
    return [str(entry) for entry in operation(section=section, by=None, at=make.AT, **options)]


def refusal(operation: Any, section: Any) -> list[tuple[str, str]]:
    with pytest.raises(UnableToApplyConfiguration) as refused:
        operation(section=section, by=None, at=make.AT)
    return [(error["pointer"], error["code"]) for error in refused.value.errors]


def factor(*values: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return [{"code": "RATE", "characteristic": "rate", "values": list(values), **fields}]


class TestApplyFactors:
    def test_it_creates_factors_with_values_for_groups_and_components(self) -> None:
        group, one = make.vee_group("A"), make.MeasuringComponentFactory()
        section = factor(
            {"value": "R1", "vee_group": "A", "start_date": dt.date(2024, 1, 1)},
            {"value": "R2", "measuring_component": one.identifier, "end_date": dt.date(2024, 1, 31)},
            description="by rate",
        )

        assert apply(configuration_factors.apply_factors, section) == ["factors RATE: created"]

        assert Factor.objects.get().description == "by rate"
        rows = FactorValue.objects.order_by("characteristic_value")
        assert [(row.characteristic_value, row.vee_group, row.measuring_component) for row in rows] == [
            ("R1", group, None),
            ("R2", None, one),
        ]

    def test_the_same_again_changes_nothing_and_values_are_replaced_as_a_whole(self) -> None:
        make.vee_group("A")
        first, second = {"value": "R1", "vee_group": "A"}, {"value": "R2", "vee_group": "A"}
        apply(configuration_factors.apply_factors, factor(first, second))
        kept = FactorValue.objects.get(characteristic_value="R1").pk

        again = apply(configuration_factors.apply_factors, factor(first, second))
        replaced = apply(configuration_factors.apply_factors, factor(first))

        assert (again, replaced) == (["factors RATE: unchanged"], ["factors RATE: changed"])
        assert list(FactorValue.objects.values_list("pk", flat=True)) == [kept]

    def test_a_dry_run_changes_nothing(self) -> None:
        assert apply(configuration_factors.apply_factors, factor(), dry_run=True) == ["factors RATE: created"]
        assert not Factor.objects.exists()

    @pytest.mark.parametrize(
        ("section", "pointer", "code"),
        [
            ({}, "", "invalid"),
            ([{"code": "RATE"}], "/0/characteristic", "required"),
            (factor({"value": "R1", "vee_group": "NONE"}), "/0/values/0/vee_group", "unknown_group"),
            (
                factor({"value": "R", "measuring_component": "NO"}),
                "/0/values/0/measuring_component",
                "unknown_component",
            ),
            (factor({"value": "R1"}, {"value": "R1"}), "/0/values/1/value", "repeated"),
            (
                factor({"value": "R1", "start_date": "2024-02-01", "end_date": "2024-01-01"}),
                "/0/values/0/end_date",
                "invalid",
            ),
            ([*factor(), *factor()], "/1/code", "repeated"),
        ],
    )
    def test_what_does_not_fit_is_refused_by_its_place(self, section: Any, pointer: str, code: str) -> None:
        assert (pointer, code) in refusal(configuration_factors.apply_factors, section)
        assert not Factor.objects.exists()

    def test_a_value_that_closes_a_circle_is_refused(self) -> None:
        make.vee_group("A", {"rule": "vee_group_matrix", "parameters": {"factor": "RATE"}})

        assert refusal(configuration_factors.apply_factors, factor({"value": "R1", "vee_group": "A"})) == [
            ("", "cycle")
        ]
        assert not Factor.objects.exists()


class TestApplyHolidays:
    def test_the_days_of_a_calendar_are_replaced_as_a_whole(self) -> None:
        days = [{"date": "2024-01-01", "name": "New Year"}, {"date": "2024-07-04"}]
        Holiday.objects.create(calendar="CA", date=dt.date(2024, 7, 1))

        created = apply(configuration_factors.apply_holidays, {"US": days})
        again = apply(configuration_factors.apply_holidays, {"US": days})
        changed = apply(configuration_factors.apply_holidays, {"US": [{"date": "2024-07-04", "name": "Fourth"}]})

        assert (created, again, changed) == (
            ["holidays US: created"],
            ["holidays US: unchanged"],
            ["holidays US: changed"],
        )
        assert set(Holiday.objects.values_list("calendar", "date", "name")) == {
            ("US", dt.date(2024, 7, 4), "Fourth"),
            ("CA", dt.date(2024, 7, 1), ""),
        }

    @pytest.mark.parametrize(
        ("section", "pointer"),
        [
            ({"US": [{"date": "2024-13-01"}]}, "/US/0/date"),
            ({"US": [{"date": "2024-01-01"}, {"date": "2024-01-01"}]}, "/US/1/date"),
            ({"": []}, "/"),
            ([], ""),
        ],
    )
    def test_what_is_no_day_is_refused(self, section: Any, pointer: str) -> None:
        assert refusal(configuration_factors.apply_holidays, section)[0][0] == pointer


class TestApplyExceptionTypes:
    def test_they_name_to_do_type_role_and_what_they_wait_for(self) -> None:
        role = Group.objects.create(name="Meter shop")
        section = {
            "SUM-CHECK": {"todo_type": "SHOP", "todo_role": "Meter shop", "retry_when_related_completes": True},
            "FIELD": {"create_todo": False},
        }

        created = apply(configuration_work.apply_exception_types, section)
        again = apply(configuration_work.apply_exception_types, section)

        assert created == ["exception_types SUM-CHECK: created", "exception_types FIELD: created"]
        assert again == ["exception_types SUM-CHECK: unchanged", "exception_types FIELD: unchanged"]
        found = VeeExceptionType.objects.get(code="SUM-CHECK")
        assert (found.todo_type, found.todo_role) == (ToDoType.objects.get(code="SHOP"), role)
        assert (found.create_todo, found.retry_when_related_completes) == (True, True)
        assert not VeeExceptionType.objects.get(code="FIELD").create_todo

    @pytest.mark.parametrize(
        ("section", "pointer"),
        [
            ({"A": {"todo_role": "Nobody"}}, "/A/todo_role"),
            ({"A": {"colour": 1}}, "/A/colour"),
            ({"A" * 41: {}}, "/" + "A" * 41),
        ],
    )
    def test_what_does_not_fit_is_refused_by_its_place(self, section: Any, pointer: str) -> None:
        assert refusal(configuration_work.apply_exception_types, section)[0][0] == pointer
        assert not VeeExceptionType.objects.exists()


class TestApplyRetryPolicies:
    def test_what_is_not_named_has_its_default(self) -> None:
        section = {"INITIAL_LOAD": {"frequency_hours": 6, "retryable_exception_types": ["SUM-CHECK"]}}

        assert apply(configuration_work.apply_retry_policies, section) == ["retry_policies INITIAL_LOAD: created"]

        found = VeeRetryPolicy.objects.get()
        assert (found.enabled, found.frequency_hours, found.max_attempts, found.max_age_days) == (True, 6, 5, 30)
        assert found.retryable_exception_types == ["SUM-CHECK"]

    def test_an_unknown_kind_and_a_frequency_of_nought_are_refused(self) -> None:
        assert refusal(configuration_work.apply_retry_policies, {"OTHER": {}}) == [("/OTHER", "unknown")]
        assert refusal(configuration_work.apply_retry_policies, {"MANUAL": {"frequency_hours": 0}})[0][0] == (
            "/MANUAL/frequency_hours"
        )


class TestComponentTypes:
    def test_a_document_sets_options_of_preparation_and_gap_finding(self) -> None:
        entry = {
            "id": "RES", "component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH",
            "fill_missing_intervals": True, "snap_to_boundaries": True, "high_quality_tolerance": 5,
            "estimate_gaps_after_hours": 24, "gap_action": "ASK",
        }  # fmt: skip

        assert apply(configuration.apply_component_types, [entry]) == ["measuring_component_types RES: created"]
        assert apply(configuration.apply_component_types, [entry]) == ["measuring_component_types RES: unchanged"]

    @pytest.mark.parametrize("name", ["rollover_threshold", "high_quality_tolerance"])
    def test_numbers_out_of_range_are_refused(self, name: str) -> None:
        entry = {"id": "RES", "component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH", name: -1}

        assert refusal(configuration.apply_component_types, [entry]) == [(f"/0/{name}", "invalid")]


class TestWhereUsed:
    def test_a_group_names_what_leads_to_it_and_a_factor_both_directions(self) -> None:
        group = make.vee_group("A")
        outer = make.vee_group(
            "OUTER",
            {"rule": "execute_vee_group", "parameters": {"group": "A"}},
            {"rule": "vee_group_matrix", "parameters": {"factor": "RATE"}},
        )
        rate = Factor.objects.create(code="RATE", characteristic="rate")
        FactorValue.objects.create(factor=rate, characteristic_value="R1", vee_group=group)
        kind = make.MeasuringComponentTypeFactory(initial_load_group=group, estimation_group=group)
        one = make.MeasuringComponentFactory(manual_override_group=group)

        of_group = configuration_queries.uses_of_group(VeeGroup.objects.get(code="A"))

        assert [(use.model, use.name, use.how) for use in of_group] == [
            ("veegroup", "OUTER", "rule 10 execute_vee_group"),
            ("factor", "RATE", "for the value R1"),
            ("measuringcomponenttype", kind.identifier, "initial loads, estimations"),
            ("measuringcomponent", one.identifier, "manual data"),
        ]
        assert [(use.pk, use.how) for use in configuration_queries.uses_of_factor(rate)] == [
            (outer.pk, "rule 20 vee_group_matrix")
        ]
        assert [(use.model, use.name) for use in configuration_queries.targets_of_factor(rate)] == [("veegroup", "A")]
