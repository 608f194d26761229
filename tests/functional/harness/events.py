"""What DERMS and DACS send about an event and its devices, and the addresses that they send it to."""

from __future__ import annotations

import csv
import io
import itertools
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.functional.harness.client import Client
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.records import iso, name


_GUIDE = "/ic/api/integration/v1/flows/oracleutilities/{}/1.0/{}"
SYNC = _GUIDE.format("OUTL-BA-DACS_DRMS_ENROLL_SYNC", "enroll")
SEND_ENROLL_ACK = _GUIDE.format("OUTL-BA-DRMS_DACS_SYNC_ACK", "sendEnrollAck")
STATUS_CHECK = _GUIDE.format("OUTL-BA-DACS_DRMS_DEVICE_STATUS", "status-check")
STATUS_ACK = _GUIDE.format("OUTL-BA-DRMS_DACS_DEV_STAT_ACK", "status-check-ack-to-dacs")
RESERVE = _GUIDE.format("OUTL_BA_DRMS_DACS_EVT_DVCRESV", "event-reservation-to-dacs")
CANCEL = _GUIDE.format("OUTL_BA_DRMS_DACS_PRE_EVENT_CANC", "event-cancellation-to-dacs")
OUTCOME = _GUIDE.format("OUTL-BA-DRMS_DACS_EVT_OUTC_TRNFR", "eventOutcome")

RESERVE_AT_DACS = "programEventParticipation/reserveDevice"
CANCEL_AT_DACS = "programEventParticipation/preEventCancellation"
OUTCOME_AT_DACS = "programEventParticipation/postEventOutcome"
HEALTH_AT_DACS = "common/healthCheck"
SYNC_REQUEST_AT_DACS = "common/sync/syncRequest/"

_numbers = itertools.count(1)
_session = secrets.randbelow(9_000) + 1_000


def fourteen_digits() -> str:
    """A key such as DACS gives to sync requests and communications."""
    return f"15{_session}{next(_numbers):08d}"


# Events


def nic(number: int) -> str:
    """A device that the simulated DACS takes for enrolled."""
    return f"41{number:08d}1"


def reservation(event: str = "", **fields: Any) -> dict[str, Any]:
    """The JSON part of a reservation, of an event in two days unless told otherwise."""
    start = datetime.now(tz=UTC).replace(microsecond=0) + timedelta(days=2)
    return {
        "drmsInstanceId": "NMS1",
        "messageId": name("DRMS-RSV"),
        "eventId": event or name("EVT"),
        "eventType": "ECONOMIC",
        "eventStatus": "SCHEDULED",
        "eventStartDateTime": iso(start),
        "eventEndDateTime": iso(start + timedelta(hours=3)),
        **fields,
    }


def reservation_file(devices: int) -> str:
    """The CSV part: one row per device, numbered from 1."""
    columns = ("recordId", "nicId", "headEndSystemId", "reservationStartDateTime", "reservationEndDateTime")
    return table(columns, [(number, nic(number), "ECOBEE", "", "") for number in range(1, devices + 1)])


def outcome(**fields: Any) -> dict[str, Any]:
    """The JSON part of an outcome file."""
    return {"drmsInstanceId": "NMS1", "messageId": name("DRMS-OUT"), **fields}


def outcome_file(rows: Sequence[tuple[str, str, str]]) -> str:
    """The CSV part: `(event, nicId, outcome)` per row."""
    columns = (
        *("recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome"),
        *("participationStartDateTime", "participationEndDateTime", "errorMessage"),
    )
    period = ("2023-06-02T00:00:00Z", "2023-06-02T02:00:00Z")
    lines = [
        (number, event, device, "ECOBEE", code, *period, "" if code == "0" else "Told by the head end")
        for number, (event, device, code) in enumerate(rows, start=1)
    ]
    return table(columns, lines)


def cancellation(event: str) -> dict[str, Any]:
    """A pre-event cancellation."""
    return {
        "drmsInstanceId": "NMS1",
        "messageId": name("DRMS-CAN"),
        "eventId": event,
        "cancellationMessageText": "Pre-empted by an emergency event",
    }


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def send_with_file(client: Client, path: str, document: dict[str, Any], content: str) -> requests.Response:
    """Send both parts as a form."""
    parts = {
        "request": (None, json.dumps(document), "application/json"),
        "file": (f"{document['messageId']}.csv", content.encode(), "text/csv"),
    }
    return client.post(path, files=parts)


def accepted(answer: requests.Response, document: dict[str, Any]) -> str:
    """See that a file was taken, and give the run's id."""
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["messageId"], body["ackType"]) == (document["messageId"], "SUCCESS")
    assert answer.headers["Location"].rstrip("/").endswith(body["instanceId"])
    return body["instanceId"]


def reserve(client: Client, document: dict[str, Any], content: str) -> str:
    """Send a reservation that is taken."""
    return accepted(send_with_file(client, RESERVE, document, content), document)


def acknowledgements(derms: Peer, kind: str, message_id: str) -> list[dict[str, Any]]:
    """The acknowledgements (`reservationAcks`, `outcomeAcks`) that DERMS got for a message."""
    return [ack for ack in derms.state()[kind] if ack["messageId"] == message_id]


def acknowledged(
    derms: Peer, message_id: str, *, kind: str = "reservationAcks", number: int = 1, seconds: float = 40
) -> dict[str, Any]:
    """Wait for the acknowledgement of a message; there is no other one but those before it."""

    def look() -> list[dict[str, Any]] | None:
        found = acknowledgements(derms, kind, message_id)
        return found if len(found) >= number else None

    found = wait_until(f"acknowledgement {number} of {message_id}", look, seconds=seconds)
    assert len(found) == number
    return found[-1]


def reserved(dacs: Peer, event: str) -> dict[str, int]:
    """How often each device of an event was reserved at DACS."""
    prefix = f"{event}/"
    return {key: count for key, count in dacs.state()["reservations"].items() if key.startswith(prefix)}


def devices_of(request: dict[str, Any]) -> list[str]:
    """The devices that a recorded request names, in order."""
    return [device["nicId"] for device in json.loads(request["body"])["deviceList"]]


# Enrollment sync and device status


def sync(key: str = "", *, person: str = "5512034479") -> dict[str, Any]:
    """DACS' outbound message X1-NMSDASMSG: an enrollment."""
    return {
        "sendDetails": {
            "syncRequestId": key or fourteen_digits(),
            "contactInfo": {"contactId": "330017745120", "cisPersonId": person},
            "subscriptionInfo": {
                "subscriptionId": "901245778310",
                "cisAccountId": "9930118842",
                "subscriptionType": "DR-RES",
                "status": "ACTIVE",
                "programId": "PRG000000112",
                "programCode": "SMART-COOL",
                "startDateTime": "2023-06-05T07:00:00Z",
                "endDateTime": None,
            },
            "locationInfo": {
                "division": "CA",
                "servicePointId": "440098231177",
                "cisPremiseId": "3340098712",
                "cisServicePointId": "8874102236",
                "controllableDevices": [
                    {
                        "deviceId": "771200345518",
                        "deviceType": "SMART-THERMOSTAT",
                        "specification": "ECOBEE-SMART5",
                        "nicId": "411912345678",
                        "headEndSystem": "ECOBEE",
                        "serialNumber": "5112340987",
                        "deviceLocationId": "660012347789",
                        "deviceLocationStatus": "ACTIVE",
                        "installDateTime": "2023-06-05T07:00:00Z",
                        "removalDateTime": None,
                    }
                ],
            },
        }
    }


def status_check(key: str = "") -> dict[str, Any]:
    """DACS' outbound message X1-CTRLDVCS: how is this device?"""
    return {
        "sendDetails": {
            "communicationId": key or fourteen_digits(),
            "deviceInfo": {
                "division": "CA",
                "deviceType": "SMART-THERMOSTAT",
                "specification": "ECOBEE-SMART5",
                "headEndSystem": "ECOBEE",
                "nicId": "411912345678",
            },
        }
    }
