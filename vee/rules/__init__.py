"""The rules: one module each. A new rule is one module and one line here (`docs/how-to/add-a-rule.md`)."""

from __future__ import annotations

from vee.engine.rule import Rule
from vee.rules import (
    consecutive_interval_check,
    delta_percent_check,
    duplicate_imd_check,
    dynamic_comparison_validation,
    ensure_imd_exists_for_sibling_mcs,
    execute_vee_group,
    head_end_error_value_check,
    high_low_check,
    inactive_measurement_check,
    interval_interpolation_estimation,
    interval_size_validation,
    interval_spike_check,
    kvarh_check,
    multiplier_check,
    negative_consumption_check,
    number_of_dials_check,
    prolonged_estimation_check,
    pulse_overflow_check,
    raise_missing_quantity_exception,
    sum_check,
    test_mode_check,
    time_tolerance_check,
    uom_check,
    zero_consumption_check,
)


RULES: tuple[Rule, ...] = (
    uom_check.RULE,
    multiplier_check.RULE,
    interval_size_validation.RULE,
    duplicate_imd_check.RULE,
    ensure_imd_exists_for_sibling_mcs.RULE,
    inactive_measurement_check.RULE,
    time_tolerance_check.RULE,
    number_of_dials_check.RULE,
    test_mode_check.RULE,
    pulse_overflow_check.RULE,
    head_end_error_value_check.RULE,
    interval_interpolation_estimation.RULE,
    interval_spike_check.RULE,
    delta_percent_check.RULE,
    consecutive_interval_check.RULE,
    negative_consumption_check.RULE,
    zero_consumption_check.RULE,
    high_low_check.RULE,
    sum_check.RULE,
    kvarh_check.RULE,
    dynamic_comparison_validation.RULE,
    prolonged_estimation_check.RULE,
    raise_missing_quantity_exception.RULE,
    execute_vee_group.RULE,
)
