"""
Event Device Reservation: what the message and its rows must hold, and what DACS gets of them (`integration.md` 3.6).

Plain Python.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from foundation.times import parse_instant
from integration.flows import message_fields
from integration.flows.contract import Finding, MessageRefused
from integration.flows.csv_blocks import Block
from integration.flows.csv_rows import Layout, Row


EVENT_TYPE = "OUTL-BRT-DACS_DRMS_EventType"
LENGTHS: Mapping[str, int] = {
    "drmsInstanceId": 60,
    "messageId": 120,
    "eventId": 120,
    "eventType": 60,
    "eventStatus": 60,
    "fileName": 255,
}
REQUIRED = ("drmsInstanceId", "messageId", "eventId", "eventType")
INSTANTS = ("eventStartDateTime", "eventEndDateTime")
RECORD_ID, NIC_ID, HEAD_END = "recordId", "nicId", "headEndSystemId"
START, END = "reservationStartDateTime", "reservationEndDateTime"
LAYOUT = Layout(required=(RECORD_ID, NIC_ID, HEAD_END), optional=(START, END))
_CELLS = ((RECORD_ID, 120), (NIC_ID, 100), (HEAD_END, 50))
# How far into an answer devices are looked for.
_DEEPEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationRequest:
    """The JSON part, checked; times are UTC. `message` is the whole of it."""

    drms_instance_id: str
    message_id: str
    event_id: str
    event_type: str
    event_status: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    file_name: str
    record_count: int | None
    message: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


class Device(msgspec.Struct, frozen=True, gc=False):
    """One row that is valid; an empty time means the event's."""

    line: int
    record_id: str
    nic_id: str
    head_end_system: str
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None

    @property
    def key(self) -> tuple[str, str]:
        """By what DACS knows the device."""
        return self.head_end_system, self.nic_id


def check_request(document: Any) -> ReservationRequest:
    """
    Check the JSON part.

    :raises MessageRefused: with a pointer for each misfit.
    """
    if not isinstance(document, Mapping):
        finding = Finding(pointer="", code="invalid_type", message="the request is no object")
        raise MessageRefused("The request is no object", findings=[finding])
    findings = [
        *message_fields.texts(document, lengths=LENGTHS, required=REQUIRED),
        *message_fields.instants(document, names=INSTANTS, required=INSTANTS),
        *message_fields.counts(document, names=("recordCount",)),
    ]
    if not findings:
        starts_at, ends_at = (parse_instant(document[name]) for name in INSTANTS)
        if ends_at <= starts_at:
            findings.append(
                Finding(
                    pointer="/eventEndDateTime",
                    code="invalid_period",
                    message="eventEndDateTime is not after eventStartDateTime",
                )
            )
    if findings:
        message_id = document.get("messageId")
        detail = findings[0].message if len(findings) == 1 else f"{len(findings)} members of the request are not valid"
        raise MessageRefused(detail, findings=findings, message_id=message_id if isinstance(message_id, str) else "")
    return ReservationRequest(
        drms_instance_id=document["drmsInstanceId"],
        message_id=document["messageId"],
        event_id=document["eventId"],
        event_type=document["eventType"],
        event_status=document.get("eventStatus") or "",
        starts_at=starts_at,
        ends_at=ends_at,
        file_name=document.get("fileName") or "",
        record_count=document.get("recordCount"),
        message=document,
    )


def unknown_event_type(request: ReservationRequest) -> MessageRefused:
    """Give the refusal of an event type that is in no lookup: never a guess (`integration.md` 4.3)."""
    message = f"eventType {request.event_type} has no value for DACS in the lookup {EVENT_TYPE}"
    return MessageRefused(
        message,
        findings=[Finding(pointer="/eventType", code="unknown_value", message=message)],
        message_id=request.message_id,
    )


def why_refused(row: Row, request: ReservationRequest) -> tuple[str, str] | None:
    """Give the column and the reason for which a row is not valid."""
    for name, longest in _CELLS:
        value = row.values[name]
        if not value:
            return name, f"{name} is required"
        if len(value) > longest:
            return name, f"{name} is longer than {longest} characters"
        if not value.isprintable():
            return name, f"{name} holds a character that cannot be printed"
    return _why_period_refused(row.values.get(START, ""), row.values.get(END, ""), request)


def suspects(block: Block, request: ReservationRequest) -> list[int]:
    """
    Give the places of the rows that `why_refused` has to judge, in order; it would refuse no other one.

    Columns are looked at as wholes, and each of their few periods once.
    """
    found: set[int] = set()
    for name, longest in _CELLS:
        cells = block.columns[name]
        printable = block.calm or "".join(cells).isprintable()
        if not printable or "" in cells or max(map(len, cells), default=0) > longest:
            found.update(
                place for place, cell in enumerate(cells) if not cell or len(cell) > longest or not cell.isprintable()
            )
    starts, ends = _times(block)
    periods: Iterable[tuple[str, str]] = itertools.product(set(starts), set(ends))
    if len(set(starts)) * len(set(ends)) > len(starts):
        periods = set(zip(starts, ends, strict=True))
    wrong = {period for period in periods if _why_period_refused(*period, request) is not None}
    if wrong:
        found.update(place for place, period in enumerate(zip(starts, ends, strict=True)) if period in wrong)
    return sorted(found)


def device(row: Row) -> Device:
    """Give the device of a valid row."""
    start, end = row.values.get(START, ""), row.values.get(END, "")
    return Device(
        line=row.line,
        record_id=row.values[RECORD_ID],
        nic_id=row.values[NIC_ID],
        head_end_system=row.values[HEAD_END],
        starts_at=parse_instant(start) if start else None,
        ends_at=parse_instant(end) if end else None,
    )


def devices(block: Block, *, without: Collection[int] = ()) -> list[Device]:
    """Give the devices of a block's rows, without those at the lines that are not valid."""
    columns = (block.lines, *(block.columns[name] for name, _ in _CELLS), *_times(block))
    if without:
        kept = [line not in without for line in block.lines]
        columns = tuple(list(itertools.compress(column, kept)) for column in columns)
    lines, records, nics, head_ends, starts, ends = columns
    read = {text: parse_instant(text) if text else None for text in {*starts, *ends}}
    return list(map(Device, lines, records, nics, head_ends, map(read.get, starts), map(read.get, ends)))


def segment_document(request: ReservationRequest, *, event_type: str, devices: Sequence[Device]) -> dict[str, Any]:
    """Give the body of `reserveDevice` for the devices of one segment; `event_type` in DACS's words."""
    return {
        "eventExternalIdentifier": request.event_id,
        "eventType": event_type,
        "eventStartDateTime": instant(request.starts_at),
        "eventEndDateTime": instant(request.ends_at),
        "deviceList": _entries(devices),
    }


def refusals(document: Any) -> dict[tuple[str, str], str]:
    """
    Give the devices that DACS refused inside a 200, by (headEndSystem, nicId), with its words.

    They stand in a list of the answer, each with an `exception`, or a `status` that is ERROR, FAILED or REJECTED.
    """
    found: dict[tuple[str, str], str] = {}
    if not isinstance(document, Mapping):
        return found
    for value in document.values():
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, Mapping) and entry.get("nicId") and (text := _refusal(entry)):
                found[(str(entry.get("headEndSystem") or ""), str(entry["nicId"]))] = text[:500]
    return found


def named(document: Any, reason: str, devices: Collection[Device]) -> dict[tuple[str, str], str]:
    """
    Give the devices that an answer means which refused all of them, with its words of each; empty where it names none.

    They stand in the answer with words of their own, or beside others that do not, or their nicId stands in its reason.
    An answer that repeats all devices and says nothing of any means none of them.
    """
    entries = dict(_entries_with_nic(document, depth=0))
    found = {key: text for key, text in entries.items() if text}
    if not found and len(entries) < len(devices):
        found = dict.fromkeys(entries, reason)
    words = set(re.findall(r"[\w.:-]+", reason))
    words |= {word.rstrip(".:-") for word in words}
    meant: dict[tuple[str, str], str] = {}
    for device in devices:
        text = found.get(device.key) or found.get(("", device.nic_id))
        if text is None and device.nic_id in words:
            text = reason
        if text is not None:
            meant[device.key] = text[:500]
    return meant


def _entries_with_nic(value: Any, *, depth: int) -> Iterator[tuple[tuple[str, str], str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        if value.get("nicId"):
            yield (str(value.get("headEndSystem") or ""), str(value["nicId"])), _refusal(value)
        for each in value.values():
            yield from _entries_with_nic(each, depth=depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _entries_with_nic(each, depth=depth + 1)


@functools.lru_cache(maxsize=4096)
def instant(value: dt.datetime) -> str:
    """Give an instant in true UTC as the guide writes it: seconds and `Z`, a fraction only when there is one."""
    timespec = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _times(block: Block) -> tuple[Sequence[str], Sequence[str]]:
    nothing = [""] * len(block.lines)
    return block.columns.get(START, nothing), block.columns.get(END, nothing)


def _why_period_refused(start: str, end: str, request: ReservationRequest) -> tuple[str, str] | None:
    for name, value in ((START, start), (END, end)):
        if value and not message_fields.is_instant(value):
            return name, f"{name} {value[:40]!r} is no ISO 8601 date-time with Z or an offset"
    if start or end:
        starts_at = parse_instant(start) if start else request.starts_at
        ends_at = parse_instant(end) if end else request.ends_at
        if ends_at <= starts_at:
            return END if end else START, "the reservation does not end after its start"
    return None


def _entries(devices: Sequence[Device]) -> list[dict[str, str]]:
    given = {each.starts_at for each in devices} | {each.ends_at for each in devices}
    written: dict[dt.datetime | None, str] = {value: instant(value) for value in given if value is not None}
    if len(written) == len(given):
        return [
            {
                "nicId": each.nic_id,
                "headEndSystem": each.head_end_system,
                START: written[each.starts_at],
                END: written[each.ends_at],
            }
            for each in devices
        ]
    entries = []
    for each in devices:
        entry = {"nicId": each.nic_id, "headEndSystem": each.head_end_system}
        if each.starts_at is not None:
            entry[START] = written[each.starts_at]
        if each.ends_at is not None:
            entry[END] = written[each.ends_at]
        entries.append(entry)
    return entries


def _refusal(entry: Mapping[str, Any]) -> str:
    exception = entry.get("exception")
    text = exception.get("messageText") if isinstance(exception, Mapping) else exception
    if isinstance(text, str) and text:
        return text
    status = str(entry.get("status") or entry.get("responseCode") or "").upper()
    if status in ("ERROR", "FAILED", "FAILURE", "REJECTED"):
        words = entry.get("message") or entry.get("value") or entry.get("errorMessage")
        return str(words or f"DACS gave the device the status {status}")
    return ""
