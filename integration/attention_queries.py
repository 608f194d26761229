"""What of the exchange needs a person now, each as the rows that a list of the admin shows; and the trend of runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Case, QuerySet, Sum, When

from foundation.counting import COUNTED, Counted, first_by_values
from integration.choices import UNFINISHED_STATES, CheckState, RunState, SyncAckState
from integration.models import (
    DeviceStatusCheck,
    EnrollmentSync,
    Flow,
    FlowRun,
    FlowSchedule,
    FlowStatistics,
    HomeLook,
    Incident,
    Pause,
    UnmappedCode,
)


ACK_LATE_AFTER = dt.timedelta(hours=1)
"""An acknowledgement that should have left earlier than this is overdue."""

ACK_EXPECTED_WITHIN = dt.timedelta(hours=24)
"""What DERMS acknowledges itself, it does within a day."""

LATE_AFTER = dt.timedelta(seconds=60)
"""A schedule whose time passed longer ago than this is late."""

FIRST_LOOK = dt.timedelta(hours=24)
"""What is new to somebody who never looked."""


def overdue_checks() -> QuerySet[DeviceStatusCheck]:
    """Give the device status checks that nobody answered in time."""
    return DeviceStatusCheck.objects.filter(state=CheckState.OVERDUE)


def late_acknowledgements(*, before: dt.datetime) -> QuerySet[EnrollmentSync]:
    """Give the syncs whose acknowledgement to DACS was due before an instant and is still on its way."""
    return EnrollmentSync.objects.filter(ack_state=SyncAckState.WAITING, ack_due_at__lt=before)


def missing_acknowledgements(*, before: dt.datetime) -> QuerySet[EnrollmentSync]:
    """Give the syncs that DERMS took before an instant and whose acknowledgement it has not sent."""
    return EnrollmentSync.objects.filter(ack_state=SyncAckState.EXPECTED, answered_at__lt=before)


def undelivered_acknowledgements() -> QuerySet[EnrollmentSync]:
    """Give the syncs whose acknowledgement could not be delivered to DACS."""
    return EnrollmentSync.objects.filter(ack_state=SyncAckState.FAILED)


def open_incidents() -> QuerySet[Incident]:
    """Give the incidents that nobody has closed."""
    return Incident.objects.filter(closed_at__isnull=True)


def late_schedules(*, before: dt.datetime) -> QuerySet[FlowSchedule]:
    """Give the schedules that are on and were due before an instant."""
    return FlowSchedule.objects.filter(enabled=True, next_due_at__lt=before)


def open_pauses() -> QuerySet[Pause]:
    """Give the pauses that hold something now."""
    return Pause.objects.filter(resumed_at__isnull=True)


def unmapped_codes() -> QuerySet[UnmappedCode]:
    """Give the codes that came in messages and that their lookup does not hold."""
    return UnmappedCode.objects.filter(mapped_at__isnull=True)


def look_of(*, user_id: int) -> HomeLook | None:
    """Give when a person looked at the home page; None: never."""
    return HomeLook.objects.filter(pk=user_id).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowWork:
    """Runs of one flow that need something: a worker, or a person."""

    flow: Flow
    waiting: int
    at_work: int
    failed: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWork:
    """The runs of all flows that need something; with so many that they were not all counted, flows have a part."""

    failed: Counted
    new: Counted
    waiting: Counted
    at_work: Counted
    flows: list[FlowWork] = field(default_factory=list)

    @property
    def partly(self) -> bool:
        """Whether the numbers of single flows are of a part only."""
        return self.failed.more or self.waiting.more or self.at_work.more


def run_work(*, since: dt.datetime, at_most: int = COUNTED) -> RunWork:
    """
    Count the failed runs, those that failed after `since`, those that wait and those at work: three queries.

    Two partial indexes lead to them, whatever number of runs has succeeded; none is read further than `at_most`.
    """
    failed_rows = first_by_values(
        FlowRun.objects.filter(state=RunState.FAILED)
        .annotate(is_new=Case(When(finished_at__gt=since, then=1), default=0))
        .order_by("-finished_at"),
        "flow_id",
        "is_new",
        at_most=at_most,
    )
    states = first_by_values(
        FlowRun.objects.filter(state__in=UNFINISHED_STATES).order_by(), "flow_id", "state", at_most=at_most
    )
    flows = [
        FlowWork(
            flow=flow,
            waiting=states.get((flow.pk, RunState.RECEIVED), 0),
            at_work=states.get((flow.pk, RunState.IN_PROGRESS), 0),
            failed=failed_rows.get((flow.pk, 0), 0) + failed_rows.get((flow.pk, 1), 0),
            new=failed_rows.get((flow.pk, 1), 0),
        )
        for flow in Flow.objects.order_by("display_name", "pk")
    ]
    many = sum(states.values()) > at_most
    return RunWork(
        failed=Counted.of(sum(failed_rows.values()), at_most=at_most),
        new=Counted.of(sum(each.new for each in flows), at_most=at_most),
        waiting=Counted(sum(each.waiting for each in flows), more=many),
        at_work=Counted(sum(each.at_work for each in flows), more=many),
        flows=[each for each in flows if each.waiting or each.at_work or each.failed],
    )


def runs_by_day(*, since: dt.date) -> Mapping[dt.date, Mapping[str, int]]:
    """Give how runs ended on the days (UTC) from `since` on; from the summaries, which are written with the runs."""
    rows = (
        FlowStatistics.objects.filter(day__gte=since)
        .values("day")
        .annotate(good=Sum("succeeded"), bad=Sum("failed"), stopped=Sum("aborted"))
        .order_by("day")
    )
    return {row["day"]: {"SUCCEEDED": row["good"], "FAILED": row["bad"], "ABORTED": row["stopped"]} for row in rows}
