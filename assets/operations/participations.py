"""
Who takes part in an event, as the DERMS tells it: reservations, a cancellation before the start, outcomes.

Each call is one segment of a file: all of it or nothing, without a query per row, and the same once more has no further
effect. The event's row is locked before the participations, which are written in the order of their devices, so that
segments of one event wait for each other at the end only and never in a circle.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Min

from assets.choices import EventStatus, ParticipationStatus, SubscriptionStatus, ToDoStatus, ToDoType
from assets.models import AssetToDo, ControllableDevice, Participation, ProgramEvent, SubscriptionDevice
from assets.operations import status
from foundation.kept_texts import kept


DeviceKey = tuple[str, str]
"""`(headEndSystem, nicId)`."""

_ROWS = 1_000
_NAMED_IN_TODO = 10
_MORE = "…"


class UnableToReserve(Exception):
    """The segment was refused, and nothing of it reserved."""


class DeviceNotEnrolled(UnableToReserve):
    """A device is not known, or in no active subscription."""

    def __init__(self, key: DeviceKey) -> None:
        super().__init__(kept(f"Device {key[0]}/{key[1]} is not enrolled in an active program"))


class EventCanceled(UnableToReserve):
    """The event was canceled before."""


class UnableToCancel(Exception):
    """The event stays as it is."""


class EventUnknown(UnableToCancel):
    """Nothing was ever reserved or reported for such an event."""


class EventStarted(UnableToCancel):
    """Only what has not started can be canceled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One device of a segment; a time that is None is the event's."""

    device: DeviceKey
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one device took part in an event."""

    event: str
    device: DeviceKey
    outcome: str
    participated_from: dt.datetime | None = None
    participated_to: dt.datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A device that is known, and the active subscription that it belongs to."""

    device_id: int
    subscription_id: int | None


@transaction.atomic
def reserve(
    *,
    event: str,
    category: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    reservations: Sequence[Reservation],
    at: dt.datetime,
) -> int:
    """
    Reserve the devices of one segment for an event, which is made when it is new; give how many devices these are.

    A device that is reserved for another event at the same time is not refused: what the DERMS may choose, the score
    tells it. A canceled reservation of the same event does not come back.

    :raises DeviceNotEnrolled: naming the first device that is in no active subscription.
    :raises EventCanceled: when the event was canceled.
    """
    known = _known(each.device for each in reservations)
    for each in reservations:
        if each.device not in known or known[each.device].subscription_id is None:
            raise DeviceNotEnrolled(each.device)
    found = _events([event], at=at)[event]
    if found.status == EventStatus.CANCELED:
        raise EventCanceled(f"Event {event} is canceled.")
    told = {"category": category, "starts_at": starts_at, "ends_at": ends_at}
    if any(getattr(found, name) != value for name, value in told.items()):
        ProgramEvent.objects.filter(pk=found.pk).update(**told, changed_at=at)
    rows = {
        known[each.device].device_id: Participation(
            event=found,
            device_id=known[each.device].device_id,
            subscription_id=known[each.device].subscription_id,
            reserved_from=each.starts_at or starts_at,
            reserved_to=each.ends_at or ends_at,
            changed_at=at,
        )
        for each in reservations
    }
    _write(rows.values(), fields=["subscription", "reserved_from", "reserved_to", "changed_at"])
    return len(rows)


@transaction.atomic
def cancel(*, event: str, message: str, at: dt.datetime) -> int:
    """
    Cancel an event before it starts, with all its reservations; give how many were canceled now.

    :raises EventUnknown: when there is no such event.
    :raises EventStarted: when its start has passed, or was never told.
    """
    found = ProgramEvent.objects.select_for_update().filter(external_identifier=event).first()
    if found is None:
        raise EventUnknown(f"Event {event} is not known.")
    if found.status == EventStatus.CANCELED:
        return 0
    if found.starts_at is None or found.starts_at <= at:
        raise EventStarted(f"Event {event} has started.")
    status.note(found, before=found.status, after=EventStatus.CANCELED, at=at, reason=message)
    ProgramEvent.objects.filter(pk=found.pk).update(status=EventStatus.CANCELED, cancel_message=message, changed_at=at)
    return Participation.objects.filter(event=found, status=ParticipationStatus.RESERVED).update(
        status=ParticipationStatus.CANCELED, changed_at=at
    )


@transaction.atomic
def report(*, outcomes: Sequence[Outcome], at: dt.datetime) -> int:
    """
    Keep the outcomes of one segment, of one event or several; give how many devices were known.

    An event that was reserved elsewhere is made. A device that nobody knows becomes work for a person: one To Do for
    each event, which names the devices.
    """
    known = _known(each.device for each in outcomes)
    events = _events({each.event for each in outcomes}, at=at)
    rows: dict[tuple[int, int], Participation] = {}
    strangers: defaultdict[str, list[DeviceKey]] = defaultdict(list)
    for each in outcomes:
        device, event = known.get(each.device), events[each.event]
        if device is None:
            strangers[each.event].append(each.device)
            continue
        rows[(event.pk, device.device_id)] = Participation(
            event=event,
            device_id=device.device_id,
            subscription_id=device.subscription_id,
            reserved_from=event.starts_at,
            reserved_to=event.ends_at,
            status=ParticipationStatus.REPORTED,
            outcome=each.outcome,
            participated_from=each.participated_from,
            participated_to=each.participated_to,
            message=each.message,
            changed_at=at,
        )
    _write(
        rows.values(),
        fields=["status", "outcome", "participated_from", "participated_to", "message", "changed_at"],
    )
    for name, devices in sorted(strangers.items()):
        _ask_a_person(events[name], devices, at=at)
    return len(rows)


def _known(keys: Iterable[DeviceKey]) -> Mapping[DeviceKey, _Known]:
    """Give the devices that are known; of several active subscriptions of a device the oldest counts."""
    wanted = set(keys)
    devices = {
        (head_end, nic): pk
        for pk, head_end, nic in ControllableDevice.objects.filter(
            nic_id__in={nic for _, nic in wanted}, head_end_system__name__in={name for name, _ in wanted}
        ).values_list("pk", "head_end_system__name", "nic_id")
        if (head_end, nic) in wanted
    }
    enrolled = dict(
        SubscriptionDevice.objects.filter(
            device__in=devices.values(), removed_at__isnull=True, subscription__status=SubscriptionStatus.ACTIVE
        )
        .values("device_id")
        .annotate(subscription=Min("subscription_id"))
        .values_list("device_id", "subscription")
    )
    return {key: _Known(device_id=pk, subscription_id=enrolled.get(pk)) for key, pk in devices.items()}


def _events(names: Iterable[str], *, at: dt.datetime) -> dict[str, ProgramEvent]:
    """Give the events of these names, locked in the order of their keys; what is not there yet is made."""
    wanted = sorted(set(names))
    there = set(
        ProgramEvent.objects.filter(external_identifier__in=wanted).values_list("external_identifier", flat=True)
    )
    ProgramEvent.objects.bulk_create(
        [ProgramEvent(external_identifier=name, created_at=at, changed_at=at) for name in wanted if name not in there],
        ignore_conflicts=True,
    )
    locked = ProgramEvent.objects.select_for_update().filter(external_identifier__in=wanted).order_by("pk")
    return {event.external_identifier: event for event in locked}


def _write(rows: Iterable[Participation], *, fields: list[str]) -> None:
    Participation.objects.bulk_create(
        sorted(rows, key=lambda row: (row.event_id, row.device_id)),
        update_conflicts=True,
        unique_fields=["event", "device"],
        update_fields=fields,
        batch_size=_ROWS,
    )


def _ask_a_person(event: ProgramEvent, devices: Sequence[DeviceKey], *, at: dt.datetime) -> None:
    """Open the To Do of an event, or add these devices to the open one; the event is locked."""
    found = (
        AssetToDo.objects.filter(
            type=ToDoType.EVENT_OUTCOME, subject=ProgramEvent._meta.model_name, subject_id=str(event.pk)
        )
        .exclude(status=ToDoStatus.COMPLETE)
        .first()
    )
    names = [f"{head_end}/{nic}" for head_end, nic in devices]
    start = kept(f"Outcomes of event {event.external_identifier} for devices that are not known: ")
    before = found.summary.removeprefix(start).split(", ") if found is not None else []
    named = [name for name in dict.fromkeys([*before, *names]) if name != _MORE]
    shown = named[:_NAMED_IN_TODO] + ([_MORE] if len(named) > _NAMED_IN_TODO or _MORE in before else [])
    status.open_todo(kind=ToDoType.EVENT_OUTCOME, subject=event, summary=start + ", ".join(shown), at=at)
