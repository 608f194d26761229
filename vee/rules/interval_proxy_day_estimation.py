"""
Interval Proxy Day Estimation (`vee.md` 5.2): missing intervals become the average of days of similar temperature.

The temperature is the measuring component that a factor names for the IMD. Of the local days before, those whose
average temperature is nearest to the day's own are its proxy days; of equally near ones the later comes first. The
average of a day counts when enough of its temperature was measured; it is rounded half-even to the scale of the
temperature component. What is averaged, and what happens where too little is there, is as in
`interval_averaging_estimation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Condition
from vee.engine.batch import Batch
from vee.engine.calendar import SECONDS_PER_DAY
from vee.engine.context import NO_COMPONENT, Context, Windows
from vee.engine.day_history import Candidates, DayHistory, local_days
from vee.engine.findings import Changes, Result
from vee.engine.fixed_point import divide_half_even
from vee.engine.gaps import MISSING_RANGE, OUTAGE_RANGE, missing_mask
from vee.engine.like_days import day_class, nearest
from vee.engine.parameters import ConditionCode, ConditionRange, RuleParameters, described, require_ordered
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, FailurePoint, Rule
from vee.engine.sentences import Said, gettext_noop
from vee.rules.interval_averaging_estimation import ACTUAL_RANGE, too_little_history


_DAYS = (kept("proxy day has"), kept("proxy days have"))


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    temperature_factor: Annotated[
        str, described("The factor that names the temperature's measuring component.", min_length=1, max_length=40)
    ] = "TEMPERATURE"
    days_to_average: Annotated[int, described("Over how many proxy days is averaged at most.", ge=1, le=60)] = 3
    max_days_back: Annotated[int, described("How many days before its own a proxy day may lie.", ge=1, le=400)] = 45
    min_comparison_days: Annotated[
        int, described("With fewer proxy days than this an interval stays missing.", ge=1, le=60)
    ] = 1
    same_day_class: Annotated[
        bool, described("Only working days for working days, Saturdays for Saturdays, Sundays and holidays for those.")
    ] = True
    min_pct_temperature: Annotated[
        int, described("The share of a day's temperatures that has to be measured, in percent.", ge=1, le=100)
    ] = 75
    eligible_condition_range: Annotated[
        ConditionRange, described("Measurements with a condition in this range are averaged, no others.")
    ] = ACTUAL_RANGE
    exclude_user_edited: Annotated[bool, described("Leave out measurements that a person has set.")] = False
    missing_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are missing, as are those without a value.")
    ] = MISSING_RANGE
    outage_condition_range: Annotated[
        ConditionRange, described("Intervals with a condition in this range are never missing.")
    ] = OUTAGE_RANGE
    estimate_condition: Annotated[ConditionCode, described("The condition that estimated intervals get.")] = int(
        Condition.ESTIMATED_AVERAGED
    )

    def __post_init__(self) -> None:
        if self.min_comparison_days > self.days_to_average:
            raise ValueError("min_comparison_days lies above days_to_average")
        require_ordered(self.eligible_condition_range, "eligible_condition_range")
        require_ordered(self.missing_condition_range, "missing_condition_range")
        require_ordered(self.outage_condition_range, "outage_condition_range")


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Estimate the missing intervals of the IMDs for which a temperature is named."""
    missing = missing_mask(batch, parameters.missing_condition_range, parameters.outage_condition_range)
    result = Result()
    rows = np.flatnonzero(missing.any(axis=1))
    if not len(rows):
        return result
    if batch.seconds_per_interval is None or SECONDS_PER_DAY % batch.seconds_per_interval:
        result.leave_out(rows, "the interval size is not known or does not divide a day")
        return result
    part = batch.take(rows)
    components = context.factor_components(part, parameters.temperature_factor)
    named = components != NO_COMPONENT
    result.leave_out(rows[~named], f"the factor {parameters.temperature_factor} names no temperature")
    rows, components = rows[named], components[named]
    if not len(rows):
        return result
    part = batch.take(rows)
    temperatures = _Temperatures(part, components, parameters, context)
    history = DayHistory(
        batch, rows, context, back=parameters.max_days_back, forward=0,
        condition_range=parameters.eligible_condition_range, exclude_edited=parameters.exclude_user_edited,
    )  # fmt: skip
    holidays = context.holidays(part) if parameters.same_day_class else [frozenset[int]()] * part.size
    position_of = {row: position for position, row in enumerate(rows.tolist())}

    def candidates_of(row: int) -> tuple[tuple[int, frozenset[int]], Candidates]:
        position = position_of[row]
        off = holidays[position]

        def proxy_days(day: int) -> list[int]:
            days = nearest(day, back=parameters.max_days_back, forward=0)
            if parameters.same_day_class:
                days = [other for other in days if day_class(other, off) == day_class(day, off)]
            return _by_temperature(day, days, temperatures.of(position))

        return (int(components[position]), off), proxy_days

    estimates = history.average(
        missing, candidates_of,
        days_to_average=parameters.days_to_average, minimum_days=parameters.min_comparison_days,
    )  # fmt: skip
    conditions = np.full(len(estimates.rows), parameters.estimate_condition, dtype=np.int32)
    return Result(
        findings=too_little_history(estimates.left, parameters.min_comparison_days, _DAYS),
        changes=Changes(estimates.rows, estimates.intervals, estimates.values, conditions),
        not_evaluated=result.not_evaluated,
    )


def _by_temperature(day: int, days: list[int], average: Callable[[int], int | None]) -> list[int]:
    """Order days by how near their temperature is to the day's; a day without one is no proxy and has none."""
    own = average(day)
    if own is None:
        return []
    known = [
        (abs(found - own), place, other) for place, other in enumerate(days) if (found := average(other)) is not None
    ]
    return [other for _, _, other in sorted(known)]


class _Temperatures:
    """The average temperature of local days, for each IMD of a batch; read once per interval size and scale."""

    def __init__(self, part: Batch, components: NDArray[np.int64], parameters: Parameters, context: Context) -> None:
        self._least = parameters.min_pct_temperature
        self._places = [
            (component, int(start), facts.time_zone)
            for component, start, facts in zip(components.tolist(), part.starts.tolist(), part.facts, strict=True)
        ]
        self._averages: dict[tuple[int, int, str], dict[int, int]] = {}
        known = context.components(components)
        groups: dict[tuple[int, int], list[tuple[int, int, str]]] = {}
        for place in dict.fromkeys(self._places):
            about = known.get(place[0])
            if about is not None and about.seconds_per_interval and not SECONDS_PER_DAY % about.seconds_per_interval:
                groups.setdefault((about.seconds_per_interval, about.scale), []).append(place)
        span = part.length * (part.seconds_per_interval or 0)
        before = (parameters.max_days_back + 2) * SECONDS_PER_DAY
        for (size, scale), places in groups.items():
            named = np.array([component for component, _, _ in places], dtype=np.int64)
            starts = np.array([start - before for _, start, _ in places], dtype=np.int64)
            starts -= starts % size
            length = (before + span + 2 * SECONDS_PER_DAY) // size
            found = context.measured(Windows(named, starts, length, size, scale))
            for number, place in enumerate(places):
                days = local_days(place[2], int(starts[number]), size, length).days
                there = found.present[number] & found.valid[number]
                self._averages[place] = self._of_days(days, found.values[number], there)

    def of(self, position: int) -> Callable[[int], int | None]:
        """Give what tells the average temperature of a day for an IMD."""
        return self._averages.get(self._places[position], {}).get

    def _of_days(self, days: NDArray[np.int64], values: NDArray[np.int64], there: NDArray[np.bool_]) -> dict[int, int]:
        names, firsts, counts = np.unique(days, return_index=True, return_counts=True)
        measured = np.add.reduceat(there.astype(np.int64), firsts)
        totals = np.add.reduceat(np.where(there, values, 0).astype(object), firsts)
        return {
            day: int(divide_half_even(int(total), number))
            for day, total, number, count in zip(
                names.tolist(), totals.tolist(), measured.tolist(), counts.tolist(), strict=True
            )
            if number * 100 >= self._least * count
        }


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    many = parameters.days_to_average
    if many == 1:
        days = Said(gettext_noop("the day of the same class") if parameters.same_day_class else gettext_noop("the day"))
    else:
        template = (
            gettext_noop("the {count} days of the same class")
            if parameters.same_day_class
            else gettext_noop("the {count} days")
        )
        days = Said(template, count=many)
    return Said(
        gettext_noop(
            "Fills missing intervals with the average of the same time on {days}, of the {back} before, whose "
            "temperature is nearest (factor {factor})."
        ),
        days=days,
        back=parameters.max_days_back,
        factor=parameters.temperature_factor,
    )


RULE = Rule(
    name="interval_proxy_day_estimation",
    code="D2-INTPROXY",
    title="Interval Proxy Day Estimation",
    summary=(
        "Fills missing intervals with the average of the same local time on earlier days of similar temperature. An "
        "interval without enough proxy days stays missing and is reported."
    ),
    kinds=INTERVAL_ONLY,
    roles=ALL_ROLES,
    parameters=Parameters,
    failure_points=(FailurePoint("there are too few proxy days", "INSUFFICIENT-HISTORY"),),
    sentence=sentence,
    evaluate=evaluate,
)
