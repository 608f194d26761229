"""Writes of events and of the ledger of reserved devices: each is reserved once for its event."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
_WRITTEN = ("segment", "head_end_system", "nic_id", "line", "starts_at", "ends_at")
# As many rows as one statement has parameters for on SQLite.
_WRITTEN_AT_ONCE = 5000
# Beyond, the lines are named one by one.
_MOST_STRETCHES = 32


class SegmentGone(LookupError):
    """The segment is no longer part of its file: a further attempt cut it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A segment and its devices."""

    segment: Segment
    devices: Sequence[Device]


@dataclass(slots=True, kw_only=True)
class Taken:
    """The devices of a segment for its event: to send now, how many are reserved already, and those that clash."""

    event_id: int
    to_send: Sequence[Device]
    settled: int = 0
    refused: list[tuple[Device, str]] = field(default_factory=list)


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
def take(*, request: ReservationRequest, run: FlowRun, shares: Sequence[Share], at: dt.datetime) -> list[Taken]:
    """
    Write the devices of segments of a run as being sent, and give those that each of them may send.

    A device that is reserved for the event in the same period is settled. One that another row holds in another
    period is refused: two rows would take turns.

    :raises SegmentGone: when one of the segments was deleted; nothing was written.
    """
    # Held until the rows are committed, as a foreign key of each of them would.
    segments = [share.segment.pk for share in shares]
    held = Segment.objects.select_for_update(no_key=True).filter(pk__any_of=segments).order_by("pk")
    gone = set(segments) - set(held.values_list("pk", flat=True))
    if gone:
        raise SegmentGone(f"{len(gone)} of {len(segments)} segments of run {run.pk} are no longer there.")
    event = Event.objects.only("state").get(drms_instance_id=request.drms_instance_id, external_id=request.event_id)
    if event.state != EventState.RESERVING:
        _move(request, EventState.RESERVING, at=at)
    first: dict[tuple[str, str], Device] = {}
    owners: dict[tuple[str, str], int] = {}
    found: list[Taken] = []
    for share in shares:
        taken = Taken(event_id=event.pk, to_send=share.devices)
        found.append(taken)
        keys = {device.key: device for device in share.devices}
        if len(keys) == len(share.devices) and first.keys().isdisjoint(keys):
            first |= keys
            owners |= dict.fromkeys(keys, share.segment.pk)
            continue
        taken.to_send = _first_of_each(share, taken, first, owners)
    new = _insert(event, run, first, owners, at=at)
    if new < len(first):
        _take_known(event, run, first, owners, dict(zip(segments, found, strict=True)), at=at)
    return found


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


def _first_of_each(
    share: Share, taken: Taken, first: dict[tuple[str, str], Device], owners: dict[tuple[str, str], int]
) -> list[Device]:
    """Give the devices that no row before holds; the others are settled or refused by what that row says."""
    mine: list[Device] = []
    for device in share.devices:
        earlier = first.setdefault(device.key, device)
        if earlier is device:
            owners[device.key] = share.segment.pk
            mine.append(device)
        elif (earlier.starts_at, earlier.ends_at) == (device.starts_at, device.ends_at):
            taken.settled += 1
        else:
            taken.refused.append((device, _clash(device, earlier.line)))
    return mine


def _insert(
    event: Event,
    run: FlowRun,
    devices: Mapping[tuple[str, str], Device],
    owners: Mapping[tuple[str, str], int],
    *,
    at: dt.datetime,
) -> int:
    """Write the devices that the event has not yet; give how many there were."""
    # Ids and not objects: a file may have a million rows.
    shared = {
        "event": event.pk,
        "run": run.pk,
        "state": ReservationState.SENDING,
        "message": "",
        "changed_at": at,
    }
    rows = [
        # In one order for all, so that two workers with the same devices do not wait for each other.
        (owners[key], device.head_end_system, device.nic_id, device.line, device.starts_at, device.ends_at)
        for key, device in sorted(devices.items())
    ]
    return sum(
        insert_new(Reservation, shared=shared, names=_WRITTEN, rows=rows[start : start + _WRITTEN_AT_ONCE])
        for start in range(0, len(rows), _WRITTEN_AT_ONCE)
    )


def _take_known(
    event: Event,
    run: FlowRun,
    devices: Mapping[tuple[str, str], Device],
    owners: Mapping[tuple[str, str], int],
    taken: Mapping[int, Taken],
    *,
    at: dt.datetime,
) -> None:
    """Take over what the event has already, and leave alone what is reserved or on its way."""
    known = {
        (row.head_end_system, row.nic_id): row
        for row in Reservation.objects.select_for_update()
        .filter(event=event, nic_id__any_of=[device.nic_id for device in devices.values()])
        .order_by("head_end_system", "nic_id")
        .values_list(*_KNOWN, named=True)
    }
    to_send: dict[int, list[Device]] = {segment: [] for segment in taken}
    mine: dict[int, dict[str, Any]] = {}
    for key, device in devices.items():
        row, segment = known[key], owners[key]
        own = row.run_id == run.pk and row.line == device.line
        same = (row.starts_at, row.ends_at) == (device.starts_at, device.ends_at)
        reserved = row.state == ReservationState.RESERVED
        on_its_way = not own and row.state == ReservationState.SENDING and row.run_id == run.pk
        if (reserved and (own or same)) or (on_its_way and same):
            taken[segment].settled += 1
        elif not own and not same and row.state in (ReservationState.RESERVED, ReservationState.SENDING):
            taken[segment].refused.append((device, _clash(device, row.line)))
        else:
            to_send[segment].append(device)
            if own and row.state == ReservationState.SENDING and row.segment_id == segment:
                continue
            mine[row.pk] = {
                "run": run.pk,
                "segment": segment,
                "line": device.line,
                "starts_at": device.starts_at,
                "ends_at": device.ends_at,
                "state": ReservationState.SENDING,
                "message": "",
                "changed_at": at,
            }
    update_each(Reservation, mine)
    for segment, devices_to_send in to_send.items():
        taken[segment].to_send = devices_to_send


def _settle(
    event_id: int,
    run: FlowRun,
    devices: Iterable[Device],
    *,
    state: ReservationState,
    message: str,
    at: dt.datetime,
) -> None:
    lines = sorted(device.line for device in devices)
    if not lines:
        return
    stretches = _stretches(lines)
    if len(stretches) <= _MOST_STRETCHES:
        # Segments that went through whole, as almost all do, are stretches of lines.
        chosen = Q()
        for stretch in stretches:
            chosen |= Q(line__range=stretch)
    else:
        chosen = Q(line__any_of=lines)
    Reservation.objects.filter(chosen, run=run, event=event_id).update(state=state, message=message, changed_at=at)


def _stretches(lines: Sequence[int]) -> list[tuple[int, int]]:
    """Give the first and last of lines that follow each other; they are in order, each once."""
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(lines):
        # The end of a stretch is where the lines stop to be as far from its start as their places.
        end = bisect.bisect_right(range(len(lines)), lines[start] - start, lo=start, key=lambda at: lines[at] - at)
        found.append((lines[start], lines[end - 1]))
        start = end
    return found


def _move(request: ReservationRequest, state: EventState, *, at: dt.datetime) -> None:
    Event.objects.filter(drms_instance_id=request.drms_instance_id, external_id=request.event_id).exclude(
        state__in=[EventState.CANCELED, EventState.COMPLETED, state]
    ).update(state=state, changed_at=at)


def _clash(device: Device, line: int) -> str:
    return kept(
        f"Device {device.head_end_system}/{device.nic_id} is reserved for the event in another period already "
        f"(line {line})"
    )
