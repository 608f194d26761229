from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import vee.rules
from vee.codes import ComponentKind, Severity
from vee.engine import registry
from vee.engine.findings import MAIN
from vee.engine.registry import UnableToReadParameters


class TestVocabulary:
    def test_every_available_rule_is_known(self) -> None:
        assert registry.AVAILABLE.keys() <= registry.KNOWN
        assert len(registry.KNOWN) == 40

    def test_every_module_of_the_rules_is_registered_under_its_own_name(self) -> None:
        modules = {path.stem for path in Path(vee.rules.__file__).parent.glob("*.py")} - {"__init__"}

        assert registry.AVAILABLE.keys() == modules

    @pytest.mark.parametrize("name", sorted(registry.AVAILABLE))
    def test_every_failure_point_has_its_parameters(self, name: str) -> None:
        rule = registry.get(name)
        fields = set(rule.parameters.__struct_fields__)

        for point in rule.failure_points:
            named = {f"{point.name}_severity", f"{point.name}_exception_type"}
            assert point.name == MAIN or named & fields
            assert re.fullmatch(r"[A-Z][A-Z-]{2,39}", point.exception_type)

    @pytest.mark.parametrize("name", sorted(registry.AVAILABLE))
    def test_every_parameter_is_explained(self, name: str) -> None:
        for field in registry.describe(name).parameters:
            assert field.help.endswith((".", "%.")), field.name


class TestGet:
    def test_tells_a_rule_that_is_not_available_from_one_that_does_not_exist(self, rule_not_available: str) -> None:
        with pytest.raises(registry.RuleNotAvailable, match=rule_not_available):
            registry.get(rule_not_available)
        with pytest.raises(registry.UnknownRule, match="sum_chekc"):
            registry.get("sum_chekc")


class TestParseParameters:
    def test_reads_numbers_exactly(self) -> None:
        for given in (1.8, "1.8", Decimal("1.8")):
            parameters: Any = registry.parse_parameters("interval_spike_check", {"tolerance": given})
            assert parameters.tolerance == Decimal("1.8")

    @pytest.mark.parametrize(
        ("rule", "given", "pointer", "message"),
        [
            ("interval_spike_check", {"tolerence": 1}, "/tolerence", "is not a parameter of this rule"),
            ("interval_spike_check", {"tolerance": "much"}, "/tolerance", "Invalid decimal string"),
            ("interval_spike_check", {"tolerance": -1}, "/tolerance", "-1 lies below 0"),
            ("interval_spike_check", {"tolerance": "NaN"}, "/tolerance", "not a finite number"),
            ("interval_spike_check", {"tolerance": "1E-13"}, "/tolerance", "12 after it"),
            ("interval_spike_check", {"minimum_peak": "1E+15"}, "/minimum_peak", "15 digits before the point"),
            ("interval_spike_check", {"mode": "WEEKLY"}, "/mode", "Invalid enum value"),
            ("interval_spike_check", {"exclude_condition_range": [1, 2]}, "/exclude_condition_range/0", ">= 100000"),
            ("interval_spike_check", {"exclude_condition_range": [300000, 200000]}, "", "300000 lies above 200000"),
            ("interval_interpolation_estimation", {"max_hours": 0}, "/max_hours", "has to be above 0"),
            (
                "interval_interpolation_estimation",
                {"max_consecutive_intervals": 0},
                "/max_consecutive_intervals",
                ">= 1",
            ),
            (
                "interval_interpolation_estimation",
                {"max_hours": 2, "max_consecutive_intervals": 8},
                "",
                "exclude each other",
            ),
            ("execute_vee_group", {}, "/group", "is required"),
            ("uom_check", {"strict": True}, "/strict", "is not a parameter of this rule"),
            ("uom_check", {"strict": object()}, "", "object"),
        ],
    )
    def test_says_where_parameters_do_not_fit(
        self, rule: str, given: dict[str, Any], pointer: str, message: str
    ) -> None:
        with pytest.raises(UnableToReadParameters, match=re.escape(message)) as refusal:
            registry.parse_parameters(rule, given)

        assert refusal.value.pointer == pointer

    @pytest.mark.parametrize(
        ("given", "seconds", "limit"),
        [
            ({}, 900, 8),
            ({}, 300, 24),
            ({}, 3600, 2),
            ({}, 86_400, 0),
            ({"max_hours": "2.5"}, 3600, 2),
            ({"max_hours": 3}, 900, 12),
            ({"max_consecutive_intervals": 5}, 900, 5),
        ],
    )
    def test_fills_in_limits_for_an_interval_size(self, given: dict[str, Any], seconds: int, limit: int) -> None:
        parameters: Any = registry.parse_parameters("interval_interpolation_estimation", given, seconds)

        assert parameters.max_consecutive_intervals == limit


class TestDescribe:
    def test_gives_a_form_what_it_needs(self) -> None:
        shown = registry.describe("interval_spike_check")
        fields = {field.name: field for field in shown.parameters}

        assert (shown.code, shown.title) == ("D2-INTSPKCHK", "Interval Spike Check")
        assert shown.kinds == (ComponentKind.INTERVAL,)
        assert (fields["tolerance"].kind, fields["tolerance"].unit, fields["tolerance"].default) == (
            "decimal",
            "ratio",
            "1.8",
        )
        assert fields["tolerance"].minimum == 0
        assert (fields["mode"].kind, fields["mode"].choices) == ("choice", ("PER_24H", "WHOLE_IMD"))
        assert fields["exclude_condition_range"].kind == "condition range"
        assert fields["exclude_condition_range"].optional is True

    def test_knows_optional_whole_numbers_severities_and_required_texts(self) -> None:
        fields = {field.name: field for field in registry.describe("interval_interpolation_estimation").parameters}
        limit, severity = fields["max_consecutive_intervals"], fields["gap_too_long_severity"]

        assert (limit.kind, limit.minimum, limit.unit, limit.optional) == ("whole number", 1, "intervals", True)
        assert (severity.kind, severity.choices, severity.optional) == ("choice", ("INFO", "ISSUE", "TERMINATE"), True)
        [group] = registry.describe("execute_vee_group").parameters
        assert (group.kind, group.required, group.optional) == ("text", True, False)


class TestSentence:
    def test_says_what_the_rule_does_and_what_follows(self) -> None:
        assert registry.sentence("interval_spike_check", {"tolerance": 1.2, "minimum_peak": 5}, Severity.ISSUE) == (
            "Issue when the highest interval of any 24 hours lies more than 120 % above the third-highest and "
            "reaches 5. That holds the IMD for a person, after the other rules have run."
        )

    def test_says_nothing_of_consequences_where_there_is_no_main_failure_point(self) -> None:
        assert registry.sentence("interval_interpolation_estimation", {"max_hours": "1.5"}, Severity.ISSUE) == (
            "Fills gaps of up to 1.5 hours with a straight line between the values next to them."
        )
        assert registry.sentence("execute_vee_group", {"group": "COMMON"}, Severity.ISSUE) == (
            "Runs the rules of the group COMMON in this place."
        )
