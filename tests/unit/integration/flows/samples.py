"""The guide's sample enrollment and what DACS gets for it, as plain values."""

from __future__ import annotations

import copy
from typing import Any


RECORD: dict[str, Any] = {
    "messageId": "DRMS-ENR-000917",
    "drmsInstanceId": "NMS1",
    "customerInfo": {
        "cisPersonId": "5512034479",
        "cisAccountId": "9930118842",
        "name": "Rivera, Dana",
        "homePhone": "+1-650-555-0101",
        "businessPhone": "",
        "email": "dana.rivera@example.org",
    },
    "programInfo": {
        "cisServiceAgreementId": "7710035521",
        "programCode": "SMART-COOL",
        "startDateTimeISO": "2023-06-05T00:00:00-07:00",
        "endDateTimeISO": None,
    },
    "locationInfo": {
        "division": "CA",
        "cisPremiseId": "3340098712",
        "cisServicePointId": "8874102236",
        "timeZone": "US/Pacific",
        "address1": "12 Alder Way",
        "address2": "",
        "address3": "",
        "address4": "",
        "city": "Redwood City",
        "county": "San Mateo",
        "state": "CA",
        "country": "USA",
        "postal": "94061",
    },
    "assetInfo": {
        "installationMethod": "X1SI",
        "assetOwnership": "W1CO",
        "assetList": [
            {
                "sequence": 1,
                "assetId": "",
                "specification": "ECOBEE!EB-STATE5",
                "assetType": "THERMOSTAT",
                "badgeNo": "",
                "serialNo": "5112340987",
                "nicId": "411912345678",
                "headEndSystem": "ECOBEE",
            }
        ],
    },
}

ENROLLMENT: dict[str, Any] = {
    "transactionId": "DRMS-ENR-000917",
    "customerInfo": {
        "cisPersonId": "5512034479",
        "cisAccountId": "9930118842",
        "name": "Rivera, Dana",
        "homePhone": "+1-650-555-0101",
        "email": "dana.rivera@example.org",
    },
    "programInfo": {"cisServiceAgreementId": "7710035521", "programCode": "SMART-COOL", "startDate": "2023-06-05"},
    "locationInfo": {
        "division": "CA",
        "cisPremiseId": "3340098712",
        "cisServicePointId": "8874102236",
        "timeZone": "US/Pacific",
        "address1": "12 Alder Way",
        "city": "Redwood City",
        "county": "San Mateo",
        "state": "CA",
        "country": "USA",
        "postal": "94061",
    },
    "assetInfo": {
        "installationMethod": "X1SI",
        "assetOwnership": "W1CO",
        "assetList": [
            {
                "sequence": 1,
                "specification": "ECOBEE-SMART5",
                "assetType": "SMART-THERMOSTAT",
                "serialNo": "5112340987",
                "nicId": "411912345678",
                "headEndSystem": "ECOBEE",
            }
        ],
    },
}


def record(**changes: Any) -> dict[str, Any]:
    """Give a clean record; a change names its place with double underscores."""
    made = copy.deepcopy(RECORD)
    for place, value in changes.items():
        *parents, last = place.split("__")
        parent: Any = made
        for step in parents:
            parent = parent[int(step)] if step.isdigit() else parent[step]
        parent[int(last) if last.isdigit() else last] = value
    return made
