"""
Interval Size Validation (`vee.md` 4.8): the seconds per interval delivered equal those of the component's type.

Where the sender named none, the size that intake derived from period and count (`(end - start) / N`) is compared.
"""

from __future__ import annotations

from vee.codes import Role
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import Result
from vee.engine.parameters import RuleParameters
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing to set."""


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each IMD's interval size with its component type's."""
    result = Result()
    incomparable: list[int] = []
    for facts, rows in batch.alike():
        delivered = facts.seconds_per_interval or batch.seconds_per_interval
        expected = facts.component_seconds_per_interval
        if delivered == expected and delivered is not None:
            continue
        if delivered is None or expected is None:
            incomparable += rows.tolist()
            continue
        message = f"The intervals have {delivered} s; the measuring component's type has {expected} s."
        result.find_in(rows, message, observed=f"{delivered} s", limit=f"{expected} s")
    result.leave_out(sorted(incomparable), "the interval size of readings or component type is not known")
    return result


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop("{fails} when the size of the intervals differs from the size of the measuring component's type.")
    )


RULE = Rule(
    name="interval_size_validation",
    code="D2-INTSIZVAL",
    title="Interval Size Validation",
    summary="Compares the seconds per interval delivered with those of the measuring component's type.",
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("the interval sizes differ", "INTERVAL-SIZE-MISMATCH"),),
    sentence=sentence,
    evaluate=evaluate,
)
