"""
The daily counts that trends are drawn from.

Transitions and direct loads are insert-only: they are counted once, by their ids, from where the last count ended.
To Dos are few: the latest days are counted anew.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable

from django.db import transaction
from django.db.models import Count, F, Max
from django.db.models.functions import TruncDate

from vee.choices import DAILY_STATES, DailyKind, ImdState, ToDoStatus
from vee.models import DailyCount, DailyCountCursor, DirectLoad, ImdTransition, ToDo


TRANSITIONS_AT_ONCE = 200_000
LOADS_AT_ONCE = 200
DAYS_COUNTED_ANEW = 3
FIRST_DAYS = 30
"""So many days of To Dos are counted when there is no count yet."""

_Days = Counter[tuple[dt.date, str]]


def count_days(*, at: dt.datetime, rounds: int = 10) -> int:
    """
    Bring the daily counts up to date; give how many rows of evidence were counted.

    What was written since the last call waits for the next one. A site that begins with much evidence catches up by
    and by: so many rounds at a time.
    """
    counted = 0
    for _round in range(rounds):
        done = _advance("transitions", ImdTransition, TRANSITIONS_AT_ONCE, _transitions)
        done += _advance("direct_loads", DirectLoad, LOADS_AT_ONCE, _direct_loads)
        counted += done
        if not done:
            break
    # Above what is there now nothing is counted before the next call.
    for source, model in (("transitions", ImdTransition), ("direct_loads", DirectLoad)):
        newest = model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0
        DailyCountCursor.objects.filter(source=source).update(seen_to=newest)
    _count_todos(at=at)
    return counted


def _advance(source: str, model: type, at_once: int, counting: Callable[[int, int], _Days]) -> int:
    with transaction.atomic():
        cursor, _made = DailyCountCursor.objects.select_for_update().get_or_create(source=source)
        until = min(cursor.seen_to, cursor.counted_to + at_once)
        if until <= cursor.counted_to:
            return 0
        _add(counting(cursor.counted_to, until))
        done = until - cursor.counted_to
        cursor.counted_to = until
        cursor.save(update_fields=["counted_to"])
        return done


def _transitions(after: int, until: int) -> _Days:
    rows = (
        ImdTransition.objects.filter(pk__gt=after, pk__lte=until, to_state__in=DAILY_STATES)
        .order_by()
        .values_list(TruncDate("at", tzinfo=dt.UTC), "to_state")
        .annotate(number=Count("pk"))
    )
    return Counter({(day, state): number for day, state, number in rows})


def _direct_loads(after: int, until: int) -> _Days:
    found: _Days = Counter()
    for at, imd_ids in DirectLoad.objects.filter(pk__gt=after, pk__lte=until).values_list("at", "imd_ids"):
        found[at.astimezone(dt.UTC).date(), str(ImdState.COMPLETE)] += len(imd_ids)
    return found


def _add(days: _Days) -> None:
    for (day, kind), number in sorted(days.items()):
        row, _made = DailyCount.objects.get_or_create(day=day, kind=kind)
        DailyCount.objects.filter(pk=row.pk).update(number=F("number") + number)


def _count_todos(*, at: dt.datetime) -> None:
    kinds = (DailyKind.TODO_OPENED, DailyKind.TODO_CLOSED)
    known = DailyCount.objects.filter(kind__in=kinds).exists()
    today = at.astimezone(dt.UTC).date()
    first = today - dt.timedelta(days=(DAYS_COUNTED_ANEW if known else FIRST_DAYS) - 1)
    midnight = dt.datetime.combine(first, dt.time(), tzinfo=dt.UTC)
    opened = _by_day(ToDo.objects.filter(status__in=ToDoStatus.values, created_at__gte=midnight), "created_at")
    closed = _by_day(ToDo.objects.filter(completed_at__gte=midnight), "completed_at")
    DailyCount.objects.bulk_create(
        [
            DailyCount(day=day, kind=kind, number=counted.get(day, 0))
            for kind, counted in zip(kinds, (dict(opened), dict(closed)), strict=True)
            for day in (first + dt.timedelta(days=number) for number in range((today - first).days + 1))
        ],
        update_conflicts=True,
        unique_fields=["day", "kind"],
        update_fields=["number"],
    )


def _by_day(rows: object, field: str) -> Iterable[tuple[dt.date, int]]:
    return (
        rows.order_by()  # type: ignore[attr-defined]
        .values_list(TruncDate(field, tzinfo=dt.UTC))
        .annotate(number=Count("pk"))
    )
