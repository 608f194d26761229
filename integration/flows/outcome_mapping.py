"""
The map from a file of event outcomes to DACS's `postEventOutcome` (`integration.md` 3.8). Plain Python.

One file may hold several events (C-25). A 23A target takes the event at the root, so the rows of a segment are grouped
by event and each event is one call; from 24C on each item names its event, and a segment is one call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foundation.times import parse_instant
from integration.flows import message_fields
from integration.flows.contract import Finding, MessageRefused
from integration.flows.csv_rows import Layout, Row
from integration.flows.reservation_mapping import instant


EVENT_OUTCOME = "OUTL-BRT-DACS_DRMS_EventOutcome"
SUCCESSFUL = "D1SP"
MAX_ERROR_MESSAGE = 100

LENGTHS = {"drmsInstanceId": 60, "messageId": 120, "fileName": 255}
REQUIRED = ("drmsInstanceId", "messageId")
INSTANTS = ("reportStartDateTime", "reportEndDateTime")

RECORD_ID, EVENT_ID, NIC_ID, HEAD_END, CODE = "recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome"
START, END, ERROR_MESSAGE = "participationStartDateTime", "participationEndDateTime", "errorMessage"
LAYOUT = Layout(required=(RECORD_ID, EVENT_ID, NIC_ID, HEAD_END, CODE), optional=(START, END, ERROR_MESSAGE))
_CELLS = ((RECORD_ID, 120), (EVENT_ID, 120), (NIC_ID, 100), (HEAD_END, 50), (CODE, 30))
MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRequest:
    """The JSON part, checked; `message` is the whole of it."""

    drms_instance_id: str
    message_id: str
    file_name: str
    record_count: int | None
    message: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOutcome:
    """One row that is valid, with its outcome in DACS's words; times are UTC."""

    line: int
    record_id: str
    event_id: str
    nic_id: str
    head_end_system: str
    code: str
    outcome: str
    participated_from: dt.datetime | None
    participated_to: dt.datetime | None
    message: str

    @property
    def key(self) -> tuple[str, str, str]:
        """By what the row is known: event and device."""
        return self.event_id, self.head_end_system, self.nic_id

    @property
    def values(self) -> tuple[str, dt.datetime | None, dt.datetime | None, str]:
        """What it says of the device, as far as DACS gets it."""
        return self.outcome, self.participated_from, self.participated_to, self.sent_message

    @property
    def sent_message(self) -> str:
        """What DACS gets of the message, which says something for every outcome but the successful one."""
        return "" if self.outcome == SUCCESSFUL else self.message[:MAX_ERROR_MESSAGE]

    @property
    def cut(self) -> bool:
        """Whether DACS gets less than the whole message."""
        return self.outcome != SUCCESSFUL and len(self.message) > MAX_ERROR_MESSAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: its document, and the rows that it settles. `event_id` is empty when it holds several events."""

    document: Mapping[str, Any]
    rows: tuple[DeviceOutcome, ...]
    event_id: str = ""


def check_request(document: Any) -> OutcomeRequest:
    """
    Check the JSON part.

    :raises MessageRefused: with every misfit and its pointer.
    """
    if not isinstance(document, Mapping):
        finding = Finding(pointer="", code="invalid_type", message="the request is no object")
        raise MessageRefused("The request is no object", findings=[finding])
    findings = [
        *message_fields.texts(document, lengths=LENGTHS, required=REQUIRED),
        *message_fields.counts(document, names=("recordCount",)),
        *message_fields.instants(document, names=INSTANTS),
    ]
    if findings:
        message_id = document.get("messageId")
        raise MessageRefused(
            findings[0].message, findings=findings, message_id=message_id if isinstance(message_id, str) else ""
        )
    return OutcomeRequest(
        drms_instance_id=document["drmsInstanceId"],
        message_id=document["messageId"],
        file_name=document.get("fileName") or "",
        record_count=document.get("recordCount"),
        message=document,
    )


def why_refused(row: Row) -> tuple[str, str] | None:
    """Give the column and the reason for which a row is not valid; its outcome code is looked up later."""
    for name, longest in _CELLS:
        value = row.values[name]
        if not value:
            return name, f"{name} is required"
        if len(value) > longest:
            return name, f"{name} is longer than {longest} characters"
        if not value.isprintable():
            return name, f"{name} holds a character that cannot be printed"
    if len(row.values.get(ERROR_MESSAGE, "")) > MAX_TEXT:
        return ERROR_MESSAGE, f"{ERROR_MESSAGE} is longer than {MAX_TEXT} characters"
    for name in (START, END):
        value = row.values.get(name, "")
        if value and not message_fields.is_instant(value):
            return name, f"{name} {value[:40]!r} is no ISO 8601 date-time with Z or an offset"
    start, end = row.values.get(START, ""), row.values.get(END, "")
    if start and end and parse_instant(end) < parse_instant(start):
        return END, "the participation ends before its start"
    return None


def unknown_outcome(code: str) -> str:
    """Give the sentence for an outcome code that the lookup does not hold: never a guess (`integration.md` 3.8)."""
    return f"eventOutcome {code} is not in the lookup {EVENT_OUTCOME}"


def device_outcome(row: Row, *, outcome: str) -> DeviceOutcome:
    """Give what a valid row says; `outcome` in DACS's words."""
    start, end = row.values.get(START, ""), row.values.get(END, "")
    return DeviceOutcome(
        line=row.line,
        record_id=row.values[RECORD_ID],
        event_id=row.values[EVENT_ID],
        nic_id=row.values[NIC_ID],
        head_end_system=row.values[HEAD_END],
        code=row.values[CODE],
        outcome=outcome,
        participated_from=parse_instant(start) if start else None,
        participated_to=parse_instant(end) if end else None,
        message=row.values.get(ERROR_MESSAGE, ""),
    )


def calls(rows: Sequence[DeviceOutcome], *, event_in_items: bool) -> Iterator[Call]:
    """Give the calls of a segment, events in the order in which they come first."""
    if event_in_items:
        if rows:
            items = [{"eventExternalIdentifier": row.event_id, **_item(row)} for row in rows]
            yield Call(document={"postOutcomeList": items}, rows=tuple(rows))
        return
    by_event: dict[str, list[DeviceOutcome]] = {}
    for row in rows:
        by_event.setdefault(row.event_id, []).append(row)
    for event_id, group in by_event.items():
        yield Call(
            document={"eventExternalIdentifier": event_id, "postOutcomeList": [_item(row) for row in group]},
            rows=tuple(group),
            event_id=event_id,
        )


def event_in_items(target_release: str) -> bool:
    """Whether a target of this release takes the event's identifier in each item (from 24C on) or at the root."""
    return target_release.strip().upper() >= "24C"


def _item(row: DeviceOutcome) -> dict[str, str]:
    item = {"nicId": row.nic_id, "headEndSystem": row.head_end_system, "outcome": row.outcome}
    if row.participated_from is not None:
        item[START] = instant(row.participated_from)
    if row.participated_to is not None:
        item[END] = instant(row.participated_to)
    if row.sent_message:
        item[ERROR_MESSAGE] = row.sent_message
    return item
