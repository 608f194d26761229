"""
Prolonged Estimation Check (`vee.md` 5.1): a measuring component has been estimated for too long.

Judged are IMDs with a condition in the estimated range. `fail <=> last actual + days allowed < end of the IMD`,
strictly. The last actual measurement is the component's latest one, or a later one that the IMD itself brings.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from vee.codes import Band, Role
from vee.engine import calendar, consumption
from vee.engine.batch import Batch, in_range
from vee.engine.context import NEVER, Context
from vee.engine.findings import Finding, Result
from vee.engine.parameters import ConditionRange, RuleParameters, described, require_ordered
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


DEFAULT_RANGE = (Band.SYSTEM_ESTIMATE.low, Band.EXTERNAL_ESTIMATE.high)


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    days_allowable: Annotated[int, described("For how many days a component may be estimated.", ge=0, le=3660)] = 30
    condition_range: Annotated[
        ConditionRange, described("IMDs with a condition in this range are judged: they are estimated.")
    ] = DEFAULT_RANGE

    def __post_init__(self) -> None:
        require_ordered(self.condition_range, "condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each estimated IMD that ends too long after the last actual measurement."""
    result = Result()
    estimated = in_range(batch.conditions, parameters.condition_range)
    rows = np.flatnonzero(estimated.any(axis=1))
    if not len(rows):
        return result
    part = batch.take(rows)
    last_actual = np.maximum(context.last_actual(part), _own_actual(part, estimated[rows]))
    never = last_actual == NEVER
    result.leave_out(rows[never], "the component was never measured")
    ends = consumption.ends(part)
    late = ~never & (last_actual + parameters.days_allowable * calendar.SECONDS_PER_DAY < ends)
    for at in np.flatnonzero(late).tolist():
        zone = part.facts[at].time_zone
        since = _text(int(last_actual[at]), zone)
        days, seconds = divmod(int(ends[at] - last_actual[at]), calendar.SECONDS_PER_DAY)
        message = (
            f"The last actual measurement is of {since}: estimated for over {parameters.days_allowable} days "
            f"by {_text(int(ends[at]), zone)}."
        )
        observed = f"{days} d {seconds // 3600} h" if seconds else f"{days} d"
        result.findings.append(
            Finding(int(rows[at]), message, observed=observed, limit=f"{parameters.days_allowable} d")
        )
    return result


def _own_actual(batch: Batch, estimated: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give the label of the last interval of each IMD that was measured, else `NEVER`."""
    measured = batch.valid & ~estimated & (batch.conditions >= Band.REGULAR.low)
    size = batch.seconds_per_interval
    if size is None or not measured.any():
        return np.full(batch.size, NEVER, dtype=np.int64)
    last = batch.length - np.argmax(measured[:, ::-1], axis=1)
    return np.where(measured.any(axis=1), batch.starts + last * size, NEVER)


def _text(instant: int, zone: str) -> str:
    return calendar.label_text(instant, 0, 0, zone)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(
        gettext_noop(
            "{fails} when an estimated IMD ends more than {days} days after the component's last actual measurement."
        ),
        days=parameters.days_allowable,
    )


RULE = Rule(
    name="prolonged_estimation_check",
    code="D2-PROESTCHK",
    title="Prolonged Estimation Check",
    summary="Reports estimated IMDs of a measuring component that was not actually measured for too many days.",
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD, Role.ESTIMATION}),
    parameters=Parameters,
    failure_points=(FailurePoint("estimated for too long", "PROLONGED-ESTIMATION"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
