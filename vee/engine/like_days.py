"""
Which days a day is compared with, when what is missing on it is estimated from other days (`vee.md` 4.6, 9.4).

Days are proleptic ordinals of local dates. A holiday counts as a Sunday, as market rules have it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence


DAYS_PER_WEEK = 7
_SATURDAY, _SUNDAY = 5, 6
_WORKING_DAY = 0


class Search(enum.StrEnum):
    """A way to find comparison days; nearer days come first, and of two equally near ones the earlier."""

    HOLIDAY = "HOLIDAY"
    """For a holiday: other holidays. For any other day: none."""
    SAME_WEEKDAY = "SAME_WEEKDAY"
    """Days with the same day of the week."""
    LIKE_DAY = "LIKE_DAY"
    """The nearest earlier days of the same class: working day, Saturday, Sunday or holiday."""
    NEIGHBOUR_DAY = "NEIGHBOUR_DAY"
    """Any days."""
    NEM_LIKE_DAY = "NEM_LIKE_DAY"
    """The like-day table of the Western Australian metering code, in its order of preference."""


# Candidates of each day of the week (0 is Monday) as weekday and week: 0 the same week, -1 the one before.
_NEM_TABLE: dict[int, tuple[tuple[int, int], ...]] = {
    0: ((0, -1),),
    1: ((1, -1), (2, -1), (3, -1), (2, 0), (3, 0)),
    2: ((2, -1), (1, 0), (3, 0), (3, -1), (1, -1)),
    3: ((3, -1), (2, 0), (1, 0), (2, -1), (1, -1)),
    4: ((4, -1),),
    5: ((5, -1),),
    6: ((6, -1),),
}
# How far the table reaches: Thursday to Tuesday of the week before; Tuesday to Thursday of the same week.
_NEM_BACK, _NEM_FORWARD = 9, 2


def reach(searches: Iterable[Search], *, back: int, forward: int) -> tuple[int, int]:
    """Give how many days before and after a day its comparison days may lie; the table reaches by itself."""
    if Search.NEM_LIKE_DAY in searches:
        return max(back, _NEM_BACK), max(forward, _NEM_FORWARD)
    return back, forward


def comparison_days(
    day: int, searches: Sequence[Search], *, holidays: frozenset[int], back: int, forward: int
) -> list[int]:
    """Give the days that a day is compared with, best first: those of each search in turn, each day once."""
    found: dict[int, None] = {}
    for search in searches:
        found.update(dict.fromkeys(_search(day, search, holidays=holidays, back=back, forward=forward)))
    return list(found)


def day_class(day: int, holidays: frozenset[int]) -> int:
    """Give the class of a day: equal for working days, for Saturdays, and for Sundays and holidays."""
    weekday = weekday_of(day, holidays)
    return weekday if weekday >= _SATURDAY else _WORKING_DAY


def weekday_of(day: int, holidays: frozenset[int]) -> int:
    """Give the day of the week from 0, Monday; of a holiday that of a Sunday."""
    return _SUNDAY if day in holidays else (day - 1) % DAYS_PER_WEEK


def nearest(day: int, *, back: int, forward: int) -> list[int]:
    """Give the days around a day, nearest first; of two equally near ones the earlier first."""
    around = [*range(day - back, day), *range(day + 1, day + forward + 1)]
    return sorted(around, key=lambda other: (abs(other - day), other))


def _search(day: int, search: Search, *, holidays: frozenset[int], back: int, forward: int) -> list[int]:
    if search == Search.NEM_LIKE_DAY:
        return _nem(day, holidays)
    if search == Search.LIKE_DAY:
        wanted = day_class(day, holidays)
        return [other for other in nearest(day, back=back, forward=0) if day_class(other, holidays) == wanted]
    around = nearest(day, back=back, forward=forward)
    if search == Search.HOLIDAY:
        return [other for other in around if other in holidays] if day in holidays else []
    if search == Search.SAME_WEEKDAY:
        weekday = weekday_of(day, holidays)
        return [other for other in around if weekday_of(other, holidays) == weekday]
    return around


def _nem(day: int, holidays: frozenset[int]) -> list[int]:
    weekday = (day - 1) % DAYS_PER_WEEK
    if day in holidays:
        # The most recent Sunday.
        return [day - (weekday + 1)]
    monday = day - weekday
    listed = [monday + week * DAYS_PER_WEEK + other for other, week in _NEM_TABLE[weekday]]
    return [other for other in listed if other not in holidays]
