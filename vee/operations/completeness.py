"""
Adding up how complete the final measurements of a local day are, by component type and measurement cycle route.

A block whose own columns say that every interval is there and Regular is counted without its arrays; only what is
special is read value by value. A day is added up once it is over, again when a note says that measurements in it
changed, and every night for a while, because master data may have changed as well.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from django.db import transaction

from vee.codes import NO_VALUE, Band, ComponentKind
from vee.engine.calendar import local_date, local_day_bounds, standard_offset_seconds
from vee.models import DayCompleteness, DayCompletenessDue, MeasuringComponentType
from vee.operations.expected_intervals import ExpectedIntervals, Place, places_of
from vee.storage import SECONDS_PER_DAY, covering_blocks, instant, read_range


NIGHTLY_DAYS = 35
NEW_DAYS = 7
_CHUNK = 2_000
_HOUR = 3_600


@dataclasses.dataclass(slots=True)
class _Sum:
    components: int = 0
    expected: int = 0
    received: int = 0
    estimated: int = 0


@dataclasses.dataclass(slots=True)
class Summary:
    """How many days of component types were added up, and from how many notes."""

    days: int = 0
    notes: int = 0


def summarise_due(*, at: dt.datetime) -> Summary:
    """Add up the days that notes speak of, and those that are over and were not added up yet."""
    done = Summary()
    notes: dict[int, list[DayCompletenessDue]] = defaultdict(list)
    for note in DayCompletenessDue.objects.order_by("pk"):
        notes[note.type_id].append(note)
    types = {kind.pk: kind for kind in _interval_types()}
    for type_id in sorted(notes.keys() | types.keys()):
        kind, own = types.get(type_id), notes.get(type_id, [])
        if kind is not None:
            wanted = {day for note in own for day in _days_of(note, kind)} | _new_days(kind, at=at)
            if wanted:
                done.days += _summarise(kind, wanted, places_of(kind), at=at)
        if own:
            DayCompletenessDue.objects.filter(pk__any_of=[note.pk for note in own]).delete()
        done.notes += len(own)
    return done


def summarise_days(*, first: dt.date, last: dt.date, at: dt.datetime) -> Summary:
    """Add up all days from `first` to `last` that are over, of every interval type, whatever is there."""
    days = {first + dt.timedelta(days=number) for number in range((last - first).days + 1)}
    done = Summary()
    for kind in _interval_types():
        done.days += _summarise(kind, days, places_of(kind), at=at)
    return done


def summarise_recent(*, at: dt.datetime) -> Summary:
    """Add up the last `NIGHTLY_DAYS` days once more, for what changed without a measurement."""
    today = at.date()
    return summarise_days(first=today - dt.timedelta(days=NIGHTLY_DAYS), last=today, at=at)


def _interval_types() -> list[MeasuringComponentType]:
    return list(MeasuringComponentType.objects.exclude(component_kind=ComponentKind.SCALAR).order_by("pk"))


def _new_days(kind: MeasuringComponentType, *, at: dt.datetime) -> set[dt.date]:
    """Give the days of the last week that were not added up yet."""
    days = {at.date() - dt.timedelta(days=back) for back in range(1, NEW_DAYS + 1)}
    return days - set(DayCompleteness.objects.filter(type=kind, day__in=days).values_list("day", flat=True))


def _days_of(note: DayCompletenessDue, kind: MeasuringComponentType) -> Iterable[dt.date]:
    """Give the days that the intervals between two labels belong to; an interval is of the day in which it starts."""
    size = kind.seconds_per_interval or SECONDS_PER_DAY
    first, last = (_day_of(int(label.timestamp()) - size, note.time_zone, size) for label in (note.first, note.last))
    return (first + dt.timedelta(days=number) for number in range((last - first).days + 1))


def _day_of(start: int, zone: str, size: int) -> dt.date:
    if size > _HOUR:
        return local_date(start + standard_offset_seconds(zone), "UTC")
    return local_date(start, zone)


def _summarise(
    kind: MeasuringComponentType, days: Iterable[dt.date], places: Sequence[Place], *, at: dt.datetime
) -> int:
    now, done = int(at.timestamp()), 0
    expected = [ExpectedIntervals.read(place) for place in places]
    for day in sorted(days):
        windows = [_window(day, place, kind) for place in places]
        if any(end > now for _, end in windows):
            continue  # the day is not over everywhere
        with transaction.atomic():
            # So that of two that add up the same day the one that read later writes later.
            MeasuringComponentType.objects.select_for_update(no_key=True).filter(pk=kind.pk).first()
            sums: dict[str, _Sum] = defaultdict(_Sum)
            for spans, window in zip(expected, windows, strict=True):
                _add_up(spans, window, kind, sums)
            _store(day, kind, sums or {"": _Sum()}, at=at)
        done += 1
    return done


def _window(day: dt.date, place: Place, kind: MeasuringComponentType) -> tuple[int, int]:
    if (kind.seconds_per_interval or 0) > _HOUR:
        # Long intervals lie on the standard-time day, whatever the clocks do.
        start = int(dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp()) - place.offset
        return start, start + SECONDS_PER_DAY
    start_at, end_at = local_day_bounds(day, place.zone)
    return int(start_at.timestamp()), int(end_at.timestamp())


def _store(day: dt.date, kind: MeasuringComponentType, sums: Mapping[str, _Sum], *, at: dt.datetime) -> None:
    rows = [
        DayCompleteness(day=day, type=kind, route=route, computed_at=at, **dataclasses.asdict(one))
        for route, one in sorted(sums.items())
    ]
    DayCompleteness.objects.filter(day=day, type=kind).exclude(route__in=list(sums)).delete()
    DayCompleteness.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["day", "type", "route"],
        update_fields=["components", "expected", "received", "estimated", "computed_at"],
    )


def _add_up(
    spans: ExpectedIntervals, window: tuple[int, int], kind: MeasuringComponentType, sums: dict[str, _Sum]
) -> None:
    place, (start, end) = spans.place, window
    size = kind.seconds_per_interval or SECONDS_PER_DAY
    labels = _labels(start, end, place.offset, size)
    covered = np.zeros(len(place.ids), dtype=np.int64)
    special = np.zeros(len(place.ids), dtype=bool)
    index = {pk: row for row, pk in enumerate(place.ids)}
    for pk, begin, plain in covering_blocks(component_ids=place.ids, start=start, end=end, seconds_per_interval=size):
        row = index[pk]
        if plain:
            covered[row] += len(_labels(max(start, begin), min(end, begin + SECONDS_PER_DAY), place.offset, size))
        else:
            special[row] = True
    by_value: list[int] = []
    for row, pk in enumerate(place.ids):
        whole = spans.whole(row, start, end)
        if special[row] or (whole is None and (covered[row] or spans.some(row, start, end))):
            by_value.append(pk)
        elif whole:
            one = sums[place.routes[row]]
            one.components += 1
            one.expected += len(labels)
            one.received += int(covered[row])
    for begin in range(0, len(by_value), _CHUNK):
        chunk = by_value[begin : begin + _CHUNK]
        _add_values({pk: index[pk] for pk in chunk}, spans, labels, size, sums)


def _add_values(
    rows: Mapping[int, int], spans: ExpectedIntervals, labels: np.ndarray, size: int, sums: dict[str, _Sum]
) -> None:
    if not len(labels):
        return
    found = read_range(component_ids=list(rows), start=instant(labels[0] - 1), end=instant(labels[-1]))
    for pk, row in rows.items():
        series = found.get(pk)
        measured = np.zeros(len(labels), dtype=bool)
        estimated = measured.copy()
        if series is not None:
            there = series.values != NO_VALUE
            guessed = (series.conditions >= Band.SYSTEM_ESTIMATE.low) & (
                series.conditions <= Band.EXTERNAL_ESTIMATE.high
            )
            measured = np.isin(labels, series.ends[there & (series.conditions >= Band.REGULAR.low)])
            estimated = np.isin(labels, series.ends[there & guessed])
        wanted = spans.expected(row, labels - size, labels, known=measured | estimated)
        if not wanted.any():
            continue
        one = sums[spans.place.routes[row]]
        one.components += 1
        one.expected += int(wanted.sum())
        one.received += int((wanted & measured).sum())
        one.estimated += int((wanted & estimated).sum())


def _labels(start: int, end: int, offset: int, size: int) -> np.ndarray:
    """Give the labels in (start, end], on the grid of the standard-time day."""
    first = (start + offset) // size * size - offset + size
    return np.arange(first, end + 1, size, dtype=np.int64)
