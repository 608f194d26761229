"""The rules by name: those that exist in the vocabulary, and those that this version can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vee.codes import Severity
from vee.engine import description, parameters
from vee.engine.parameters import RuleParameters, UnableToReadParameters
from vee.engine.rule import Rule
from vee.engine.sentences import Said
from vee.rules import RULES


__all__ = [
    "AVAILABLE", "KNOWN", "RuleNotAvailable", "UnableToReadParameters", "UnknownRule",
    "describe", "get", "parse_parameters", "reference", "sentence", "title_of",
]  # fmt: skip

KNOWN: frozenset[str] = frozenset(
    {
        "multiplier_check", "uom_check", "interval_replacement_rule", "scalar_replacement_rule",
        "interval_interpolation_estimation", "interval_averaging_estimation", "scalar_profile_estimation",
        "interval_size_validation", "interval_spike_check", "high_low_check", "negative_consumption_check",
        "sum_check", "consecutive_interval_check", "duplicate_imd_check", "dynamic_comparison_validation",
        "ensure_imd_exists_for_sibling_mcs", "final_measurement_replacement", "inactive_measurement_check",
        "prolonged_estimation_check", "raise_missing_quantity_exception", "zero_consumption_check",
        "interval_adjustment_from_scalar", "interval_create_estimation_imd_for_gap", "interval_profile_estimation",
        "interval_proxy_day_estimation", "scalar_calculation_from_interval", "scalar_estimation",
        "scalar_proration", "subtractive_interval_adjustment", "execute_vee_group", "vee_group_matrix",
        "exception_handler", "successful_termination",
        "delta_percent_check", "head_end_error_value_check", "kvarh_check", "number_of_dials_check",
        "pulse_overflow_check", "test_mode_check", "time_tolerance_check",
    }
)  # fmt: skip
"""Every name that a configuration may use."""

AVAILABLE: Mapping[str, Rule] = {rule.name: rule for rule in RULES}
"""What this version can run."""


class UnknownRule(LookupError):
    """There is no rule of this name."""


class RuleNotAvailable(LookupError):
    """The rule exists, and this version cannot run it."""


def get(name: str) -> Rule:
    """
    Give the rule of a name.

    :raises UnknownRule: when no rule has this name.
    :raises RuleNotAvailable: when this version does not have it.
    """
    if name in AVAILABLE:
        return AVAILABLE[name]
    if name in KNOWN:
        raise RuleNotAvailable(f"the rule {name} is not available in this version")
    raise UnknownRule(f"there is no rule {name!r}")


def title_of(name: str) -> str:
    """Give the name of a rule as people know it; one that is not known keeps its own."""
    return AVAILABLE[name].title if name in AVAILABLE else name


def parse_parameters(name: str, given: Mapping[str, Any], seconds_per_interval: int | None = None) -> RuleParameters:
    """
    Read a rule's configured parameters; with an interval size, what they leave open is filled in for that size.

    :raises UnableToReadParameters: at the first one that does not fit, with its JSON pointer.
    :raises UnknownRule: when no rule has this name.
    :raises RuleNotAvailable: when this version does not have it.
    """
    rule = get(name)
    return parameters.read(rule.parameters, parameters.canonical(dict(given)), seconds_per_interval)


def describe(name: str) -> description.RuleDescription:
    """
    Give what forms and documents show of a rule.

    :raises UnknownRule: when no rule has this name.
    :raises RuleNotAvailable: when this version does not have it.
    """
    return description.describe(get(name))


def sentence(name: str, given: Mapping[str, Any], severity: Severity) -> Said:
    """
    Say in words what a configured rule does and what follows from it.

    :raises UnableToReadParameters: when the parameters do not fit.
    :raises UnknownRule: when no rule has this name.
    :raises RuleNotAvailable: when this version does not have it.
    """
    return description.sentence(get(name), parse_parameters(name, given), severity)


def reference() -> str:
    """Give the reference page of all rules as Markdown."""
    return description.reference(RULES, sorted(KNOWN - AVAILABLE.keys()))
