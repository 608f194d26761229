"""
Duplicate IMD Check (`vee.md` 5.1): the same readings were completed before.

The other IMD has the same measuring component, kind, end and received (pre-VEE) contents, and is complete.
"""

from __future__ import annotations

import numpy as np

from vee.codes import Role
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Finding, Result
from vee.engine.parameters import RuleParameters
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing to set."""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD that repeats a completed one."""
    others = context.duplicates(batch)
    return Result(
        findings=[
            Finding(row, f"IMD {others[row]} brought the same readings and is complete.", observed=f"IMD {others[row]}")
            for row in np.flatnonzero(others).tolist()
        ]
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop(
            "{fails} when a complete IMD of the same measuring component, kind and end brought the same readings."
        )
    )


RULE = Rule(
    name="duplicate_imd_check",
    code="D1-DUPIMDCHK",
    title="Duplicate IMD Check",
    summary="Reports IMDs that repeat, value for value, a complete one of the same measuring component, kind and end.",
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD, Role.MANUAL_OVERRIDE}),
    parameters=Parameters,
    failure_points=(FailurePoint("the readings were completed before", "DUPLICATE-IMD"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
