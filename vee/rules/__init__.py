"""The rules: one module each. A new rule is one module and one line here (`docs/how-to/add-a-rule.md`)."""

from __future__ import annotations

from vee.engine.rule import Rule
from vee.rules import (
    exception_handler,
    execute_vee_group,
    interval_interpolation_estimation,
    interval_size_validation,
    interval_spike_check,
    multiplier_check,
    raise_missing_quantity_exception,
    successful_termination,
    uom_check,
    vee_group_matrix,
)


RULES: tuple[Rule, ...] = (
    uom_check.RULE,
    multiplier_check.RULE,
    interval_size_validation.RULE,
    interval_interpolation_estimation.RULE,
    interval_spike_check.RULE,
    raise_missing_quantity_exception.RULE,
    execute_vee_group.RULE,
    vee_group_matrix.RULE,
    exception_handler.RULE,
    successful_termination.RULE,
)
