"""
Reconciliation: where two sides of an exchange do not tell the same, as sets of rows (`integration.md` 7).

Every function gives a queryset in a stable order, built of one statement that the database answers by its indexes;
whoever asks counts, pages or streams it. What is compared are the ledgers of this hub; with the DACS side on, also what
became of an enrollment and of a sync request there, and the filter by program.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from assets.choices import EnrollmentKind, ParticipationOutcome, SubscriptionStatus, SyncFault, SyncStatus
from assets.models import Enrollment, ProgramSubscription, SubscriptionDevice, SyncRequest
from integration.choices import (
    CheckAnswerState,
    CheckState,
    EventState,
    OutcomeState,
    RecordState,
    ReservationState,
    SyncAckState,
)
from integration.models import DeviceStatusCheck, EnrollmentRecord, EnrollmentSync, Event, Outcome, Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    What a person narrowed a view to; empty: everything.

    `since` is inclusive, `until` is not; both are instants. `event` is DERMS's id of an event, `instance` the DERMS
    that names it so, `program` the code of a program of the DACS side. `hours`: what is younger than that, before `at`,
    is not missed yet.
    """

    at: dt.datetime
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    event: str = ""
    instance: str = ""
    program: str = ""
    hours: int = 24

    @property
    def overdue_since(self) -> dt.datetime:
        """The latest instant at which something must have happened to be missed by now."""
        return self.at - dt.timedelta(hours=self.hours)


# --- Enrollments


def enrollments(selection: Selection, *states: RecordState) -> QuerySet[EnrollmentRecord]:
    """Give records of enrollment requests that went to DACS, in these states of their acknowledgement; none: all."""
    rows = EnrollmentRecord.objects.order_by("-received_at", "-pk")
    rows = _between(rows, "received_at", selection)
    if selection.program:
        rows = rows.filter(Exists(_enrolled(subscription__program__code=selection.program)))
    return rows.filter(state__in=states) if states else rows


def with_subscription(rows: QuerySet[EnrollmentRecord]) -> QuerySet[Any]:
    """Annotate records with the subscription of the DACS side that they led to, its state and its program."""
    found = _enrolled()
    return rows.annotate(
        subscription=Subquery(found.values("subscription__usage_subscription__identifier")[:1]),
        subscription_status=Subquery(found.values("subscription__status")[:1]),
        program_code=Subquery(found.values("subscription__program__code")[:1]),
    )


def enrollments_active(selection: Selection) -> QuerySet[EnrollmentRecord]:
    """Give records whose subscription is active at the DACS side, whatever was acknowledged."""
    return enrollments(selection).filter(Exists(_active()))


def enrollments_acknowledged_not_active(selection: Selection) -> QuerySet[EnrollmentRecord]:
    """Give records that DACS acknowledged, and whose subscription is not active."""
    return enrollments(selection, RecordState.SUCCESS).filter(~Exists(_active()))


def enrollments_active_not_acknowledged(selection: Selection) -> QuerySet[EnrollmentRecord]:
    """Give records that the DERMS holds for failed or unanswered, and whose subscription is active all the same."""
    return enrollments(selection).exclude(state=RecordState.SUCCESS).filter(Exists(_active()))


def _enrolled(**conditions: Any) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(transaction_id=OuterRef("message_id"), kind=EnrollmentKind.ENROLL, **conditions)


def _active() -> QuerySet[Enrollment]:
    return _enrolled(subscription__status=SubscriptionStatus.ACTIVE)


# --- Events: reservations and outcomes


def events(selection: Selection) -> QuerySet[Any]:
    """Give events with how many devices were `requested`, `reserved`, `participated` and `reported` for each."""
    return _events(selection).annotate(
        requested=_of_event(reservations, selection),
        reserved=_of_event(lambda chosen: reservations(chosen, ReservationState.RESERVED), selection),
        participated=_of_event(reservations_participated, selection),
        reported=_of_event(outcomes, selection),
    )


def number_by_event(rows: Callable[[Selection], QuerySet[Any]], selection: Selection) -> int:
    """
    Give how many of these rows of devices there are, counted event by event.

    What an event's devices are compared with is read once for the event. Over all events at once the database takes
    three columns that say the same for three conditions, and looks each device up by itself.
    """
    counted = _events(selection).annotate(number=_of_event(rows, selection))
    total: int | None = counted.aggregate(total=Sum("number"))["total"]
    return total or 0


def reservations(selection: Selection, *states: ReservationState) -> QuerySet[Reservation]:
    """Give devices that a reservation was requested for, in these states; none: all."""
    rows = _devices(Reservation.objects.select_related("event"), selection)
    return rows.filter(state__in=states) if states else rows


def reservations_participated(selection: Selection) -> QuerySet[Reservation]:
    """Give reserved devices that took part."""
    took_part = Exists(_outcomes(outcome=ParticipationOutcome.SUCCESSFUL))
    return reservations(selection, ReservationState.RESERVED).filter(took_part)


def reservations_without_outcome(selection: Selection) -> QuerySet[Reservation]:
    """
    Give reserved devices of which nothing was reported, though their time ended `hours` ago or longer.

    A canceled event has no outcomes to wait for; of one whose end nobody told, nothing is missed.
    """
    return (
        reservations(selection, ReservationState.RESERVED)
        .alias(over_at=Coalesce(F("ends_at"), F("event__ends_at")))
        .filter(over_at__lte=selection.overdue_since)
        .exclude(event__state=EventState.CANCELED)
        .filter(~Exists(_outcomes()))
    )


def outcomes(selection: Selection) -> QuerySet[Outcome]:
    """Give outcomes that were reported."""
    return _devices(Outcome.objects.select_related("event"), selection)


def outcomes_without_reservation(selection: Selection) -> QuerySet[Outcome]:
    """Give outcomes of devices that are not reserved for the event here, whether asked for or not."""
    return outcomes(selection).filter(~Exists(_reservations(state=ReservationState.RESERVED)))


def with_reservation_state(rows: QuerySet[Outcome]) -> QuerySet[Any]:
    """Annotate outcomes with the state of the reservation that there is; None: nobody asked for one."""
    return rows.annotate(reservation_state=Subquery(_reservations().values("state")[:1]))


def outcomes_not_taken(selection: Selection) -> QuerySet[Outcome]:
    """Give outcomes that DACS does not have: refused, or still to be posted again."""
    return outcomes(selection).exclude(state=OutcomeState.POSTED)


def _outcomes(**conditions: Any) -> QuerySet[Outcome]:
    return Outcome.objects.filter(**_SAME_DEVICE, **conditions)


def _reservations(**conditions: Any) -> QuerySet[Reservation]:
    return Reservation.objects.filter(**_SAME_DEVICE, **conditions)


_SAME_DEVICE = {
    "event": OuterRef("event"),
    "nic_id": OuterRef("nic_id"),
    "head_end_system": OuterRef("head_end_system"),
}


def _events(selection: Selection) -> QuerySet[Event]:
    rows = _between(Event.objects.order_by("-starts_at", "-pk"), "starts_at", selection)
    if selection.event:
        rows = rows.filter(external_id=selection.event)
    return rows.filter(drms_instance_id=selection.instance) if selection.instance else rows


def _devices(rows: QuerySet[Any], selection: Selection) -> QuerySet[Any]:
    rows = _in_program(_between(rows.order_by("-event_id", "nic_id", "pk"), "event__starts_at", selection), selection)
    if selection.event:
        rows = rows.filter(event__external_id=selection.event)
    return rows.filter(event__drms_instance_id=selection.instance) if selection.instance else rows


def _of_event(rows: Callable[[Selection], QuerySet[Any]], selection: Selection) -> Coalesce:
    """Count rows of the event of the outer query, which is one of those chosen."""
    of_any_event = replace(selection, since=None, until=None, event="", instance="")
    found = rows(of_any_event).filter(event=OuterRef("pk")).order_by().values("event")
    counted = found.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


# --- Acknowledgements


def syncs_without_acknowledgement(selection: Selection, *states: SyncAckState) -> QuerySet[EnrollmentSync]:
    """Give enrollment syncs that came `hours` ago or longer, and that DACS has no acknowledgement of."""
    rows = EnrollmentSync.objects.exclude(ack_state=SyncAckState.DELIVERED).order_by("received_at", "pk")
    rows = _between(rows.filter(received_at__lte=selection.overdue_since), "received_at", selection)
    if selection.program:
        known = ProgramSubscription.objects.filter(
            usage_subscription__identifier=OuterRef("subscription_id"), program__code=selection.program
        )
        rows = rows.filter(Exists(known))
    return rows.filter(ack_state__in=states) if states else rows


def sync_requests_without_acknowledgement(selection: Selection, *states: SyncStatus) -> QuerySet[SyncRequest]:
    """Give sync requests of the DACS side that were sent `hours` ago or longer, without an acknowledgement."""
    waiting = Q(status__in=[SyncStatus.SEND_REQUEST, SyncStatus.AWAITING_ACKNOWLEDGEMENT])
    given_up = Q(status=SyncStatus.ERROR, fault=SyncFault.OVERDUE)
    rows = SyncRequest.objects.filter(waiting | given_up, sent_at__lte=selection.overdue_since)
    rows = _between(rows, "sent_at", selection).select_related(
        "subscription__usage_subscription", "subscription__program"
    )
    if selection.program:
        rows = rows.filter(subscription__program__code=selection.program)
    return (rows.filter(status__in=states) if states else rows).order_by("sent_at", "pk")


def checks_without_answer(selection: Selection, *states: CheckState) -> QuerySet[DeviceStatusCheck]:
    """Give device status checks that DACS asked for `hours` ago or longer, and that DERMS has not answered."""
    rows = DeviceStatusCheck.objects.filter(
        state__in=states or (CheckState.IN_PROGRESS, CheckState.OPEN, CheckState.OVERDUE, CheckState.FAULT),
        asked_at__lte=selection.overdue_since,
    )
    return _in_program(_between(rows, "asked_at", selection), selection).order_by("asked_at", "pk")


def checks_answered_not_forwarded(selection: Selection) -> QuerySet[DeviceStatusCheck]:
    """Give checks that DERMS answered `hours` ago or longer, and whose answer DACS does not have."""
    rows = DeviceStatusCheck.objects.filter(
        answer_state__in=[CheckAnswerState.IN_PROGRESS, CheckAnswerState.FAILED],
        answered_at__lte=selection.overdue_since,
    )
    return _in_program(_between(rows, "answered_at", selection), selection).order_by("answered_at", "pk")


# --- What a person narrows a view to


def _between(rows: QuerySet[Any], field: str, selection: Selection) -> QuerySet[Any]:
    if selection.since is not None:
        rows = rows.filter(**{f"{field}__gte": selection.since})
    if selection.until is not None:
        rows = rows.filter(**{f"{field}__lt": selection.until})
    return rows


def _in_program(rows: QuerySet[Any], selection: Selection) -> QuerySet[Any]:
    """Narrow rows of devices to those that are, or were, in the program."""
    if not selection.program:
        return rows
    members = SubscriptionDevice.objects.filter(
        device__nic_id=OuterRef("nic_id"),
        device__head_end_system__name=OuterRef("head_end_system"),
        subscription__program__code=selection.program,
    )
    return rows.filter(Exists(members))
