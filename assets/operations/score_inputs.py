"""What is known of the devices of a program, a chunk at a time: the numbers that score formulas use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Case, Count, DateTimeField, IntegerField, Max, Q, Value, When
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from assets.choices import (
    ATTEMPTS,
    COMMUNICATION_TENTHS,
    DeviceReach,
    ParticipationOutcome,
    ParticipationStatus,
    ReachForScore,
    SubscriptionStatus,
)
from assets.engine import cycles
from assets.engine.scores import Calculation
from assets.models import DeviceSpecification, Participation, Program, SubscriptionDevice
from vee.engine import calendar


CHUNK = 20_000
REACH = tuple(COMMUNICATION_TENTHS)
NEVER = np.iinfo(np.int64).min
"""Stands for no last event."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """
    The devices of a chunk: keys of their memberships, and columns by the names that formulas use.

    `reach` is an index of REACH, `last_events` are microseconds since 1970, NEVER where there was none.
    """

    memberships: NDArray[np.int64]
    columns: dict[str, NDArray[np.int64]]
    reach: NDArray[np.int64]
    last_events: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is the same for all devices of a program in a run."""

    program: Program
    calculation: Calculation
    window: cycles.Window
    at: dt.datetime
    specifications: dict[int, int]

    @property
    def under_way(self) -> bool:
        """Whether the program has started and not ended."""
        starts, ends, today = self.program.starts_on, self.program.ends_on, self.window.today
        return (starts is None or starts <= today) and (ends is None or today < ends)


def frame(*, program: Program, calculation: Calculation, at: dt.datetime) -> Frame:
    """Give the frame of a program."""
    return Frame(
        program=program,
        calculation=calculation,
        window=cycles.window(zone=program.time_zone, cycle=program.cycle, at=at),
        at=at,
        specifications={pk: thousandths(kw) for pk, kw in DeviceSpecification.objects.values_list("pk", "rated_kw")},
    )


def chunks(frame: Frame, *, size: int = CHUNK) -> Iterator[Inputs]:
    """Give the devices in active subscriptions to the program, ordered by their memberships."""
    last = 0
    while True:
        rows = list(_members(frame, after=last)[:size])
        if not rows:
            return
        last = rows[-1][0]
        yield _inputs(frame, rows)


def thousandths(number: Decimal) -> int:
    """Give a number in thousandths, as columns hold powers."""
    return int(number.scaleb(3))


def _members(frame: Frame, *, after: int) -> Any:
    at, stale = frame.at, dt.timedelta(hours=frame.calculation.stale_hours)
    begun = Q(subscription__starts_at__lte=at)
    unended = Q(subscription__ends_at__isnull=True) | Q(subscription__ends_at__gt=at)
    reach = Case(
        When(device__reach=DeviceReach.OFFLINE, then=Value(REACH.index(ReachForScore.OFFLINE))),
        When(
            device__reach=DeviceReach.ONLINE,
            device__reach_checked_at__gte=at - stale,
            then=Value(REACH.index(ReachForScore.ONLINE)),
        ),
        When(device__reach=DeviceReach.ONLINE, then=Value(REACH.index(ReachForScore.STALE))),
        default=Value(REACH.index(ReachForScore.UNKNOWN)),
        output_field=IntegerField(),
    )
    return (
        SubscriptionDevice.objects.filter(
            removed_at__isnull=True,
            subscription__program=frame.program,
            subscription__status=SubscriptionStatus.ACTIVE,
            pk__gt=after,
        )
        .order_by("pk")
        .values_list(
            "pk",
            "device_id",
            "device__specification_id",
            reach,
            _flag(begun & unended),
            _flag(Q(subscription__opted_out_until__gt=at)),
        )
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _inputs(frame: Frame, rows: Sequence[tuple[int, ...]]) -> Inputs:
    memberships, device_ids, specifications, reach, active, opted_out = np.array(rows, dtype=np.int64).T
    devices, position = np.unique(device_ids, return_inverse=True)
    history = _history(frame, devices)
    of_rows = {name: column[position] for name, column in history.items()}
    kinds, kind = np.unique(specifications, return_inverse=True)
    powers = np.array([frame.specifications[pk] for pk in kinds.tolist()], dtype=np.int64)
    size, program, window = len(rows), frame.program, frame.window
    constants = {
        "CA": program.event_limit,
        "CAyear": program.event_limit_per_year,
        "DP": window.days_in_cycle,
        "d": window.day_of_cycle,
        "referenceKw": thousandths(program.reference_kw),
    }
    columns = {name: np.full(size, value, dtype=np.int64) for name, value in constants.items()}
    columns |= {name: of_rows[name] for name in ("CU", "CUyear", "DE", "successes", "attempts", "reserved")}
    columns["specKw"] = powers[kind]
    columns["communication"] = np.array(list(COMMUNICATION_TENTHS.values()), dtype=np.int64)[reach]
    columns["active"] = active if frame.under_way else np.zeros(size, dtype=np.int64)
    columns["optedOut"] = opted_out
    return Inputs(memberships=memberships, columns=columns, reach=reach, last_events=of_rows["last"])


def _history(frame: Frame, devices: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Give what participations say of devices, which come in ascending order; a device without any has zeros."""
    found = list(_participations(frame, devices.tolist()))
    columns = {
        name: np.zeros(len(devices), dtype=np.int64) for name in ("CU", "CUyear", "successes", "attempts", "reserved")
    }
    columns["DE"] = np.full(len(devices), frame.window.days_in_cycle, dtype=np.int64)
    columns["last"] = np.full(len(devices), NEVER, dtype=np.int64)
    if not found:
        return columns
    ids, cycle, year, successes, attempts, reserved, last = zip(*found, strict=True)
    places = np.searchsorted(devices, np.array(ids, dtype=np.int64))
    for name, values in (("CU", cycle), ("CUyear", year), ("successes", successes), ("attempts", attempts)):
        columns[name][places] = values
    columns["reserved"][places] = np.minimum(reserved, 1)
    days: dict[dt.datetime, int] = {}
    for place, moment in zip(places.tolist(), last, strict=True):
        if moment is not None:
            if moment not in days:
                # Devices of one event share its moment.
                days[moment] = (frame.window.today - calendar.local_date(moment, frame.program.time_zone)).days
            columns["DE"][place] = max(0, days[moment])
            columns["last"][place] = (moment - _EPOCH) // _MICROSECOND
    return columns


def _participations(frame: Frame, devices: Sequence[int]) -> Any:
    at, window = frame.at, frame.window
    since = cycles.months_before(at, frame.calculation.history_months)
    until = at + dt.timedelta(hours=frame.calculation.reservation_hours)
    told = Q(moment__lte=at)
    success = told & Q(outcome=ParticipationOutcome.SUCCESSFUL)
    overlaps = Q(status=ParticipationStatus.RESERVED, reserved_from__lt=until, reserved_to__gt=at)
    return (
        Participation.objects.filter(device__in=devices)
        .annotate(moment=Coalesce("participated_from", "reserved_from", "changed_at", output_field=DateTimeField()))
        .values_list("device_id")
        .annotate(
            in_cycle=Count("pk", filter=success & Q(moment__gte=window.cycle_began_at)),
            in_year=Count("pk", filter=success & Q(moment__gte=window.year_began_at)),
            succeeded=Count("pk", filter=success & Q(moment__gt=since)),
            attempted=Count("pk", filter=told & Q(outcome__in=sorted(ATTEMPTS)) & Q(moment__gt=since)),
            overlapping=Count("pk", filter=overlaps),
            last=Max("moment", filter=success),
        )
        .order_by()
    )
