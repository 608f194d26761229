"""The guide's enrollment sync and status check, and what DERMS gets for them, as plain values."""

from __future__ import annotations

import copy
from typing import Any


SYNC: dict[str, Any] = {
    "sendDetails": {
        "syncRequestId": "15449036987849",
        "contactInfo": {"contactId": "330017745120", "cisPersonId": "5512034479"},
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

SYNC_AT_DERMS: dict[str, Any] = {
    "dacsMessageId": "15449036987849",
    "contactInfo": {"contactId": "330017745120", "cisPersonId": "5512034479"},
    "subscriptionInfo": {
        "subscriptionId": "901245778310",
        "cisAccountId": "9930118842",
        "subscriptionType": "DR-RES",
        "status": "ACTIVE",
        "programId": "PRG000000112",
        "programCode": "SMART-COOL",
        "startDateTimeISO": "2023-06-05T07:00:00Z",
        "endDateTimeISO": None,
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
                "deviceLocationStatus": "ACTIVE",
            }
        ],
    },
    "connectivityProperties": {"plugin": {"connectionId": "NMS1_SITE_A"}},
}

STATUS_CHECK: dict[str, Any] = {
    "sendDetails": {
        "communicationId": "85810617092033",
        "deviceInfo": {
            "division": "CA",
            "deviceType": "SMART-THERMOSTAT",
            "specification": "ECOBEE-SMART5",
            "headEndSystem": "ECOBEE",
            "nicId": "411912345678",
        },
    }
}

STATUS_CHECK_AT_DERMS: dict[str, Any] = {
    "dacsMessageId": "85810617092033",
    "deviceInfo": {
        "division": "CA",
        "deviceType": "SMART-THERMOSTAT",
        "specification": "ECOBEE-SMART5",
        "headEndSystem": "ECOBEE",
        "nicId": "411912345678",
    },
    "connectivityProperties": {"plugin": {"connectionId": "NMS1_SITE_A"}},
}


def sync(**changes: Any) -> dict[str, Any]:
    """Give a clean sync; a change names its place below `sendDetails` with double underscores."""
    return _changed(SYNC, changes)


def status_check(**changes: Any) -> dict[str, Any]:
    """Give a clean status check; a change names its place below `sendDetails` with double underscores."""
    return _changed(STATUS_CHECK, changes)


def acknowledgement(
    ack_type: str = "SUCCESS", value: str = "", *, message_id: str = "15449036987849"
) -> dict[str, Any]:
    """Give a MsgAck of DERMS with one response."""
    when = "2023-06-01T17:20:05.000Z"
    return {
        "ackType": ack_type,
        "whenISO": when,
        "responses": [
            {
                "id": "1",
                "value": value,
                "responseCode": ack_type,
                "responseTimeISO": when,
                "dacsMessageId": message_id,
            }
        ],
    }


def _changed(message: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(message)
    for place, value in changes.items():
        *parents, last = place.split("__")
        parent: Any = made["sendDetails"]
        for step in parents:
            parent = parent[int(step)] if step.isdigit() else parent[step]
        parent[int(last) if last.isdigit() else last] = value
    return made
