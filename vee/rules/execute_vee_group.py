"""
Execute VEE Group (`vee.md` 3.4): runs all rules of the referred group in place.

Meant for blocks that several groups share. The plan puts the group's rules where this rule stands, depth-first, each
filtered by its own period; a group that is already being executed is a configuration error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import ALL_KINDS, ALL_ROLES, Rule
from vee.engine.sentences import Said, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site has to set."""

    group: Annotated[str, described("The code of the VEE group to run in place.", min_length=1, max_length=40)]


def expand(parameters: Parameters, factors: Mapping[str, str]) -> str:
    """Give the group that stands in this rule's place."""
    return parameters.group


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return Said(gettext_noop("Runs the rules of the group {group} in this place."), group=parameters.group)


RULE = Rule(
    name="execute_vee_group",
    code="D1-AVEER-RFG",
    title="Execute VEE Group",
    summary="Runs all rules of another group in place. Groups that lead back to themselves are refused.",
    kinds=ALL_KINDS,
    roles=ALL_ROLES,
    parameters=Parameters,
    sentence=sentence,
    expand=expand,
)
