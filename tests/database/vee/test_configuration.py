from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee.models import MeasuringComponentType, ToDoType, VeeExceptionType, VeeGroup, VeeRule
from vee.operations import configuration


pytestmark = pytest.mark.django_db
SPIKE = {
    "sequence": 20, "rule": "interval_spike_check", "severity": "ISSUE", "exception_type": "SPIKE",
    "start_date": dt.date(2024, 1, 1), "end_date": None, "parameters": {"tolerance": 1.8, "mode": "PER_24H"},
}  # fmt: skip
UOM = {"sequence": 10, "rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM-MISMATCH"}
TYPE = {
    "id": "RES", "component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH", "allow_negative": False,
}  # fmt: skip


def groups(section: Any, **options: Any) -> list[configuration.Applied]:
    return configuration.apply_groups(section=section, by=None, at=make.AT, **options)


def types(section: Any, **options: Any) -> list[configuration.Applied]:
    return configuration.apply_component_types(section=section, by=None, at=make.AT, **options)


def refusal(apply: Any, section: Any) -> list[tuple[str, str]]:
    with pytest.raises(configuration.UnableToApplyConfiguration) as refused:
        apply(section)
    return [(error["pointer"], error["code"]) for error in refused.value.errors]


class TestApplyGroups:
    def test_it_creates_groups_rules_and_exception_types(self) -> None:
        applied = groups([{"code": "G", "description": "d", "rules": [UOM, SPIKE]}])

        assert [str(entry) for entry in applied] == ["vee_groups G: created"]
        rules = VeeRule.objects.filter(group__code="G").order_by("sequence")
        assert [(rule.rule, rule.severity, rule.exception_type_id, rule.start_date) for rule in rules] == [
            ("uom_check", "TERMINATE", "UOM-MISMATCH", None),
            ("interval_spike_check", "ISSUE", "SPIKE", dt.date(2024, 1, 1)),
        ]
        assert rules[1].parameters == {"tolerance": 1.8, "mode": "PER_24H"}
        assert set(VeeExceptionType.objects.values_list("code", flat=True)) == {"UOM-MISMATCH", "SPIKE"}

    def test_the_same_again_changes_nothing(self) -> None:
        section = [{"code": "G", "rules": [UOM, SPIKE]}]
        groups(section)
        before = list(VeeRule.objects.order_by("pk").values())

        applied = groups(section)

        assert applied[0].what == "UNCHANGED"
        assert list(VeeRule.objects.order_by("pk").values()) == before
        assert VeeRule.history.count() == 2

    def test_the_rules_are_replaced_as_a_whole_and_those_that_stay_keep_their_ids(self) -> None:
        groups([{"code": "G", "rules": [UOM, SPIKE]}])
        kept = VeeRule.objects.get(rule="interval_spike_check").pk

        applied = groups([{"code": "G", "rules": [{**SPIKE, "parameters": {"tolerance": Decimal("2.5")}}]}])

        assert applied[0].what == "CHANGED"
        rule = VeeRule.objects.get()
        assert (rule.pk, rule.parameters) == (kept, {"tolerance": 2.5})

    def test_what_a_document_does_not_name_stays(self) -> None:
        groups([{"code": "G", "description": "d", "rules": [UOM]}])

        groups([{"code": "G", "description": "other"}, {"code": "H"}])

        assert VeeGroup.objects.get(code="G").description == "other"
        assert VeeRule.objects.count() == 1

    def test_a_rule_that_is_not_available_is_stored_and_noted(self, rule_not_available: str) -> None:
        applied = groups(
            [{"code": "G", "rules": [{"sequence": 1, "rule": rule_not_available, "parameters": {"tolerance": 5}}]}]
        )

        assert applied[0].notes == (f"{rule_not_available} is not available in this version",)
        assert VeeRule.objects.get().parameters == {"tolerance": 5}

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ({"code": "G", "color": "red"}, ("/0/color", "unknown_field")),
            ({"rules": []}, ("/0/code", "required")),
            ({"code": "G", "rules": [{**UOM, "when": 1}]}, ("/0/rules/0/when", "unknown_field")),
            ({"code": "G", "rules": [{**UOM, "rule": "nonsense"}]}, ("/0/rules/0/rule", "unknown_rule")),
            ({"code": "G", "rules": [UOM, UOM]}, ("/0/rules/1/sequence", "repeated")),
            (
                {"code": "G", "rules": [{**SPIKE, "parameters": {"tolerance": "much"}}]},
                ("/0/rules/0/parameters/tolerance", "invalid"),
            ),
            (
                {"code": "G", "rules": [{**SPIKE, "parameters": {"limit": 1}}]},
                ("/0/rules/0/parameters/limit", "invalid"),
            ),
            ({"code": "G", "rules": [{**SPIKE, "end_date": dt.date(2023, 1, 1)}]}, ("/0/rules/0/end_date", "invalid")),
        ],
    )
    def test_what_does_not_fit_is_refused_with_its_place_and_nothing_is_stored(
        self, entry: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        assert refusal(groups, [entry]) == [expected]
        assert not VeeGroup.objects.exists()

    def test_a_dry_run_tells_and_stores_nothing(self) -> None:
        applied = groups([{"code": "G", "rules": [UOM]}], dry_run=True)

        assert applied[0].what == "CREATED"
        assert not VeeGroup.objects.exists()
        assert not VeeExceptionType.objects.exists()


class TestApplyComponentTypes:
    def test_it_creates_a_type_with_its_groups(self) -> None:
        groups([{"code": "G"}])

        types([{**TYPE, "vee_groups": {"INITIAL_LOAD": "G", "ESTIMATION": None}}])

        row = MeasuringComponentType.objects.get()
        assert (row.identifier, row.seconds_per_interval, row.scale) == ("RES", 900, 6)
        assert (row.initial_load_group.code, row.estimation_group) == ("G", None)

    def test_it_changes_what_is_named_and_leaves_the_rest(self) -> None:
        types([{**TYPE, "description": "old"}])

        applied = types([{"id": "RES", "allow_negative": True}])

        row = MeasuringComponentType.objects.get()
        assert (row.allow_negative, row.description, applied[0].what) == (True, "old", "CHANGED")
        assert types([{"id": "RES", "allow_negative": True}])[0].what == "UNCHANGED"

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ({**TYPE, "size": 3}, ("/0/size", "unknown_field")),
            ({"id": "RES", "uom": "KWH"}, ("/0/component_kind", "required")),
            ({**TYPE, "seconds_per_interval": 1000}, ("/0/seconds_per_interval", "invalid")),
            ({**TYPE, "seconds_per_interval": None}, ("/0/seconds_per_interval", "required")),
            ({**TYPE, "component_kind": "SCALAR"}, ("/0/seconds_per_interval", "invalid")),
            ({**TYPE, "vee_groups": {"INITIAL_LOAD": "NONE"}}, ("/0/vee_groups/INITIAL_LOAD", "unknown_group")),
            ({**TYPE, "scale": 10}, ("/0/scale", "invalid")),
        ],
    )
    def test_what_does_not_fit_is_refused_with_its_place(
        self, entry: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        assert refusal(types, [entry]) == [expected]
        assert not MeasuringComponentType.objects.exists()

    def test_the_scale_is_fixed_once_there_are_readings(self) -> None:
        types([TYPE])
        one = make.MeasuringComponentFactory(type=MeasuringComponentType.objects.get())
        make.interval_imd(one, ["1"] * 96)

        assert refusal(types, [{"id": "RES", "scale": 3}]) == [("/0/scale", "in_use")]
        assert MeasuringComponentType.objects.get().scale == 6


class TestInstallDefaults:
    def test_it_ships_groups_types_and_the_to_do_type(self) -> None:
        configuration.install_defaults(at=make.AT)

        assert set(MeasuringComponentType.objects.values_list("identifier", flat=True)) == {
            "RES-5MIN-KWH", "RES-15MIN-KWH", "RES-30MIN-KWH", "RES-60MIN-KWH", "REG-KWH",
        }  # fmt: skip
        rules = VeeRule.objects.filter(group__code="DEFAULT-INTERVAL").order_by("sequence")
        assert [rule.rule for rule in rules] == [
            "uom_check",
            "multiplier_check",
            "interval_size_validation",
            "interval_interpolation_estimation",
            "interval_spike_check",
        ]
        assert ToDoType.objects.get(code="VEE-EXCEPTION").role.name == "VEE analyst"

    def test_what_a_site_changed_stays(self) -> None:
        configuration.install_defaults(at=make.AT)
        spikes = VeeRule.objects.filter(group__code="DEFAULT-INTERVAL", rule="interval_spike_check")
        spikes.update(parameters={"tolerance": 3})

        assert configuration.install_defaults(at=make.AT) == []

        assert spikes.get().parameters == {"tolerance": 3}

    def test_a_sites_own_group_of_a_profiles_name_stays(self) -> None:
        own = make.vee_group("NEM", {"rule": "uom_check"})

        configuration.install_defaults(at=make.AT)

        assert [rule.rule for rule in own.rules.all()] == ["uom_check"]
        assert set(VeeGroup.objects.values_list("code", flat=True)) == {
            "DEFAULT-INTERVAL", "DEFAULT-REGISTER", "CA", "CAISO", "NEM", "DE", "ORACLE_DEFAULT",
        }  # fmt: skip


class TestRegisterTypes:
    def _apply(self, **changes: Any) -> list[configuration.Applied]:
        entry = {"id": "REG", "component_kind": "SCALAR", "uom": "KWH", "dials": 5, **changes}
        return configuration.apply_component_types(section=[entry], by=None, at=make.AT)

    def test_say_how_their_registers_count(self) -> None:
        self._apply(rollover_threshold=Decimal("0.25"), subtractive=False, sync_consumption=False)

        row = MeasuringComponentType.objects.get(identifier="REG")
        assert (row.dials, row.rollover_threshold, row.subtractive, row.sync_consumption) == (
            5, Decimal("0.25"), False, False,
        )  # fmt: skip

    @pytest.mark.parametrize("threshold", ["0", "1.000001", "0.1234567", "NaN"])
    def test_have_a_threshold_that_is_a_share(self, threshold: str) -> None:
        with pytest.raises(configuration.UnableToApplyConfiguration) as refusal:
            self._apply(rollover_threshold=threshold)

        assert refusal.value.pointer == "/0/rollover_threshold"
