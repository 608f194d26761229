"""The part of DACS that knows events (X1-ProgramEventParticipation): reservations, cancellations, outcomes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.exchange import PeerAnswer, PeerRequest
from sandbox.problems import problem


NOT_VALID = 11301
EVENT_NOT_KNOWN = 11302
EVENT_STARTED = 11303
DEVICE_NOT_ENROLLED = 11304

_EVENT_TYPES = {"X1EC", "X1EM", "X1RE", "X1DT"}
_OUTCOMES = {"D1SP", "D1CN", "D1ER", "D1IO", "D1ND"}


class Participation:
    """
    Events with their reservations and outcomes.

    A `nicId` that ends in `999` is not enrolled: a reservation that names it is refused, an outcome for it
    raises a To Do. Posting a row twice has one effect.
    """

    def __init__(self, *, todos: list[str]) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.reservations: dict[tuple[str, str, str], int] = {}
        self.outcomes: dict[tuple[str, str, str], str] = {}
        self._todos = todos

    def reserve(self, request: PeerRequest) -> PeerAnswer:
        """Reserve the devices of one segment, all or none."""
        document = request.json_object()
        event = str(document.get("eventExternalIdentifier") or "")
        start, end = _instant(document.get("eventStartDateTime")), _instant(document.get("eventEndDateTime"))
        devices = _devices(document.get("deviceList"))
        if not 0 < len(event) <= 120 or document.get("eventType") not in _EVENT_TYPES or not devices:
            return problem(request, detail="The event or its deviceList is not valid.", number=NOT_VALID)
        if start is None or end is None or end <= start:
            return problem(request, detail="The event's period is not valid.", number=NOT_VALID)
        for head_end, nic in devices:
            if nic.endswith("999"):
                return problem(
                    request,
                    detail=f"Device {head_end}/{nic} is not enrolled in an active program",
                    number=DEVICE_NOT_ENROLLED,
                )
        self.events.setdefault(event, {"start": start.isoformat(), "state": "SCHEDULED"})
        for head_end, nic in devices:
            key = (event, head_end, nic)
            self.reservations[key] = self.reservations.get(key, 0) + 1
        return PeerAnswer(status=200, document={"eventExternalIdentifier": event, "reserved": len(devices)})

    def cancel(self, request: PeerRequest) -> PeerAnswer:
        """Cancel an event before it starts, with all its reservations."""
        document = request.json_object()
        event = str(document.get("eventExternalIdentifier") or "")
        if len(str(document.get("cancelMessage") or "")) > 100:
            return problem(request, detail="cancelMessage has at most 100 characters.", number=NOT_VALID)
        known = self.events.get(event)
        if known is None:
            return problem(request, detail=f"Event {event} is not known.", number=EVENT_NOT_KNOWN)
        if datetime.fromisoformat(known["start"]) <= request.received_at:
            return problem(request, detail=f"Event {event} has started.", number=EVENT_STARTED)
        known["state"] = "CANCELED"
        return PeerAnswer(status=200, document={"eventExternalIdentifier": event, "status": "CANCELED"})

    def outcome(self, request: PeerRequest) -> PeerAnswer:
        """
        Take outcomes; a business problem raises a To Do instead of a fault.

        The event is named once at the root (23A) or in each item (24C), never in both.
        """
        document = request.json_object()
        event = str(document.get("eventExternalIdentifier") or "")
        rows = document.get("postOutcomeList")
        devices = _devices(rows)
        if not devices or not isinstance(rows, list):
            return problem(request, detail="postOutcomeList is not valid.", number=NOT_VALID)
        if any(bool(row.get("eventExternalIdentifier")) == bool(event) for row in rows):
            return problem(request, detail="eventExternalIdentifier is not valid.", number=NOT_VALID)
        for row in rows:
            if row.get("outcome") not in _OUTCOMES or len(str(row.get("errorMessage") or "")) > 100:
                return problem(request, detail="An outcome or errorMessage is not valid.", number=NOT_VALID)
        for (head_end, nic), row in zip(devices, rows, strict=True):
            of_event = event or str(row["eventExternalIdentifier"])
            self.outcomes[(of_event, head_end, nic)] = row["outcome"]
            if nic.endswith("999"):
                self._todos.append(f"Outcome of event {of_event} for {head_end}/{nic}, which is not enrolled")
        where = {"eventExternalIdentifier": event} if event else {}
        return PeerAnswer(status=200, document={**where, "posted": len(rows)})

    def state(self) -> dict[str, Any]:
        """Give events, reservations and outcomes; a reservation shows how often it arrived."""
        return {
            "events": dict(self.events),
            "reservations": {"/".join(key): arrivals for key, arrivals in self.reservations.items()},
            "outcomes": {"/".join(key): outcome for key, outcome in self.outcomes.items()},
        }

    def reset(self) -> None:
        """Forget all events."""
        self.events.clear()
        self.reservations.clear()
        self.outcomes.clear()


def _devices(rows: Any) -> list[tuple[str, str]]:
    """Give `(headEndSystem, nicId)` of each row; empty when one of them is not whole."""
    if not isinstance(rows, list):
        return []
    found = []
    for row in rows:
        if not isinstance(row, dict) or not row.get("nicId") or not row.get("headEndSystem"):
            return []
        found.append((str(row["headEndSystem"]), str(row["nicId"])))
    return found


def _instant(value: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return instant if instant.tzinfo else None
