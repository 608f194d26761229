"""Reads of control: statistics, pauses, the state of flows, zones."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Concat, Replace

from integration.choices import FlowState, PauseScope, RunState
from integration.models import Flow, FlowRun, FlowStatistics, Pause, ZoneHeartbeat
from outbound import queries as outbound_queries


ZONE_ALIVE = dt.timedelta(seconds=90)
"""A zone whose workers have been silent for longer counts as having none."""

# Durations are told in microseconds: what is beyond depends on the order in which they were added up.
_PLACES = 6
_COUNTS = ("received", "succeeded", "failed", "aborted", "measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What a flow of a version did in a time: counts, and durations in seconds of the runs that ended."""

    flow: str
    display_name: str
    version: str
    received: int
    succeeded: int
    failed: int
    aborted: int
    shortest: float | None
    longest: float | None
    mean: float | None
    deviation: float | None

    @property
    def success_percent(self) -> float | None:
        """Succeeded runs in a hundred of those that ended; None when none did."""
        ended = self.succeeded + self.failed + self.aborted
        return 100.0 * self.succeeded / ended if ended else None


def statistics(*, since: dt.date | None = None, until: dt.date | None = None, flow: str = "") -> list[Statistics]:
    """Give the statistics of each flow and version over days (UTC, both included); without dates since ever."""
    rows = FlowStatistics.objects.all()
    if since is not None:
        rows = rows.filter(day__gte=since)
    if until is not None:
        rows = rows.filter(day__lte=until)
    if flow:
        rows = rows.filter(flow__name=flow)
    found = (
        rows.values("flow__name", "flow__display_name", "version")
        .annotate(
            **{f"{name}_all": Sum(name) for name in _COUNTS},
            seconds=Sum("duration_sum"),
            squares=Sum("duration_squares"),
            shortest=Min("duration_min"),
            longest=Max("duration_max"),
        )
        .order_by("flow__display_name", "version")
    )
    return [_statistics(row) for row in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a flow did since ever: counts, and the seconds of the runs whose duration was measured."""

    flow: str
    received: int
    succeeded: int
    failed: int
    aborted: int
    measured: int
    seconds: float


def totals() -> list[Totals]:
    """Sum up the statistics of each flow; they are never purged, so that the sums only grow."""
    sums = [Sum(name) for name in (*_COUNTS, "duration_sum")]
    rows = FlowStatistics.objects.values_list("flow__name").annotate(*sums).order_by("flow__name")
    return [
        Totals(
            flow=flow,
            received=received,
            succeeded=succeeded,
            failed=failed,
            aborted=aborted,
            measured=measured,
            seconds=seconds,
        )
        for flow, received, succeeded, failed, aborted, measured, seconds in rows
    ]


def flow_names() -> dict[str, str]:
    """Give the display names of flows by their short names, in their order."""
    return dict(Flow.objects.order_by("display_name").values_list("name", "display_name"))


def open_pauses() -> QuerySet[Pause]:
    """Give the pauses that hold something now, the latest first."""
    return Pause.objects.filter(resumed_at__isnull=True).order_by("-paused_at", "pk")


def open_pause_counts() -> dict[str, int]:
    """Count the pauses that hold something now, by scope; a scope without any is there with 0."""
    counted = dict(open_pauses().order_by().values_list("scope").annotate(Count("pk")))
    return {scope: counted.get(scope, 0) for scope in PauseScope.values}


def all_pauses() -> QuerySet[Pause]:
    """Give all pauses, the latest first."""
    return Pause.objects.order_by("-paused_at", "-pk")


def with_flow_titles(pauses: QuerySet[Pause]) -> QuerySet[Pause]:
    """Add `flow_title` to pauses: the display name of the flow that one of a flow holds."""
    held = Flow.objects.filter(name=OuterRef("target")).values("display_name")
    return pauses.annotate(flow_title=Case(When(scope=PauseScope.FLOW, then=Subquery(held[:1]))))


def pauses_of(flow: Flow, *, pauses: Sequence[Pause] | None = None) -> list[Pause]:
    """Give the open pauses that cover a flow: its own, of all flows, and of connections that it uses."""
    used = connections_of(flow)
    return [
        pause
        for pause in (open_pauses() if pauses is None else pauses)
        if pause.scope == PauseScope.ALL
        or (pause.scope == PauseScope.FLOW and pause.target == flow.name)
        or (pause.scope == PauseScope.CONNECTION and pause.target in used)
    ]


def with_states(flows: QuerySet[Flow]) -> QuerySet[Flow]:
    """Add to flows what `state_of` needs, so that a list of them asks once."""
    # Names between commas, so that one is never found inside another.
    used = Concat(Value(","), Replace(OuterRef("connections_used"), Value(" "), Value("")), Value(","))
    named = Concat(Value(","), F("target"), Value(","))
    return flows.annotate(
        is_working=Exists(FlowRun.objects.filter(flow=OuterRef("pk"), state=RunState.IN_PROGRESS)),
        is_paused=Exists(
            open_pauses()
            .annotate(used=ExpressionWrapper(used, output_field=CharField()))
            .filter(
                Q(scope=PauseScope.ALL)
                | Q(scope=PauseScope.FLOW, target=OuterRef("name"))
                | Q(scope=PauseScope.CONNECTION, used__contains=named)
            )
        ),
    )


def state_of(flow: Flow) -> FlowState:
    """Give the state of a flow that `with_states` gave, or of any other."""
    if not hasattr(flow, "is_working"):
        return condition_of(flow).state
    if not flow.active:
        return FlowState.DRAINING if flow.is_working else FlowState.INACTIVE
    return FlowState.PAUSED if getattr(flow, "is_paused", False) else FlowState.ACTIVE


def is_held(flow: Flow) -> bool:
    """Whether runs of the flow wait: it is switched off, or paused."""
    return not flow.active or bool(pauses_of(flow))


def held_flow_ids() -> list[int]:
    """Give the flows whose runs wait."""
    pauses = list(open_pauses())
    return [flow.pk for flow in Flow.objects.all() if not flow.active or pauses_of(flow, pauses=pauses)]


def connections_of(flow: Flow) -> frozenset[str]:
    """Give the names of the connections that a flow calls."""
    return frozenset(name.strip() for name in flow.connections_used.split(",") if name.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCondition:
    """How a flow stands: its state, how many runs are at work, how many wait, and what pauses it."""

    state: FlowState
    working: int
    waiting: int
    pauses: tuple[Pause, ...] = ()


_NO_RUNS = {"working": 0, "waiting": 0}


def condition_of(flow: Flow) -> FlowCondition:
    """Give how a flow stands. DRAINING: switched off, and what was being worked on is being finished."""
    return conditions([flow])[flow.pk]


def conditions(flows: Sequence[Flow]) -> dict[int, FlowCondition]:
    """Give how flows stand, by their primary keys; asks once for all of them."""
    unfinished = FlowRun.objects.filter(state__in=[RunState.RECEIVED, RunState.IN_PROGRESS])
    counted = {
        row["flow_id"]: row
        for row in unfinished.filter(flow__in=[flow.pk for flow in flows])
        .values("flow_id")
        .order_by()
        .annotate(
            working=Count("pk", filter=Q(state=RunState.IN_PROGRESS)),
            waiting=Count("pk", filter=Q(state=RunState.RECEIVED)),
        )
    }
    pauses = list(open_pauses())
    return {flow.pk: _condition(flow, counted.get(flow.pk, _NO_RUNS), pauses) for flow in flows}


def _condition(flow: Flow, counts: Mapping[str, int], open_ones: Sequence[Pause]) -> FlowCondition:
    pauses = tuple(pauses_of(flow, pauses=open_ones))
    if not flow.active:
        state = FlowState.DRAINING if counts["working"] else FlowState.INACTIVE
    else:
        state = FlowState.PAUSED if pauses else FlowState.ACTIVE
    return FlowCondition(state=state, working=counts["working"], waiting=counts["waiting"], pauses=pauses)


def open_run_counts() -> list[tuple[str, str, int]]:
    """Count the runs that wait, are at work or have failed: flow, state, runs; an index of flow and state serves it."""
    flows = dict(Flow.objects.order_by("name").values_list("pk", "name"))
    states = (RunState.RECEIVED, RunState.IN_PROGRESS, RunState.FAILED)
    rows = (
        FlowRun.objects.filter(flow__in=list(flows), state__in=states)
        .order_by()
        .values_list("flow", "state")
        .annotate(runs=Count("pk"))
    )
    counted = {(flow, state): runs for flow, state, runs in rows}
    return [(name, state, counted.get((pk, state), 0)) for pk, name in flows.items() for state in states]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A connection zone: the connections that lie in it, and when a worker of it last answered."""

    name: str
    connections: tuple[str, ...]
    beat_at: dt.datetime | None
    worker: str
    alive: bool


def zones(*, at: dt.datetime, by_zone: Mapping[str, Sequence[str]] | None = None) -> list[Zone]:
    """Give the zones that connections lie in, by name; whoever has read the connections hands them over by zone."""
    beats = {beat.zone: beat for beat in ZoneHeartbeat.objects.all()}
    found = []
    known = outbound_queries.connections_by_zone() if by_zone is None else by_zone
    for name, connections in sorted(known.items()):
        beat = beats.get(name)
        found.append(
            Zone(
                name=name,
                connections=tuple(connections),
                beat_at=beat.beat_at if beat else None,
                worker=beat.worker if beat else "",
                alive=beat is not None and at - beat.beat_at <= ZONE_ALIVE,
            )
        )
    return found


def _statistics(row: Mapping[str, object]) -> Statistics:
    counts = {name: int(str(row[f"{name}_all"] or 0)) for name in _COUNTS}
    measured = counts.pop("measured")
    mean = deviation = None
    if measured:
        exact = float(str(row["seconds"])) / measured
        deviation = round(math.sqrt(max(float(str(row["squares"])) / measured - exact * exact, 0.0)), _PLACES)
        mean = round(exact, _PLACES)
    return Statistics(
        flow=str(row["flow__name"]),
        display_name=str(row["flow__display_name"]),
        version=str(row["version"]),
        shortest=_number(row["shortest"]),
        longest=_number(row["longest"]),
        mean=mean,
        deviation=deviation,
        **counts,
    )


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
