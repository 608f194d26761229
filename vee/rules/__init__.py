"""The rules: one module each. A new rule is one module and one line here (`docs/how-to/add-a-rule.md`)."""

from __future__ import annotations

from vee.engine.rule import Rule
from vee.rules import (
    execute_vee_group,
    final_measurement_replacement,
    interval_adjustment_from_scalar,
    interval_averaging_estimation,
    interval_create_estimation_imd_for_gap,
    interval_interpolation_estimation,
    interval_profile_estimation,
    interval_proxy_day_estimation,
    interval_replacement_rule,
    interval_size_validation,
    interval_spike_check,
    multiplier_check,
    raise_missing_quantity_exception,
    subtractive_interval_adjustment,
    uom_check,
)


RULES: tuple[Rule, ...] = (
    uom_check.RULE,
    multiplier_check.RULE,
    interval_size_validation.RULE,
    interval_replacement_rule.RULE,
    final_measurement_replacement.RULE,
    interval_interpolation_estimation.RULE,
    interval_averaging_estimation.RULE,
    interval_proxy_day_estimation.RULE,
    interval_profile_estimation.RULE,
    interval_adjustment_from_scalar.RULE,
    subtractive_interval_adjustment.RULE,
    interval_create_estimation_imd_for_gap.RULE,
    interval_spike_check.RULE,
    raise_missing_quantity_exception.RULE,
    execute_vee_group.RULE,
)
