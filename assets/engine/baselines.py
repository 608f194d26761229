"""
What a customer would have used without an event: baselines of the kind "X of Y days", and the load reduction.

One model with parameters stands for the methods of several markets (`integration.md` 9.3): of the Y latest qualified
days like the event's, X are averaged interval by interval, and the average is moved to the level of the event's own day
by what was measured before the event. Loads are mean kW per interval, exact decimals; a baseline is rounded half to
even to four decimals of a kW, and the reduction is computed from the rounded baseline, so that the columns add up.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal


PLACES = Decimal("0.0001")
_CONTEXT = decimal.Context(prec=40, rounding=decimal.ROUND_HALF_EVEN)
_SATURDAY = 5

Loads = tuple[Decimal | None, ...]
"""Mean kW of consecutive intervals; None where nothing was measured."""


class Selection(enum.StrEnum):
    """Which X of the Y days are averaged, by their mean load during the event's hours."""

    HIGHEST = "HIGHEST"
    MIDDLE = "MIDDLE"
    MOST_RECENT = "MOST_RECENT"


class DayType(enum.StrEnum):
    """Which days are like the event's."""

    SAME_KIND = "SAME_KIND"
    """Working days for a working day; weekend days and holidays for one of those."""
    SAME_WEEKDAY = "SAME_WEEKDAY"
    ANY = "ANY"


class Adjustment(enum.StrEnum):
    """How the average is moved to the level of the event's day."""

    NONE = "NONE"
    MULTIPLICATIVE = "MULTIPLICATIVE"
    ADDITIVE = "ADDITIVE"


class Note(enum.StrEnum):
    """What a person should know of a baseline."""

    TOO_FEW_DAYS = "TOO_FEW_DAYS"
    """Fewer qualified days than the method needs: there is no baseline."""
    FEWER_DAYS_THAN_WANTED = "FEWER_DAYS_THAN_WANTED"
    NOTHING_MEASURED_BEFORE = "NOTHING_MEASURED_BEFORE"
    """The adjustment window of the event's day has gaps: the average was left as it is."""
    NOTHING_USED_BEFORE = "NOTHING_USED_BEFORE"
    """The days' average in the adjustment window is zero: a ratio to it means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """
    A baseline method, as a site configures it.

    :param days_considered: Y; `weekend_days_considered` (when above 0) for weekend days and holidays.
    :param days_selected: X of them; `weekend_days_selected` likewise.
    :param lookback_days: how many days back days are looked for.
    :param window_hours: length of the adjustment window, which ends `gap_hours` before the event.
    :param lowest: limit of the adjustment (a factor, or kW when additive); None: no limit. `highest` likewise.
    """

    days_considered: int
    days_selected: int
    selection: Selection = Selection.MOST_RECENT
    day_type: DayType = DayType.SAME_KIND
    lookback_days: int = 45
    exclude_event_days: bool = True
    exclude_holidays: bool = True
    minimum_qualified: int = 1
    weekend_days_considered: int = 0
    weekend_days_selected: int = 0
    adjustment: Adjustment = Adjustment.NONE
    window_hours: Decimal = Decimal(3)
    gap_hours: Decimal = Decimal(1)
    lowest: Decimal | None = None
    highest: Decimal | None = None

    def wanted(self, *, weekend: bool) -> tuple[int, int]:
        """Give Y and X for an event on such a day."""
        if weekend and self.weekend_days_considered:
            return self.weekend_days_considered, self.weekend_days_selected or self.weekend_days_considered
        return self.days_considered, self.days_selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's loads in the hours of the event, and in those of the adjustment window."""

    date: dt.date
    event: Loads
    before: Loads = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is missing of it."""
        return None not in self.event and None not in self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """
    A baseline beside what was measured. All kW to four decimals; `reduction_kwh` in kWh.

    Without a baseline (`Note.TOO_FEW_DAYS`) the sequences and figures are empty or None.
    """

    days: tuple[dt.date, ...] = ()
    unadjusted: tuple[Decimal, ...] = ()
    raw_adjustment: Decimal | None = None
    applied_adjustment: Decimal | None = None
    baseline: tuple[Decimal, ...] = ()
    reduction_kwh: Decimal | None = None
    highest_drop_kw: Decimal | None = None
    notes: tuple[Note, ...] = ()


def is_weekend(date: dt.date, holidays: Collection[dt.date]) -> bool:
    """Whether a day counts as one of rest: Saturday, Sunday, holiday."""
    return date.weekday() >= _SATURDAY or date in holidays


def candidates(
    method: Method, date: dt.date, *, holidays: Collection[dt.date], event_days: Collection[dt.date]
) -> Iterator[dt.date]:
    """
    Give the days that may be compared with an event's day, latest first, the day itself never.

    :param holidays: that are such at the place; excluded for a working day's event when the method says so.
    :param event_days: on which the device was in an event.
    """
    of_rest = is_weekend(date, holidays)
    for back in range(1, method.lookback_days + 1):
        day = date - dt.timedelta(days=back)
        if method.exclude_event_days and day in event_days:
            continue
        if method.exclude_holidays and day in holidays and not of_rest:
            continue
        if method.day_type is DayType.SAME_KIND and is_weekend(day, holidays) != of_rest:
            continue
        if method.day_type is DayType.SAME_WEEKDAY and day.weekday() != date.weekday():
            continue
        yield day


def calculate(method: Method, *, weekend: bool, days: Sequence[Day], event_day: Day, hours: Decimal) -> Baseline:
    """
    Give the baseline of an event's day from its qualified days.

    :param days: whole days, latest first, at most Y of them; more are left aside.
    :param event_day: what was measured on the day itself; its event hours must be whole.
    :param hours: length of an interval.
    """
    considered, selected = method.wanted(weekend=weekend)
    qualified = list(days[:considered])
    if len(qualified) < max(method.minimum_qualified, 1):
        return Baseline(notes=(Note.TOO_FEW_DAYS,))
    notes: list[Note] = []
    if len(qualified) < considered:
        notes.append(Note.FEWER_DAYS_THAN_WANTED)
    with decimal.localcontext(_CONTEXT):
        used = _select(method.selection, qualified, selected)
        average = _average([day.event for day in used])
        raw, applied = _adjustment(method, used, event_day, notes)
        adjusted = tuple(_applied(method.adjustment, load, applied).quantize(PLACES) for load in average)
        drops = [expected - _known(load) for expected, load in zip(adjusted, event_day.event, strict=True)]
        return Baseline(
            days=tuple(day.date for day in used),
            unadjusted=tuple(load.quantize(PLACES) for load in average),
            raw_adjustment=None if raw is None else raw.quantize(PLACES),
            applied_adjustment=None if applied is None else applied.quantize(PLACES),
            baseline=adjusted,
            reduction_kwh=(sum(drops, Decimal(0)) * hours).quantize(PLACES),
            highest_drop_kw=max(drops).quantize(PLACES),
            notes=tuple(notes),
        )


def _select(selection: Selection, days: list[Day], wanted: int) -> list[Day]:
    """Give the days that are averaged, latest first; of equally high days the later one counts as higher."""
    if selection is Selection.MOST_RECENT or wanted >= len(days):
        return days[:wanted]
    by_load = sorted(days, key=lambda day: sum(map(_known, day.event), Decimal(0)), reverse=True)
    if selection is Selection.MIDDLE:
        # What is over after dropping as many above as below is dropped above.
        above = (len(days) - wanted + 1) // 2
        by_load = by_load[above:]
    chosen = {day.date for day in by_load[:wanted]}
    return [day for day in days if day.date in chosen]


def _average(rows: Sequence[Loads]) -> list[Decimal]:
    return [sum(map(_known, column), Decimal(0)) / len(column) for column in zip(*rows, strict=True)]


def _adjustment(
    method: Method, used: Sequence[Day], event_day: Day, notes: list[Note]
) -> tuple[Decimal | None, Decimal | None]:
    if method.adjustment is Adjustment.NONE:
        return None, None
    if not event_day.before or None in event_day.before:
        notes.append(Note.NOTHING_MEASURED_BEFORE)
        return None, None
    expected = sum(_average([day.before for day in used]), Decimal(0))
    measured = sum(map(_known, event_day.before), Decimal(0))
    if method.adjustment is Adjustment.ADDITIVE:
        raw = (measured - expected) / len(event_day.before)
    elif not expected:
        notes.append(Note.NOTHING_USED_BEFORE)
        return None, None
    else:
        raw = measured / expected
    applied = raw
    if method.lowest is not None:
        applied = max(applied, method.lowest)
    if method.highest is not None:
        applied = min(applied, method.highest)
    return raw, applied


def _applied(adjustment: Adjustment, load: Decimal, by: Decimal | None) -> Decimal:
    if by is None:
        return load
    return load + by if adjustment is Adjustment.ADDITIVE else load * by


def _known(load: Decimal | None) -> Decimal:
    if load is None:
        raise ValueError("a day with gaps is no qualified day")
    return load
