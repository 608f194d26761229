"""
What a cancellation does to the reservation of its event: nothing new starts, and what is on its way is waited for.

Who reserves asks `cancellations.held_by` after its claim of a segment is committed and before the call. A cancellation
is committed before it looks for claims: either it sees the claim and waits, or the claim sees the cancellation.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from integration.choices import UNFINISHED_STATES, EventState, SegmentState
from integration.flows.contract import Fault
from integration.models import Event, FlowRun, Segment
from integration.operations import file_attempts, segments


RESERVATION_FLOW = "event_device_reservation"


def known_start(*, drms_instance_id: str, event_id: str) -> dt.datetime | None:
    """Give when the event starts, as its reservation message said; None when none came through here."""
    event = Event.objects.filter(drms_instance_id=drms_instance_id, external_id=event_id).first()
    return event.starts_at if event is not None else None


def stop_reservations(*, drms_instance_id: str, event_id: str, fault: Fault, at: dt.datetime) -> int:
    """Let no further segment of the event start; give how many are left that will be skipped."""
    runs = list(_reservations(drms_instance_id, event_id).filter(state__in=UNFINISHED_STATES))
    if not runs:
        return 0
    run_ids = [run.pk for run in runs]
    file_attempts.stop(run_ids=run_ids, fault=fault, at=at)
    left = Segment.objects.filter(run_id__in=run_ids, state=SegmentState.PENDING).count()
    for run in runs:
        # Somebody must end the attempt with its acknowledgement, also when nothing of it is on its way.
        file_attempts.wake(run)
    return left


def running_segments(*, drms_instance_id: str, event_id: str, at: dt.datetime) -> int:
    """Give how many segments of the event are on their way; one whose worker died is not."""
    run_ids = list(_reservations(drms_instance_id, event_id).values_list("pk", flat=True))
    return segments.in_flight(run_ids=run_ids, at=at)


def mark_cancelled(*, drms_instance_id: str, event_id: str, at: dt.datetime) -> None:
    """Show the event as cancelled, when it is known here."""
    Event.objects.filter(drms_instance_id=drms_instance_id, external_id=event_id).update(
        state=EventState.CANCELED, changed_at=at
    )


def _reservations(drms_instance_id: str, event_id: str) -> QuerySet[FlowRun]:
    return FlowRun.objects.select_related("flow").filter(
        flow__name=RESERVATION_FLOW,
        stored_file__drms_instance_id=drms_instance_id,
        identifiers__name="eventId",
        identifiers__value=event_id,
    )
