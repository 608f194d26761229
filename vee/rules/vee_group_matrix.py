"""
VEE Group Matrix (Factor) (`vee.md` 3.4): runs the group that a factor leads to for the IMD.

The factor looks at a characteristic of the measuring component, its device or its service point, and at the IMD's
start date. Which group it leads to is known when the plan is made, so that IMDs of different groups go apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import ALL_KINDS, ALL_ROLES, FailurePoint, NoGroupResults, Rule
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site has to set, and may set."""

    factor: Annotated[str, described("The code of the factor.", min_length=1, max_length=40)]
    error_if_none: Annotated[bool, described("Whether it fails where the factor leads to no group.")] = False


def expand(parameters: Parameters, factors: Mapping[str, str]) -> str | None:
    """
    Give the group that the factor leads to.

    :raises NoGroupResults: when it leads to none, and that is to be a failure.
    """
    group = factors.get(parameters.factor)
    if group is None and parameters.error_if_none:
        raise NoGroupResults(f"The factor {parameters.factor} leads to no VEE group.")
    return group


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    template = (
        gettext_noop("Runs the rules of the group that the factor {factor} leads to, and fails where it leads to none.")
        if parameters.error_if_none
        else gettext_noop(
            "Runs the rules of the group that the factor {factor} leads to, and goes on where it leads to none."
        )
    )
    return Said(template, factor=parameters.factor)


def never_fails(parameters: Parameters) -> bool:
    """Tell whether no group is no failure."""
    return not parameters.error_if_none


RULE = Rule(
    name="vee_group_matrix",
    code="D1-AVEER-FCT",
    title="VEE Group Matrix (Factor)",
    summary="Runs all rules of the group that a factor leads to, by a characteristic's value and the IMD's start date.",
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("the factor leads to no group", "NO-VEE-GROUP"),),
    never_fails=never_fails,
    sentence=sentence,
    expand=expand,
)
