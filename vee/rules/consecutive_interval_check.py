"""
Consecutive Interval Check (`vee.md` 5.1): too many intervals in a row that look alike.

By value (`value = 0` finds a sustained zero), by unchanged value (finds a flat line) or by condition. A run that began
in the final measurements before the IMD is counted with them, as far as the look-back reaches: one interval less than
would be too many by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Band, Role
from vee.engine.batch import Batch, in_range
from vee.engine.context import Context, Windows
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import INT64_MAXIMUM, as_text, number_text
from vee.engine.gaps import MISSING_RANGE, runs_of
from vee.engine.parameters import ConditionRange, RuleParameters, described, quantity, require_ordered
from vee.engine.rule import INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


_SAID = {
    "EQ": kept(gettext_noop("are equal to {value}")),
    "NE": kept(gettext_noop("are other than {value}")),
    "LT": kept(gettext_noop("are below {value}")),
    "LE": kept(gettext_noop("are at most {value}")),
    "GT": kept(gettext_noop("are above {value}")),
    "GE": kept(gettext_noop("are at least {value}")),
}


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    criterion: Annotated[
        Literal["VALUE", "UNCHANGED", "CONDITION"],
        described("What intervals in a row share: a comparison with a value, the same value, or a condition range."),
    ] = "VALUE"
    comparison: Annotated[
        Literal["EQ", "NE", "LT", "LE", "GT", "GE"], described("How values are compared with `value`.")
    ] = "EQ"
    value: Annotated[Decimal, quantity("The value that intervals are compared with.", unit="unit of measure")] = (
        Decimal(0)
    )
    condition_range: Annotated[
        ConditionRange, described("The conditions that are looked for by the criterion CONDITION.")
    ] = (Band.SYSTEM_ESTIMATE.low, Band.EXTERNAL_ESTIMATE.high)
    min_consecutive: Annotated[int, described("How many intervals in a row are too many.", ge=2, le=8_928)] = 96
    look_back: Annotated[bool, described("Count on a run that began in the final measurements before the IMD.")] = True

    def __post_init__(self) -> None:
        require_ordered(self.condition_range, "condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Report each IMD's runs that are long enough."""
    own = _Stretch(batch.values, batch.valid, batch.conditions)
    began_before = np.zeros(batch.size, dtype=np.bool_)
    size = batch.seconds_per_interval
    if parameters.look_back and size is not None and batch.length:
        began_before = _matching(own, batch.scale, parameters)[:, 0]
    found = _runs(own.take(~began_before), np.flatnonzero(~began_before), batch.scale, 0, parameters)
    rows = np.flatnonzero(began_before)
    if len(rows) and size is not None:
        width = parameters.min_consecutive - 1
        earlier = context.measured(
            Windows(
                component_ids=np.array([batch.facts[row].component_id for row in rows.tolist()], dtype=np.int64),
                starts=batch.starts[rows] - width * size,
                length=width,
                seconds_per_interval=size,
                scale=batch.scale,
            )
        )
        before = _Stretch(earlier.values, earlier.valid, np.where(earlier.present, earlier.conditions, 0))
        found += _runs(before.followed_by(own.take(began_before)), rows, batch.scale, width, parameters)
    return Result(findings=[_finding(batch, run, parameters) for run in sorted(found)])


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Intervals of some rows, [rows, intervals]."""

    values: NDArray[np.int64]
    valid: NDArray[np.bool_]
    conditions: NDArray[np.int32]

    def take(self, rows: NDArray[np.bool_]) -> _Stretch:
        return _Stretch(self.values[rows], self.valid[rows], self.conditions[rows])

    def followed_by(self, later: _Stretch) -> _Stretch:
        return _Stretch(
            np.concatenate([self.values, later.values], axis=1),
            np.concatenate([self.valid, later.valid], axis=1),
            np.concatenate([self.conditions, later.conditions], axis=1),
        )


class _Run(NamedTuple):
    """A run that is long enough; intervals count from the IMD's start, those before it are negative."""

    row: int
    first: int
    end: int


def _runs(stretch: _Stretch, rows: NDArray[np.intp], scale: int, offset: int, parameters: Parameters) -> list[_Run]:
    """Give the long runs that reach into the IMD, which begins at interval `offset` of the stretch."""
    if not len(rows):
        return []
    matching = _matching(stretch, scale, parameters)
    extra = 0
    if parameters.criterion == "UNCHANGED":
        # A run of n equal values is a run of n - 1 values that equal the one before.
        same = stretch.values[:, 1:] == stretch.values[:, :-1]
        matching[:, 1:] &= matching[:, :-1] & same
        matching[:, 0] = False
        extra = 1
    runs = runs_of(matching)
    runs = runs.pick((runs.lengths + extra >= parameters.min_consecutive) & (runs.ends > offset))
    return [
        _Run(int(rows[row]), first - extra - offset, end - offset)
        for row, first, end in zip(runs.rows.tolist(), runs.firsts.tolist(), runs.ends.tolist(), strict=True)
    ]


def _matching(stretch: _Stretch, scale: int, parameters: Parameters) -> NDArray[np.bool_]:
    """Tell which intervals are what is looked for; of UNCHANGED, which can be compared at all."""
    if parameters.criterion == "CONDITION":
        return in_range(stretch.conditions, parameters.condition_range)
    usable = stretch.valid & ~in_range(stretch.conditions, MISSING_RANGE)
    if parameters.criterion == "UNCHANGED":
        return usable
    return usable & _compared(stretch.values, parameters.value.scaleb(scale), parameters.comparison)


def _compared(counts: NDArray[np.int64], limit: Decimal, comparison: str) -> NDArray[np.bool_]:
    """Compare whole counts with a limit that may lie between two of them, exactly."""
    low, high = (
        max(-INT64_MAXIMUM, min(int(limit.to_integral_value(rounding=way)), INT64_MAXIMUM))
        for way in (ROUND_FLOOR, ROUND_CEILING)
    )
    below, above = counts < high, counts > low
    answers = {"LT": below, "GE": ~below, "GT": above, "LE": ~above, "EQ": ~(below | above), "NE": below | above}
    return answers[comparison]


def _finding(batch: Batch, run: _Run, parameters: Parameters) -> Finding:
    count, before = run.end - run.first, max(0, -run.first)
    first = max(run.first, 0)
    if parameters.criterion == "CONDITION":
        low, high = parameters.condition_range
        said = f"have a condition from {low} to {high}"
    elif parameters.criterion == "UNCHANGED":
        said = f"have the same value, {as_text(int(batch.values[run.row, first]), batch.scale)}"
    else:
        said = _SAID[parameters.comparison].format(value=number_text(parameters.value))
    if before:
        said = f"{said}, {before} of them before this IMD"
    return Finding(
        run.row,
        f"{count} intervals in a row {said}; {parameters.min_consecutive} are too many.",
        observed=str(count),
        limit=str(parameters.min_consecutive - 1),
        first_interval=first,
        last_interval=run.end - 1,
        count=count,
    )


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    if parameters.criterion == "CONDITION":
        low, high = parameters.condition_range
        said = Said(gettext_noop("have a condition from {low} to {high}"), low=low, high=high)
    elif parameters.criterion == "UNCHANGED":
        said = Said(gettext_noop("have the same value"))
    else:
        said = Said(_SAID[parameters.comparison], value=number_text(parameters.value))
    return fails(
        gettext_noop("{fails} when {count} or more intervals in a row {say}."),
        count=parameters.min_consecutive,
        say=said,
    )


RULE = Rule(
    name="consecutive_interval_check",
    code="",
    title="Consecutive Interval Check",
    summary=(
        "Reports runs of intervals that look alike: a sustained zero, a flat line, or a condition that goes on. Runs "
        "that began before the IMD are counted with what was measured there."
    ),
    kinds=INTERVAL_ONLY,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("too many intervals in a row look alike", "CONSECUTIVE-INTERVALS"),),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
