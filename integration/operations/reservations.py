"""Writes of events and of the ledger of reserved devices: each is reserved once for its event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from foundation.bulk_writes import insert_new, update_each
from foundation.kept_texts import kept
from integration.choices import EventState, ReservationState
from integration.flows.reservation_mapping import Device, ReservationRequest
from integration.models import Event, FlowRun, Reservation, Segment


MESSAGE_LENGTH = 500
_KNOWN = ("pk", "head_end_system", "nic_id", "run_id", "segment_id", "line", "starts_at", "ends_at", "state")


class SegmentGone(LookupError):
    """The segment is no longer part of its file: a further attempt cut it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The devices of a segment for its event: to send now, how many are reserved already, and those that clash."""

    event_id: int
    to_send: Sequence[Device]
    settled: int
    refused: Sequence[tuple[Device, str]]


def event_received(*, request: ReservationRequest, at: dt.datetime) -> Event:
    """Write an event as its message describes it; one that ended stays ended."""
    described = {
        "event_type": request.event_type,
        "event_status": request.event_status,
        "starts_at": request.starts_at,
        "ends_at": request.ends_at,
        "changed_at": at,
    }
    event, _ = Event.objects.update_or_create(
        drms_instance_id=request.drms_instance_id,
        external_id=request.event_id,
        defaults=described,
        create_defaults={**described, "first_seen_at": at},
    )
    return event


def event_ended(*, request: ReservationRequest, complete: bool, at: dt.datetime) -> None:
    """Say whether all devices of the latest message are reserved; a cancelled or completed event stays so."""
    _move(request, EventState.RESERVED if complete else EventState.INCOMPLETE, at=at)


@transaction.atomic
def take(
    *, request: ReservationRequest, run: FlowRun, segment: Segment, devices: Sequence[Device], at: dt.datetime
) -> Taken:
    """
    Write devices as being sent, and give those that this segment may send.

    A device that is reserved for the event in the same period is settled. One that another row holds in another
    period is refused: two rows would take turns.

    :raises SegmentGone: when the segment was deleted; nothing was written.
    """
    # Held until the rows are committed, as a foreign key of each of them would.
    if not Segment.objects.select_for_update(no_key=True).filter(pk=segment.pk).exists():
        raise SegmentGone(f"Segment {segment.number} of run {run.pk} is no longer there.")
    event = Event.objects.only("state").get(drms_instance_id=request.drms_instance_id, external_id=request.event_id)
    if event.state != EventState.RESERVING:
        _move(request, EventState.RESERVING, at=at)
    first: dict[tuple[str, str], Device] = {}
    settled = 0
    refused: list[tuple[Device, str]] = []
    for device in devices:
        earlier = first.setdefault(device.key, device)
        if earlier is not device:
            if (earlier.starts_at, earlier.ends_at) == (device.starts_at, device.ends_at):
                settled += 1
            else:
                refused.append((device, _clash(device, earlier.line)))
    new = insert_new(
        Reservation,
        # Ids and not objects: a file may have a million rows.
        shared={
            "event": event.pk,
            "run": run.pk,
            "segment": segment.pk,
            "state": ReservationState.SENDING,
            "message": "",
            "changed_at": at,
        },
        names=("head_end_system", "nic_id", "line", "starts_at", "ends_at"),
        rows=[
            # In one order for all, so that two segments with the same devices do not wait for each other.
            (device.head_end_system, device.nic_id, device.line, device.starts_at, device.ends_at)
            for _, device in sorted(first.items())
        ],
    )
    if new == len(first):
        return Taken(event_id=event.pk, to_send=list(first.values()), settled=settled, refused=refused)
    known = {
        (row.head_end_system, row.nic_id): row
        for row in Reservation.objects.select_for_update()
        .filter(event=event, nic_id__in=[device.nic_id for device in first.values()])
        .values_list(*_KNOWN, named=True)
    }
    to_send: list[Device] = []
    mine: dict[int, dict[str, Any]] = {}
    for device in first.values():
        row = known[device.key]
        own = row.run_id == run.pk and row.line == device.line
        same = (row.starts_at, row.ends_at) == (device.starts_at, device.ends_at)
        reserved = row.state == ReservationState.RESERVED
        on_its_way = not own and row.state == ReservationState.SENDING and row.run_id == run.pk
        if (reserved and (own or same)) or (on_its_way and same):
            settled += 1
        elif not own and not same and row.state in (ReservationState.RESERVED, ReservationState.SENDING):
            refused.append((device, _clash(device, row.line)))
        else:
            to_send.append(device)
            if own and row.state == ReservationState.SENDING and row.segment_id == segment.pk:
                continue
            mine[row.pk] = {
                "run": run.pk,
                "segment": segment.pk,
                "line": device.line,
                "starts_at": device.starts_at,
                "ends_at": device.ends_at,
                "state": ReservationState.SENDING,
                "message": "",
                "changed_at": at,
            }
    update_each(Reservation, mine)
    return Taken(event_id=event.pk, to_send=to_send, settled=settled, refused=refused)


def settle(
    *,
    event_id: int,
    run: FlowRun,
    reserved: Sequence[Device] = (),
    refused: Sequence[tuple[Device, str]] = (),
    failed: Sequence[tuple[Device, str]] = (),
    at: dt.datetime,
) -> None:
    """Write what became of devices that a segment sent."""
    _settle(event_id, run, reserved, state=ReservationState.RESERVED, message="", at=at)
    for state, told in ((ReservationState.REFUSED, refused), (ReservationState.FAILED, failed)):
        texts: dict[str, list[Device]] = {}
        for device, text in told:
            texts.setdefault(text[:MESSAGE_LENGTH], []).append(device)
        for text, devices in texts.items():
            _settle(event_id, run, devices, state=state, message=text, at=at)


def forget(*, run: FlowRun, at: dt.datetime) -> int:
    """Let every device of a run be sent again; give how many there are."""
    return Reservation.objects.filter(run=run).update(state=ReservationState.FAILED, message="", changed_at=at)


def _settle(
    event_id: int,
    run: FlowRun,
    devices: Iterable[Device],
    *,
    state: ReservationState,
    message: str,
    at: dt.datetime,
) -> None:
    lines = [device.line for device in devices]
    if not lines:
        return
    first, last = min(lines), max(lines)
    # A segment that went through whole, as almost all do, is one stretch of lines.
    whole = last - first + 1 == len(lines)
    chosen = Q(line__range=(first, last)) if whole else Q(line__in=lines)
    Reservation.objects.filter(chosen, run=run, event=event_id).update(state=state, message=message, changed_at=at)


def _move(request: ReservationRequest, state: EventState, *, at: dt.datetime) -> None:
    Event.objects.filter(drms_instance_id=request.drms_instance_id, external_id=request.event_id).exclude(
        state__in=[EventState.CANCELED, EventState.COMPLETED, state]
    ).update(state=state, changed_at=at)


def _clash(device: Device, line: int) -> str:
    return kept(
        f"Device {device.head_end_system}/{device.nic_id} is reserved for the event in another period already "
        f"(line {line})"
    )
