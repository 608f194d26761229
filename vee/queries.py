"""What is read of meter data: IMDs in detail, measurements, work and counts. No function here writes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from foundation import leases
from vee import storage
from vee.choices import OPEN_TODO_STATUSES, TERMINAL_STATES, ReadingFileStatus, TrialStatus, is_due
from vee.codes import ComponentKind, Condition
from vee.models import (
    ImdEdit,
    ImdPostVee,
    ImdTransition,
    InitialMeasurement,
    MeasurementBlock,
    MeasuringComponent,
    MeasuringComponentProgress,
    ReadingFile,
    RegisterMeasurement,
    RuleTrial,
    ToDo,
    VeeException,
    VeeRule,
)


# What stands in place of a rule's name where a person set the value.
EDITED = "edited"
_UNLEASED = dt.timedelta(minutes=30)
_DAYS_AT_ONCE = dt.timedelta(days=31)


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One interval of an IMD (or its register reading), labelled at its end, UTC; `rule` says what set the value."""

    end: dt.datetime
    value: Decimal | None
    condition: int
    rule: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ImdDetail:
    """An IMD with everything that hangs on it."""

    imd: InitialMeasurement
    component: MeasuringComponent | None
    uom: str
    scale: int
    pre_vee: list[Reading]
    post_vee: list[Reading]
    exceptions: list[VeeException]
    todos: list[ToDo]
    transitions: list[ImdTransition]
    edits: list[ImdEdit]


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """A final measurement labelled at interval end, UTC; where there is a `reading`, `value` is consumption."""

    end: dt.datetime
    value: Decimal | None
    condition: int
    user_edited: bool
    reading: Decimal | None = None


def imd_detail(imd_id: int) -> ImdDetail:
    """
    Read one IMD with values before and after VEE, exceptions, To Dos, transitions and edits; at most 10 queries.

    :raises InitialMeasurement.DoesNotExist: when there is none.
    """
    imd = InitialMeasurement.objects.select_related(
        "payload",
        "measuring_component__type",
        "measuring_component__service_point",
        "measuring_component__device__service_point",
        "reading_file",
    ).get(pk=imd_id)
    post = ImdPostVee.objects.filter(pk=imd_id).first()
    edits = list(ImdEdit.objects.filter(imd=imd_id).select_related("by").order_by("pk"))
    pre_vee = _received(imd)
    return ImdDetail(
        imd=imd,
        component=imd.measuring_component,
        uom=imd.payload.uom or (imd.measuring_component.type.uom if imd.measuring_component else ""),
        scale=imd.payload.scale,
        pre_vee=pre_vee,
        post_vee=_after_vee(imd, pre_vee, post, edits),
        exceptions=list(VeeException.objects.filter(imd=imd_id).order_by("pk")),
        todos=list(ToDo.objects.filter(imd=imd_id).select_related("type", "role", "assigned_to").order_by("pk")),
        transitions=list(ImdTransition.objects.filter(imd=imd_id).select_related("log").order_by("pk")),
        edits=edits,
    )


def _number(count: int, scale: int) -> Decimal | None:
    return None if count == storage.NO_VALUE else Decimal(count).scaleb(-scale)


def _ends(imd: InitialMeasurement, count: int) -> list[dt.datetime]:
    if imd.seconds_per_interval is None:
        return [imd.end] * count
    step = dt.timedelta(seconds=imd.seconds_per_interval)
    return [imd.start + step * (index + 1) for index in range(count)]


def _received(imd: InitialMeasurement) -> list[Reading]:
    payload = imd.payload
    if payload.values is None:
        # An estimation of a register may have come without a reading.
        expected = Condition.MISSING if payload.reading is None else Condition.REGULAR
        condition = int(expected if payload.conditions is None else payload.conditions[0])
        return [Reading(imd.end, payload.reading, condition)]
    values = payload.values.tolist()
    conditions = [int(Condition.REGULAR)] * len(values) if payload.conditions is None else payload.conditions.tolist()
    return [
        Reading(end, _number(value, payload.scale), condition)
        for end, value, condition in zip(_ends(imd, len(values)), values, conditions, strict=True)
    ]


def _after_vee(
    imd: InitialMeasurement, pre_vee: list[Reading], post: ImdPostVee | None, edits: list[ImdEdit]
) -> list[Reading]:
    if post is None:
        after = list(pre_vee)
        for edit in edits:
            value = None if edit.new_value is None else _number(edit.new_value, edit.scale)
            after[edit.interval] = Reading(after[edit.interval].end, value, edit.new_condition, EDITED)
        return after
    rule_ids = set(post.rules.tolist()) - {0, -1}
    names: dict[int, str | None] = (
        dict(VeeRule.objects.filter(pk__in=rule_ids).values_list("pk", "rule")) if rule_ids else {}
    )
    names = {**{rule_id: f"rule {rule_id}" for rule_id in rule_ids}, **names, 0: None, -1: EDITED}
    rows = zip(_ends(imd, len(post.values)), post.values, post.conditions, post.rules, strict=True)
    return [
        Reading(end, _number(int(value), post.scale), int(condition), names[int(rule)])
        for end, value, condition, rule in rows
    ]


def imds_in_brief(ids: Sequence[int]) -> list[InitialMeasurement]:
    """Read IMDs for a list, in the order of their ids."""
    return list(InitialMeasurement.objects.filter(pk__in=ids).select_related("measuring_component").order_by("pk"))


def measurements(*, component: MeasuringComponent, start: dt.datetime, end: dt.datetime) -> Iterator[Measurement]:
    """Give the final measurements with `start < interval end ≤ end` in order, a month of blocks at a time."""
    if component.type.component_kind == ComponentKind.SCALAR:
        yield from _register_measurements(component, start, end)
        return
    while start < end:
        until = min(end, start + _DAYS_AT_ONCE)
        series = storage.read_range(component_ids=[component.pk], start=start, end=until).get(component.pk)
        if series is not None:
            rows = zip(
                series.ends.tolist(),
                series.values.tolist(),
                series.conditions.tolist(),
                series.edited.tolist(),
                [storage.NO_VALUE] * len(series.ends) if series.readings is None else series.readings.tolist(),
                strict=True,
            )
            for seconds, value, condition, edited, reading in rows:
                yield Measurement(
                    dt.datetime.fromtimestamp(seconds, tz=dt.UTC),
                    _number(value, series.scale),
                    condition,
                    edited,
                    _number(reading, series.scale),
                )
        start = until


def _register_measurements(
    component: MeasuringComponent, start: dt.datetime, end: dt.datetime
) -> Iterator[Measurement]:
    found = RegisterMeasurement.objects.filter(measuring_component=component, read_at__gt=start, read_at__lte=end)
    for row in found.order_by("read_at").iterator():
        yield Measurement(row.read_at, row.consumption, row.condition, row.user_edited, row.reading)


def progress_of(component: MeasuringComponent) -> MeasuringComponentProgress | None:
    """Give how far a component's final measurements reach; None before the first one."""
    return MeasuringComponentProgress.objects.filter(pk=component.pk).first()


def time_zone_of(component: MeasuringComponent) -> str:
    """Give the name of the zone in which a component's local days are counted; UTC where its place is not known."""
    point = component.service_point or (component.device.service_point if component.device is not None else None)
    return "UTC" if point is None else point.time_zone


def latest_measurement_end(*, component: MeasuringComponent) -> dt.datetime | None:
    """Give the end of the last day that has measurements, or the last read of a register; None when there is none."""
    if component.type.component_kind == ComponentKind.SCALAR:
        reads = RegisterMeasurement.objects.filter(measuring_component=component)
        return reads.aggregate(latest=Max("read_at"))["latest"]
    blocks = MeasurementBlock.objects.filter(measuring_component=component)
    start = blocks.order_by("-start").values_list("start", flat=True).first()
    return None if start is None else start + dt.timedelta(days=1)


def todo_counts_by_role() -> dict[str, int]:
    """Count open To Dos by role; "" stands for no role."""
    rows = ToDo.objects.filter(status__in=OPEN_TODO_STATUSES).values_list("role__name").annotate(Count("pk"))
    return {name or "": count for name, count in rows.order_by("role__name")}


def open_imd_counts() -> dict[str, int]:
    """Count the IMDs that are in work, by state; an index of open states serves it."""
    rows = (
        InitialMeasurement.objects.exclude(state__in=TERMINAL_STATES)
        .values_list("state")
        .annotate(Count("pk"))
        .order_by("state")
    )
    return dict(rows)


def imd_counts_by_state() -> dict[str, int]:
    """Count IMDs by state; states without any are left out."""
    rows = InitialMeasurement.objects.values_list("state").annotate(Count("pk")).order_by("state")
    return dict(rows)


def open_todos(*, imd_id: int | None = None) -> QuerySet[ToDo]:
    """Give the open To Dos, oldest first."""
    found = ToDo.objects.filter(status__in=OPEN_TODO_STATUSES).select_related("imd", "type", "role", "assigned_to")
    if imd_id is not None:
        found = found.filter(imd=imd_id)
    return found.order_by("created_at", "pk")


def next_todo_id(*, after: ToDo, among: QuerySet[ToDo], by: Any) -> int | None:
    """Give the next open To Do among these by age, begun anew at the oldest, that nobody but `by` has; None: none."""
    found = (
        among.filter(Q(assigned_to__isnull=True) | Q(assigned_to=by), status__in=OPEN_TODO_STATUSES)
        .exclude(pk=after.pk)
        .order_by("created_at", "pk")
        .values_list("pk", flat=True)
    )
    later = Q(created_at__gt=after.created_at) | Q(created_at=after.created_at, pk__gt=after.pk)
    chosen: int | None = found.filter(later).first() or found.first()
    return chosen


def people_with_work() -> list[tuple[int, str]]:
    """Give the key and the name of each person who has an open To Do, by name."""
    rows = ToDo.objects.filter(status__in=OPEN_TODO_STATUSES, assigned_to__isnull=False)
    return list(rows.values_list("assigned_to", "assigned_to__username").distinct().order_by("assigned_to__username"))


def due_since(*, before: dt.datetime) -> bool:
    """Tell whether an IMD has been due since before an instant."""
    return InitialMeasurement.objects.filter(is_due(), state_changed_at__lt=before).exists()


def stale_reading_file_ids(*, before: dt.datetime, now: dt.datetime, limit: int = 100) -> list[uuid.UUID]:
    """Give reading files that have waited since before an instant, or whose loader's lease has run out."""
    waiting = Q(status=ReadingFileStatus.RECEIVED, created_at__lt=before)
    given_up = Q(lease_until__lte=now) | Q(lease_until__isnull=True) | leases.is_impossible(now)
    abandoned = Q(given_up, status=ReadingFileStatus.LOADING)
    found = ReadingFile.objects.filter(waiting | abandoned).order_by("created_at", "pk")
    return list(found.values_list("pk", flat=True)[:limit])


def abandoned_trials(*, at: dt.datetime) -> Q:
    """Give the condition for rule trials that are running and whose worker disappeared: their lease has passed."""
    over = Q(lease_until__lte=at) | leases.is_impossible(at)
    # One that a process of a release without leases has begun keeps none.
    return Q(status=TrialStatus.RUNNING) & (over | Q(lease_until__isnull=True, started_at__lt=at - _UNLEASED))


def due_trial_ids(*, before: dt.datetime, at: dt.datetime) -> list[int]:
    """Give the rule trials that wait since before an instant, and those whose worker disappeared."""
    waiting = Q(status=TrialStatus.REQUESTED, requested_at__lt=before)
    return list(RuleTrial.objects.filter(waiting | abandoned_trials(at=at)).order_by("pk").values_list("pk", flat=True))
