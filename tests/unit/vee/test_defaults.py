"""What Tieline ships as VEE configuration can be run."""

from __future__ import annotations

from typing import Any

import pytest

from vee.engine import registry
from vee.operations import defaults


RULES = [(group["code"], rule) for group in defaults.GROUPS for rule in group["rules"]]


class TestShippedGroups:
    @pytest.mark.parametrize(("group", "rule"), RULES)
    def test_name_rules_that_exist_with_parameters_that_fit(self, group: str, rule: dict[str, Any]) -> None:
        registry.parse_parameters(rule["rule"], rule.get("parameters", {}), 1800)

    def test_a_profile_interpolates_up_to_its_markets_limit(self) -> None:
        limits = {
            group["code"]: rule["parameters"]
            for group in defaults.GROUPS
            for rule in group["rules"]
            if rule["rule"] == "interval_interpolation_estimation"
        }

        assert (limits["CA"], limits["NEM"]) == ({"max_hours": 2}, {"max_hours": 2})
        assert (limits["CAISO"], limits["DE"]) == ({"max_hours": 1}, {"max_consecutive_intervals": 3})
