"""Baselines against the vectors of `integration.md` 9.3, and what holds for every method."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.engine.baselines import (
    Adjustment,
    Day,
    DayType,
    Method,
    Note,
    Selection,
    calculate,
    candidates,
)


# Ten qualifying working days, latest first: the base profile plus these offsets (`integration.md` 9.3).
OFFSETS = ("0", "0.1", "-0.1", "0.2", "-0.2", "0", "0.3", "-0.3", "0.4", "-0.4")
BEFORE, EVENT = ("2.0", "2.2", "2.4"), ("3.0", "3.2", "3.4")
EVENT_DATE = dt.date(2023, 6, 16)
HOUR = Decimal(1)


def kw(*loads: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, loads))


def ten_days() -> list[Day]:
    working_days = [EVENT_DATE - dt.timedelta(days=back) for back in range(1, 30)]
    dates = [date for date in working_days if date.weekday() < 5][:10]
    return [
        Day(
            date=date,
            event=tuple(Decimal(load) + Decimal(offset) for load in EVENT),
            before=tuple(Decimal(load) + Decimal(offset) for load in BEFORE),
        )
        for date, offset in zip(dates, OFFSETS, strict=True)
    ]


def event_day() -> Day:
    return Day(date=EVENT_DATE, event=kw("1.5", "1.4", "1.6"), before=kw("2.9", "3.0", "3.3"))


def found(method: Method, days: list[Day] | None = None):
    return calculate(method, weekend=False, days=days or ten_days(), event_day=event_day(), hours=HOUR)


TEN_OF_TEN = Method(
    days_considered=10,
    days_selected=10,
    adjustment=Adjustment.MULTIPLICATIVE,
    lowest=Decimal("0.8"),
    highest=Decimal("1.2"),
)


def test_ten_of_ten_with_a_capped_factor():
    result = found(TEN_OF_TEN)

    assert result.unadjusted == kw("3.0000", "3.2000", "3.4000")
    assert (result.raw_adjustment, result.applied_adjustment) == kw("1.3939", "1.2000")
    assert result.baseline == kw("3.6000", "3.8400", "4.0800")
    assert result.reduction_kwh == Decimal("7.0200")
    assert result.highest_drop_kw == Decimal("2.4800")
    assert result.notes == ()


def test_high_five_of_ten_with_a_capped_factor():
    result = found(
        Method(
            days_considered=10,
            days_selected=5,
            selection=Selection.HIGHEST,
            adjustment=Adjustment.MULTIPLICATIVE,
            lowest=Decimal("0.8"),
            highest=Decimal("1.2"),
        )
    )

    assert result.unadjusted == kw("3.2000", "3.4000", "3.6000")
    assert (result.raw_adjustment, result.applied_adjustment) == kw("1.2778", "1.2000")
    assert result.baseline == kw("3.8400", "4.0800", "4.3200")
    assert result.reduction_kwh == Decimal("7.7400")


def test_high_four_of_five_with_an_addition():
    result = found(
        Method(days_considered=5, days_selected=4, selection=Selection.HIGHEST, adjustment=Adjustment.ADDITIVE)
    )

    assert result.unadjusted == kw("3.0500", "3.2500", "3.4500")
    assert (result.raw_adjustment, result.applied_adjustment) == kw("0.8167", "0.8167")
    assert result.baseline == kw("3.8667", "4.0667", "4.2667")
    # The sum of the rounded column, as the spec has it; the exact one would be 7.7000.
    assert result.reduction_kwh == Decimal("7.7001")


def test_of_equally_high_days_the_later_one_is_taken_and_the_middle_leaves_out_both_ends():
    highest = found(Method(days_considered=10, days_selected=5, selection=Selection.HIGHEST))
    assert [day.isoformat() for day in highest.days] == [
        # Offsets 0, 0.1, 0.2, 0.3 and 0.4: of the two days with 0 the later one.
        "2023-06-15", "2023-06-14", "2023-06-12", "2023-06-07", "2023-06-05",
    ]  # fmt: skip
    middle = found(Method(days_considered=10, days_selected=8, selection=Selection.MIDDLE))
    assert {dt.date(2023, 6, 5), dt.date(2023, 6, 2)}.isdisjoint(middle.days)
    assert middle.unadjusted == kw("3.0000", "3.2000", "3.4000")


@pytest.mark.parametrize(
    ("days", "minimum", "notes"),
    [(3, 5, (Note.TOO_FEW_DAYS,)), (0, 0, (Note.TOO_FEW_DAYS,)), (3, 3, (Note.FEWER_DAYS_THAN_WANTED,))],
)
def test_without_enough_days_there_is_no_baseline(days, minimum, notes):
    method = Method(days_considered=10, days_selected=10, minimum_qualified=minimum)
    result = calculate(method, weekend=False, days=ten_days()[:days], event_day=event_day(), hours=HOUR)

    assert result.notes == notes
    assert (result.reduction_kwh is None) == (notes == (Note.TOO_FEW_DAYS,))


def test_a_gap_before_the_event_leaves_the_average_as_it_is():
    day = Day(date=EVENT_DATE, event=event_day().event, before=(Decimal(1), None, Decimal(1)))
    result = calculate(TEN_OF_TEN, weekend=False, days=ten_days(), event_day=day, hours=HOUR)

    assert result.baseline == result.unadjusted
    assert result.notes == (Note.NOTHING_MEASURED_BEFORE,)


def test_a_ratio_to_nothing_is_none():
    days = [Day(date=day.date, event=day.event, before=kw("0", "0", "0")) for day in ten_days()]
    assert found(TEN_OF_TEN, days).notes == (Note.NOTHING_USED_BEFORE,)


def test_candidates_are_like_days_without_events_and_holidays():
    method = Method(days_considered=10, days_selected=10, lookback_days=9)
    holiday, event = dt.date(2023, 6, 13), dt.date(2023, 6, 14)
    of = {"holidays": {holiday}, "event_days": {event}}

    assert [day.day for day in candidates(method, EVENT_DATE, **of)] == [15, 12, 9, 8, 7]
    saturday = dt.date(2023, 6, 17)
    assert [day.day for day in candidates(method, saturday, **of)] == [13, 11, 10]
    same = Method(days_considered=1, days_selected=1, lookback_days=15, day_type=DayType.SAME_WEEKDAY)
    assert [day.day for day in candidates(same, EVENT_DATE, **of)] == [9, 2]
    every = Method(days_considered=1, days_selected=1, lookback_days=4, day_type=DayType.ANY, exclude_event_days=False)
    assert [day.day for day in candidates(every, EVENT_DATE, **of)] == [15, 14, 12]


def test_a_weekend_may_ask_for_other_numbers_of_days():
    method = Method(days_considered=10, days_selected=10, weekend_days_considered=4)

    assert method.wanted(weekend=True) == (4, 4)
    assert method.wanted(weekend=False) == (10, 10)


loads = st.decimals(min_value=0, max_value=50, places=3)


@st.composite
def histories(draw):
    length, window = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    row = st.tuples(st.tuples(*[loads] * length), st.tuples(*[loads] * window))
    days = [
        Day(date=EVENT_DATE - dt.timedelta(days=number + 1), event=event, before=before)
        for number, (event, before) in enumerate(draw(st.lists(row, min_size=1, max_size=12)))
    ]
    event, before = draw(row)
    return days, Day(date=EVENT_DATE, event=event, before=before)


@st.composite
def methods(draw):
    considered = draw(st.integers(1, 10))
    return Method(
        days_considered=considered,
        days_selected=draw(st.integers(1, considered)),
        selection=draw(st.sampled_from(Selection)),
        adjustment=draw(st.sampled_from(Adjustment)),
        lowest=draw(st.sampled_from([None, Decimal("0.8")])),
        highest=draw(st.sampled_from([None, Decimal("1.2")])),
    )


@given(histories(), methods())
def test_the_columns_add_up_and_the_adjustment_keeps_to_its_limits(history, method):
    days, event = history
    result = calculate(method, weekend=False, days=days, event_day=event, hours=Decimal("0.25"))

    drops = [expected - load for expected, load in zip(result.baseline, event.event, strict=True)]
    assert result.reduction_kwh == (sum(drops) * Decimal("0.25")).quantize(Decimal("0.0001"))
    assert result.highest_drop_kw == max(drops)
    assert len(result.days) == min(method.days_selected, len(days))
    if result.applied_adjustment is not None:
        assert method.lowest is None or result.applied_adjustment >= method.lowest
        assert method.highest is None or result.applied_adjustment <= method.highest
    lows = [min(column) for column in zip(*[day.event for day in days], strict=True)]
    assert all(low <= load + Decimal("0.0001") for low, load in zip(lows, result.unadjusted, strict=True))


@given(histories(), st.sampled_from(Selection))
def test_a_customer_who_does_nothing_has_no_reduction(history, selection):
    days, _ = history
    usual = days[0]
    same = [Day(date=day.date, event=usual.event, before=usual.before) for day in days]
    method = Method(days_considered=12, days_selected=12, selection=selection, adjustment=Adjustment.MULTIPLICATIVE)
    result = calculate(
        method,
        weekend=False,
        days=same,
        event_day=Day(date=EVENT_DATE, event=usual.event, before=usual.before),
        hours=HOUR,
    )

    assert result.reduction_kwh == 0
    assert result.highest_drop_kw == 0
