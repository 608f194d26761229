"""
Dynamic Comparison Validation (`vee.md` 5.1): a formula of the site's own over the IMD and what was measured before.

The names are `<window>_<statistic>`. Windows are `imd`, the IMD itself; `previous`, as long and just before it;
`last_week` and `last_year`, the same time 7 and 365 days ago; `history`, the days before it that `history_days` says.
Statistics are sum, min, max, average, median, standard_deviation (of the values themselves), count (of values),
zero_count and outage_count. `imd_days` is the length of the IMD. Of registers, the values are the consumptions of the
reads whose whole period lies in the window. The IMD fails when the formula is met; where it needs a value that is not
there, it is not evaluated. Only windows that a formula names are read.
"""

from __future__ import annotations

import functools
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import ComponentKind, Role
from vee.engine import consumption, expressions, window_statistics
from vee.engine.batch import Batch
from vee.engine.calendar import SECONDS_PER_DAY
from vee.engine.context import NEVER, Context
from vee.engine.findings import Finding, Result
from vee.engine.parameters import RuleParameters, described
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop
from vee.engine.window_statistics import STATISTICS, Sample


OWN = "imd"
WINDOWS = (OWN, "previous", "last_week", "last_year", "history")
LENGTH = "imd_days"
NAMES = frozenset({f"{window}_{statistic}" for window in WINDOWS for statistic in STATISTICS} | {LENGTH})
_SHOWN_PLACES = 6


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site has to set: the formula."""

    formula: Annotated[
        str,
        described(
            "The condition that fails an IMD, such as `imd_sum > 3 * previous_sum and previous_count > 0`.",
            min_length=1,
            max_length=expressions.MAXIMUM_LENGTH,
        ),
    ]
    history_days: Annotated[int, described("How many days before the IMD the window history has.", ge=1, le=400)] = 30
    message: Annotated[str, described("What people are told; empty: the formula.", max_length=200)] = ""

    def __post_init__(self) -> None:
        try:
            _read(self.formula)
        except expressions.UnableToReadExpression as error:
            raise ValueError(f"formula: {error}") from None


@functools.lru_cache(maxsize=512)
def _read(formula: str) -> expressions.Expression:
    return expressions.read(formula, names=NAMES, kind="condition")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Evaluate the formula for each IMD."""
    formula = _read(parameters.formula)
    result = Result()
    starts, ends = consumption.periods(batch, context)
    result.leave_out(np.flatnonzero(starts == NEVER), "the register has no read before")
    rows = np.flatnonzero(starts != NEVER)
    if not len(rows):
        return result
    part, starts, ends = batch.take(rows), starts[rows], ends[rows]
    windows = sorted({_window_of(name) for name in formula.names} - {""})
    samples = {window: _samples(window, part, starts, ends, parameters, context) for window in windows}
    without: dict[str, list[int]] = {}
    for at, row in enumerate(rows.tolist()):
        days = Fraction(int(ends[at] - starts[at]), SECONDS_PER_DAY)
        values = {name: _days(days) if name == LENGTH else _value(name, samples, at) for name in sorted(formula.names)}
        try:
            met = formula.evaluate(values)
        except expressions.UnableToEvaluate as reason:
            without.setdefault(kept(f"the formula has no result: {reason}"), []).append(row)
            continue
        if met:
            result.findings.append(_finding(row, values, parameters))
    for text, unevaluated in without.items():
        result.leave_out(unevaluated, text)
    return result


def _window_of(name: str) -> str:
    return "" if name == LENGTH else next(window for window in WINDOWS if name.startswith(f"{window}_"))


def _value(name: str, samples: dict[str, list[Sample]], at: int) -> Decimal | None:
    window = _window_of(name)
    return samples[window][at].statistic(name.removeprefix(f"{window}_"))


def _days(days: Fraction) -> Decimal:
    return Decimal(days.numerator) / Decimal(days.denominator)


def _samples(
    window: str,
    batch: Batch,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    parameters: Parameters,
    context: Context,
) -> list[Sample]:
    if window == OWN:
        return window_statistics.of_batch(batch)
    if batch.kind != ComponentKind.SCALAR and batch.seconds_per_interval is None:
        return [window_statistics.nothing(batch.scale)] * batch.size
    if window == "previous":
        since, until = starts - (ends - starts), starts
    elif window == "history":
        since, until = starts - parameters.history_days * SECONDS_PER_DAY, starts
    else:
        earlier = (7 if window == "last_week" else 365) * SECONDS_PER_DAY
        since, until = starts - earlier, ends - earlier
    return window_statistics.of_history(batch, context, since, until)


def _finding(row: int, values: dict[str, Decimal | None], parameters: Parameters) -> Finding:
    shown = ", ".join(f"{name} = {_text(value)}" for name, value in values.items() if value is not None)
    said = parameters.message or kept(f"The formula is met: {parameters.formula}")
    return Finding(row, kept(f"{said} ({shown})") if shown else said, observed=shown, limit=parameters.formula)


def _text(value: Decimal) -> str:
    return consumption.quantity_text(Fraction(value) * 10**_SHOWN_PLACES, _SHOWN_PLACES)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    return fails(gettext_noop("{fails} when this is met: {formula}"), formula=parameters.formula)


RULE = Rule(
    name="dynamic_comparison_validation",
    code="",
    title="Dynamic Comparison Validation",
    summary=(
        "Evaluates a formula over `<window>_<statistic>`, with the windows imd, previous (as long, just before), "
        "last_week, last_year and history, and the statistics sum, min, max, average, median, standard_deviation, "
        "count, zero_count and outage_count; imd_days is the IMD's length. Formulas have numbers, names, "
        "`+ - * / **`, comparisons, `and or not`, `min max abs round` and `a if condition else b`."
    ),
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD, Role.MANUAL_OVERRIDE}),
    parameters=Parameters,
    failure_points=(FailurePoint("the formula is met", "DYNAMIC-COMPARISON"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
