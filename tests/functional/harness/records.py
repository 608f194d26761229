"""What tests send: a clean enrollment record, a clean day of readings, and their names."""

from __future__ import annotations

import itertools
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any


DAY = datetime(2024, 5, 6, 4, tzinfo=UTC)
"""00:00 of 6 May 2024 in New York."""

_numbers = itertools.count(1)
_session = secrets.token_hex(3)


def name(prefix: str) -> str:
    """A name that nothing else in this run of the tests has."""
    return f"{prefix}-{_session}-{next(_numbers)}"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def enrollment(
    message_id: str = "", *, person: str = "5512034479", specification: str = "ECOBEE!EB-STATE5"
) -> dict[str, Any]:
    """One record of an enrollment collection, clean unless told otherwise."""
    return {
        "messageId": message_id or name("DRMS-ENR"),
        "drmsInstanceId": "NMS1",
        "customerInfo": {
            "cisPersonId": person,
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
                    "specification": specification,
                    "assetType": "THERMOSTAT",
                    "badgeNo": "",
                    "serialNo": "5112340987",
                    "nicId": "411912345678",
                    "headEndSystem": "ECOBEE",
                }
            ],
        },
    }


def meter(
    component: str, *, component_type: str = "FN-15MIN-KWH", time_zone: str = "America/New_York"
) -> list[dict[str, Any]]:
    """The master data of one meter with one channel."""
    return [
        {"kind": "service_point", "id": f"SP-{component}", "time_zone": time_zone},
        {
            "kind": "device",
            "id": f"DEV-{component}",
            "service_point": f"SP-{component}",
            "incoming_data_shift": "STANDARD",
        },
        {
            "kind": "measuring_component",
            "id": component,
            "type": component_type,
            "device": f"DEV-{component}",
            "service_point": f"SP-{component}",
            "multiplier": 1,
            "consumption_reference": None,
        },
    ]


def values(count: int = 96) -> list[float | None]:
    """A day that passes every rule: three equal peaks, so that no interval stands out."""
    return [round(0.2 + 0.01 * (index % 12), 3) for index in range(count)]


def day(
    component: str, *, start: datetime = DAY, readings: list[float | None] | None = None, **fields: Any
) -> dict[str, Any]:
    """An initial measurement of one day of quarter-hours."""
    readings = values() if readings is None else readings
    seconds = fields.pop("seconds_per_interval", 900)
    return {
        "measuring_component": component,
        "start": iso(start),
        "end": iso(start + timedelta(seconds=seconds * len(readings))),
        "seconds_per_interval": seconds,
        "uom": "KWH",
        "kind": "INITIAL_LOAD",
        "multiplier": 1,
        "external_id": name("HES"),
        "values": readings,
        **fields,
    }
