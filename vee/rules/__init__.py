"""The rules: one module each. A new rule is one module and one line here (`docs/how-to/add-a-rule.md`)."""

from __future__ import annotations

from vee.engine.rule import Rule
from vee.rules import (
    execute_vee_group,
    interval_interpolation_estimation,
    interval_size_validation,
    interval_spike_check,
    multiplier_check,
    raise_missing_quantity_exception,
    scalar_calculation_from_interval,
    scalar_estimation,
    scalar_profile_estimation,
    scalar_proration,
    scalar_replacement_rule,
    uom_check,
)


RULES: tuple[Rule, ...] = (
    uom_check.RULE,
    multiplier_check.RULE,
    interval_size_validation.RULE,
    scalar_replacement_rule.RULE,
    interval_interpolation_estimation.RULE,
    scalar_profile_estimation.RULE,
    scalar_calculation_from_interval.RULE,
    scalar_proration.RULE,
    scalar_estimation.RULE,
    interval_spike_check.RULE,
    raise_missing_quantity_exception.RULE,
    execute_vee_group.RULE,
)
