"""
Event Device Reservation: what the message and its rows must hold, and what DACS gets of them (`integration.md` 3.6).

Plain Python.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foundation.times import parse_instant
from integration.flows import message_fields
from integration.flows.contract import Finding, MessageRefused
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
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
    for name in (START, END):
        value = row.values.get(name, "")
        if value and not message_fields.is_instant(value):
            return name, f"{name} {value[:40]!r} is no ISO 8601 date-time with Z or an offset"
    start, end = row.values.get(START, ""), row.values.get(END, "")
    if start or end:
        starts_at = parse_instant(start) if start else request.starts_at
        ends_at = parse_instant(end) if end else request.ends_at
        if ends_at <= starts_at:
            return END if end else START, "the reservation does not end after its start"
    return None


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


def segment_document(request: ReservationRequest, *, event_type: str, devices: Sequence[Device]) -> dict[str, Any]:
    """Give the body of `reserveDevice` for the devices of one segment; `event_type` in DACS's words."""
    return {
        "eventExternalIdentifier": request.event_id,
        "eventType": event_type,
        "eventStartDateTime": instant(request.starts_at),
        "eventEndDateTime": instant(request.ends_at),
        "deviceList": [_entry(each) for each in devices],
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


@functools.lru_cache(maxsize=4096)
def instant(value: dt.datetime) -> str:
    """Give an instant in true UTC as the guide writes it: seconds and `Z`, a fraction only when there is one."""
    timespec = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _entry(each: Device) -> dict[str, str]:
    entry = {"nicId": each.nic_id, "headEndSystem": each.head_end_system}
    if each.starts_at is not None:
        entry["reservationStartDateTime"] = instant(each.starts_at)
    if each.ends_at is not None:
        entry["reservationEndDateTime"] = instant(each.ends_at)
    return entry


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
