"""
High/Low Check (`vee.md` 4.10): the consumption against what the component's history lets expect.

`expected = usage per day in the history * days of the IMD`; `high <=> C > expected * high tolerance`, `low <=> C <
expected * low tolerance`, both strictly. The history is the same time a year (365 days) ago, widened on both sides, or
the time of the IMD's length just before it, widened to the past; the other one is taken when the first is unusable:
too little of it, or too much of it edited, estimated or not normal. Where negative consumption is allowed, amounts are
compared; a negative history is unusable elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Band, ComponentKind, Role, Severity
from vee.engine import consumption, daily_usage
from vee.engine.batch import Batch, ImdFacts, in_range
from vee.engine.calendar import SECONDS_PER_DAY
from vee.engine.context import NEVER, Context
from vee.engine.daily_usage import IntervalUsages, Usage
from vee.engine.findings import MAIN, Finding, Result
from vee.engine.fixed_point import number_text
from vee.engine.parameters import ExceptionTypeCode, PointSeverity, RuleParameters, described, quantity
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import LIST_OF_OR, Said, fails, gettext_noop, listed


DEFAULT_HIGH = Decimal(600)
DEFAULT_LOW = Decimal(15)
UNUSABLE = kept("there is not enough usable history")
_YEAR = 365 * SECONDS_PER_DAY
_SHOWN_PLACES = 6
# How near to a limit floating point is not trusted, as a share of it.
_SCREEN = 1e-9
_NAMES = {"LAST_YEAR": kept(gettext_noop("the year before")), "LAST_READING": kept(gettext_noop("the time before"))}


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set. A limit is a percentage or a factor, not both; without one it is 600 % and 15 %."""

    high_low_check: Annotated[
        Literal["HIGH", "LOW", "BOTH"], described("What is looked for: too high, too low, or both.")
    ] = "BOTH"
    limits_from_master_config: Annotated[
        bool,
        described(
            "Take the limits from the characteristics high_tolerance_pct and low_tolerance_pct of the component, its "
            "device or its service point, where they are noted."
        ),
    ] = False
    high_tolerance_pct: Annotated[
        Decimal | None, quantity("The upper limit in percent of what is expected.", unit="%", minimum=0)
    ] = None
    high_tolerance_factor: Annotated[
        Decimal | None, quantity("The upper limit as a multiple of what is expected.", unit="ratio", minimum=0)
    ] = None
    low_tolerance_pct: Annotated[
        Decimal | None, quantity("The lower limit in percent of what is expected.", unit="%", minimum=0)
    ] = None
    low_tolerance_factor: Annotated[
        Decimal | None, quantity("The lower limit as a multiple of what is expected.", unit="ratio", minimum=0)
    ] = None
    low_exception_type: Annotated[
        ExceptionTypeCode, described("The exception type of a consumption that is too low; empty: the rule's.")
    ] = ""
    required_historical_data_basis: Annotated[
        Literal["IMD_START_END", "HISTORICAL_PERIOD"],
        described("What the history is measured by: the length of the IMD, or of the widened historical period."),
    ] = "IMD_START_END"
    required_historical_data_pct: Annotated[
        Decimal, quantity("How much history there has to be.", unit="%", minimum=0)
    ] = Decimal(10)
    historical_pre_window: Annotated[
        int, described("By how many days the historical period begins earlier.", ge=0, le=60)
    ] = 7
    historical_post_window: Annotated[
        int, described("By how many days the historical period of last year ends later.", ge=0, le=60)
    ] = 7
    allowed_user_edited_pct: Annotated[
        Decimal, quantity("How much of the history may be edited by people.", unit="%", minimum=0)
    ] = Decimal(100)
    allowed_system_estimated_pct: Annotated[
        Decimal, quantity("How much of the history may be estimated by rules.", unit="%", minimum=0)
    ] = Decimal(100)
    allowed_non_normal_pct: Annotated[
        Decimal, quantity("How much of the history may have a condition below Regular.", unit="%", minimum=0)
    ] = Decimal(100)
    historical_look_first: Annotated[
        Literal["LAST_YEAR", "LAST_READING"], described("Which history is tried first; the other one comes second.")
    ] = "LAST_YEAR"
    comparison_method: Annotated[
        Literal["AVERAGE", "MAX"],
        described("The usage per day that is expected: the average, or that of the highest measurement."),
    ] = "AVERAGE"
    outage_handling: Annotated[
        Literal["COMPARE", "HIGH_ONLY", "SKIP"],
        described("IMDs with an outage: compare them, look for high ones only, or do not judge them."),
    ] = "COMPARE"
    insufficient_history_severity: Annotated[
        PointSeverity, described("Report IMDs without enough usable history; empty: do not.")
    ] = Severity.INFO
    insufficient_history_exception_type: Annotated[ExceptionTypeCode, described("The exception type for that.")] = ""

    def __post_init__(self) -> None:
        for name in ("high", "low"):
            if None not in (getattr(self, f"{name}_tolerance_pct"), getattr(self, f"{name}_tolerance_factor")):
                raise ValueError(f"{name}_tolerance_pct and {name}_tolerance_factor exclude each other")


class _Chosen(NamedTuple):
    """The history that is usable for an IMD: that of a place among those of a window."""

    usages: Sequence[Usage]
    place: int
    which: str

    @property
    def usage(self) -> Usage:
        """What was measured, exactly."""
        return self.usages[self.place]


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each IMD's consumption with its history."""
    size = batch.seconds_per_interval
    if batch.kind != ComponentKind.SCALAR and (size is None or SECONDS_PER_DAY % size):
        return Result.nothing_to_judge(batch, "the interval size does not divide 24 hours")
    result = Result()
    totals = consumption.totals(batch)
    result.leave_out(np.flatnonzero(~totals.complete), "values are missing")
    rows = np.flatnonzero(totals.complete)
    rows, outage = _without_skipped(batch, rows, parameters, context, result)
    if not len(rows):
        return result
    part = batch if len(rows) == batch.size else batch.take(rows)
    starts, ends = consumption.periods(part, context)
    result.leave_out(rows[starts == NEVER], "the register has no read before")
    chosen, reasons = _choose(part, starts, ends, parameters, context)
    result.leave_out(rows[sorted(reasons)], UNUSABLE)
    clear = _clearly_within(totals.counts[rows], ends - starts, chosen, parameters)
    for at, row in enumerate(rows.tolist()):
        if at in reasons:
            message = f"There is not enough usable history: {reasons[at]}."
            result.findings.append(Finding(row, message, point="insufficient_history"))
        elif at in chosen and not clear[at]:
            amount = Fraction(totals.of(row), 10**batch.scale)
            seconds = int(ends[at] - starts[at])
            facts = batch.facts[row]
            finding = _judge(row, amount, seconds, chosen[at], facts, parameters, high_only=bool(outage[at]))
            result.findings.extend(finding)
    return result


def _without_skipped(
    batch: Batch, rows: NDArray[np.intp], parameters: Parameters, context: Context, result: Result
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give the rows to judge, and which of them had an outage (as far as that matters)."""
    if parameters.outage_handling == "COMPARE" or not len(rows):
        return rows, np.zeros(len(rows), dtype=np.bool_)
    part = batch.take(rows)
    outage = np.asarray(in_range(part.conditions, Band.OUTAGE.value).any(axis=1))
    outage |= np.array([bool(periods) for periods in context.outages(part)], dtype=np.bool_)
    if parameters.outage_handling == "HIGH_ONLY":
        return rows, outage
    result.leave_out(rows[outage], "there was an outage")
    return rows[~outage], outage[~outage]


def _choose(
    batch: Batch, starts: NDArray[np.int64], ends: NDArray[np.int64], parameters: Parameters, context: Context
) -> tuple[dict[int, _Chosen], dict[int, str]]:
    """Give the first usable history of each row, and why there is none where there is none."""
    first = parameters.historical_look_first
    second = "LAST_READING" if first == "LAST_YEAR" else "LAST_YEAR"
    chosen: dict[int, _Chosen] = {}
    reasons: dict[int, str] = {}
    open_rows = np.flatnonzero(starts != NEVER)
    for which in (first, second):
        if not len(open_rows):
            break
        since, until = _window(which, starts[open_rows], ends[open_rows], parameters)
        part = batch if len(open_rows) == batch.size else batch.take(open_rows)
        usages = daily_usage.history(part, context, since, until, with_peaks=parameters.comparison_method == "MAX")
        by_imd = parameters.required_historical_data_basis == "IMD_START_END"
        bases = (ends[open_rows] - starts[open_rows] if by_imd else until - since).tolist()
        may_be_negative = np.zeros(batch.size, dtype=np.bool_)
        for facts, rows in batch.alike():
            may_be_negative[rows] = facts.allow_negative
        # Most histories are of one quality, which is judged once.
        judged: dict[tuple[Any, ...], str | None] = {}
        for at, (row, basis, quality, negative) in enumerate(
            zip(
                open_rows.tolist(), bases, daily_usage.qualities(usages), may_be_negative[open_rows].tolist(),
                strict=True,
            )
        ):  # fmt: skip
            key = (*quality, basis, negative)
            if key not in judged:
                judged[key] = _unusable(*key, parameters, name=_NAMES[which])
            reason = judged[key]
            if reason is None:
                chosen[row] = _Chosen(usages, at, which)
                reasons.pop(row, None)
            else:
                reasons[row] = kept(f"{reasons[row]}; {reason}") if row in reasons else reason
        open_rows = np.array(sorted(reasons), dtype=np.intp)
    return chosen, reasons


def _window(
    which: str, starts: NDArray[np.int64], ends: NDArray[np.int64], parameters: Parameters
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    earlier = parameters.historical_pre_window * SECONDS_PER_DAY
    if which == "LAST_READING":
        return starts - (ends - starts) - earlier, starts
    later = parameters.historical_post_window * SECONDS_PER_DAY
    return starts - _YEAR - earlier, ends - _YEAR + later


def _unusable(
    covered: int, edited: int, estimated: int, abnormal: int, negative: bool, basis: int, allow_negative: bool,
    parameters: Parameters, *, name: str,
) -> str | None:  # fmt: skip
    """Say why a history cannot be used; times in seconds."""
    required = Fraction(parameters.required_historical_data_pct)
    if not covered or covered * 100 < required * basis:
        share = consumption.percent_text(covered, basis)
        return kept(f"{name} covers {share} % of {number_text(parameters.required_historical_data_pct)} %")
    for seconds, allowed, words in (
        (edited, parameters.allowed_user_edited_pct, kept("edited")),
        (estimated, parameters.allowed_system_estimated_pct, kept("estimated")),
        (abnormal, parameters.allowed_non_normal_pct, kept("not normal")),
    ):
        if seconds * 100 > Fraction(allowed) * covered:
            share = consumption.percent_text(seconds, covered)
            return kept(f"{name} is {words} to {share} % of at most {number_text(allowed)} %")
    return kept(f"{name} is negative") if negative and not allow_negative else None


def _clearly_within(
    amounts: NDArray[Any], seconds: NDArray[np.int64], chosen: Mapping[int, _Chosen], parameters: Parameters
) -> NDArray[np.bool_]:
    """
    Tell which consumptions lie so far within both limits that floating point is exact enough to see it.

    The others are judged exactly, and so are all where a limit or what is expected has to be looked up one by one.
    """
    clear = np.zeros(len(amounts), dtype=np.bool_)
    of_usages: dict[int, list[int]] = defaultdict(list)
    for row, one in chosen.items():
        of_usages[id(one.usages)].append(row)
    if parameters.limits_from_master_config or parameters.comparison_method == "MAX":
        return clear
    nobody = ImdFacts(0, 0, None, "", None, Decimal(1), None, None)
    high, low = (float(_factor(name, nobody, parameters)) for name in ("high", "low"))
    for members in of_usages.values():
        usages = chosen[members[0]].usages
        if not isinstance(usages, IntervalUsages):
            continue
        places = [chosen[row].place for row in members]
        rows = np.array(members, dtype=np.intp)
        covered = usages.intervals[0, places] * float(usages.seconds_per_interval)
        amount = np.abs(amounts[rows].astype(np.float64)) * covered
        expected = np.abs(usages.counts[places].astype(np.float64)) * seconds[rows]
        # Amounts of one sign; where signs may differ, what is compared are amounts, and the exact way decides.
        alike = (amounts[rows] >= 0) & (usages.counts[places] >= 0)
        within = (amount < expected * high * (1 - _SCREEN)) & (amount > expected * low * (1 + _SCREEN))
        clear[rows] = np.asarray(within & alike, dtype=np.bool_)
    return clear


def _judge(
    row: int,
    amount: Fraction,
    seconds: int,
    chosen: _Chosen,
    facts: ImdFacts,
    parameters: Parameters,
    *,
    high_only: bool,
) -> list[Finding]:
    per_day = chosen.usage.per_day if parameters.comparison_method == "AVERAGE" else chosen.usage.highest_per_day
    if facts.allow_negative:
        amount, per_day = abs(amount), abs(per_day)
    expected = per_day * seconds / SECONDS_PER_DAY
    wanted = parameters.high_low_check
    for limit_name, compare, point in (("high", kept("above"), MAIN), ("low", kept("below"), "low")):
        if wanted not in ("BOTH", limit_name.upper()) or (limit_name == "low" and high_only):
            continue
        factor = _factor(limit_name, facts, parameters)
        limit = expected * factor
        if (amount > limit) if limit_name == "high" else (amount < limit):
            observed, shown = _text(amount), _text(limit)
            percent = consumption.quantity_text(factor * 10**_SHOWN_PLACES * 100, _SHOWN_PLACES)
            days = consumption.quantity_text(Fraction(chosen.usage.covered * 100, SECONDS_PER_DAY), 2)
            basis = kept("on average" if parameters.comparison_method == "AVERAGE" else "at most")
            message = (
                f"The consumption {observed} lies {compare} {shown}: {percent} % of the {_text(expected)} expected "
                f"from {_text(per_day)} a day {basis} in {days} days of {_NAMES[chosen.which]}."
            )
            return [Finding(row, message, observed=observed, limit=shown, point=point)]
    return []


def _factor(name: str, facts: ImdFacts, parameters: Parameters) -> Fraction:
    """Give the limit as a multiple of what is expected."""
    if parameters.limits_from_master_config:
        try:
            noted = Decimal(str(facts.characteristics[f"{name}_tolerance_pct"]))
        except (KeyError, InvalidOperation):
            noted = Decimal("NaN")
        if noted.is_finite() and noted >= 0:
            return Fraction(noted) / 100
    factor: Decimal | None = getattr(parameters, f"{name}_tolerance_factor")
    if factor is not None:
        return Fraction(factor)
    percent: Decimal | None = getattr(parameters, f"{name}_tolerance_pct")
    default = DEFAULT_HIGH if name == "high" else DEFAULT_LOW
    return Fraction(default if percent is None else percent) / 100


def _text(amount: Fraction) -> str:
    return consumption.quantity_text(amount * 10**_SHOWN_PLACES, _SHOWN_PLACES)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    nobody = ImdFacts(0, 0, None, "", None, Decimal(1), None, None)
    limits = []
    for name, words in (("high", gettext_noop("above {percent} %")), ("low", gettext_noop("below {percent} %"))):
        if parameters.high_low_check in ("BOTH", name.upper()):
            percent = consumption.quantity_text(
                _factor(name, nobody, parameters) * 10**_SHOWN_PLACES * 100, _SHOWN_PLACES
            )
            limits.append(Said(words, percent=percent))
    return fails(
        gettext_noop("{fails} when the consumption lies {limits} of what {basis} lets expect."),
        limits=listed(limits, LIST_OF_OR),
        basis=Said(_NAMES[parameters.historical_look_first]),
    )


RULE = Rule(
    name="high_low_check",
    code="D2-HILO-CHK",
    title="High/Low Check",
    summary=(
        "Compares the consumption with the component's usage per day in the year or the time before. The history is "
        "used when there is enough of it and not too much of it is edited or estimated."
    ),
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(
        FailurePoint("the consumption is too high", "HIGH-CONSUMPTION"),
        FailurePoint("the consumption is too low", "LOW-CONSUMPTION", name="low"),
        FailurePoint("there is not enough usable history", "INSUFFICIENT-HISTORY", name="insufficient_history"),
    ),
    in_order=True,
    sentence=sentence,
    evaluate=evaluate,
)
