"""
What DERMS and DACS send over an event's life: its files and messages.

Pure functions of the run's name: every identifier begins with it, so that all of it is found by one search.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


HEAD_END = "ECOBEE"
_RESERVATION = ("recordId", "nicId", "headEndSystemId", "reservationStartDateTime", "reservationEndDateTime")
_OUTCOME = (
    *("recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome"),
    *("participationStartDateTime", "participationEndDateTime", "errorMessage"),
)
_SCORE = (
    *("recordId", "deviceId", "nicId", "headEndSystem", "programCode", "programSubscriptionId", "controlScore"),
    *("eligible", "ineligibilityReason", "communicationStatus", "cycleEventCount", "cycleEventLimit"),
    *("lastEventDateTime", "scoreDateTime"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoEvent:
    """One event with its devices."""

    name: str
    starts_at: datetime
    devices: Sequence[str]

    @property
    def ends_at(self) -> datetime:
        """When it is over: three hours later."""
        return self.starts_at + timedelta(hours=3)

    def reservation(self, *, message_id: str) -> dict[str, Any]:
        """Give the JSON part of its reservation."""
        return {
            "drmsInstanceId": "NMS1",
            "messageId": message_id,
            "eventId": self.name,
            "eventType": "ECONOMIC",
            "eventStatus": "SCHEDULED",
            "eventStartDateTime": _iso(self.starts_at),
            "eventEndDateTime": _iso(self.ends_at),
            "recordCount": len(self.devices),
        }

    def reservation_rows(self) -> str:
        """Give the CSV part of its reservation."""
        return _table(_RESERVATION, ((row, nic, HEAD_END, "", "") for row, nic in enumerate(self.devices, start=1)))

    def cancellation(self, *, message_id: str) -> dict[str, Any]:
        """Give its cancellation."""
        return {
            "drmsInstanceId": "NMS1",
            "messageId": message_id,
            "eventId": self.name,
            "cancellationMessageText": "The peak did not come",
        }

    def outcome_rows(self, *, codes: Sequence[str]) -> str:
        """Give the outcome file: the codes go round among the devices."""
        period = (_iso(self.starts_at), _iso(self.ends_at))
        rows = []
        for row, nic in enumerate(self.devices, start=1):
            code = codes[row % len(codes)]
            rows.append((row, self.name, nic, HEAD_END, code, *period, "" if code == "0" else "Reported by head end"))
        return _table(_OUTCOME, rows)


def outcome(*, message_id: str, rows: int) -> dict[str, Any]:
    """Give the JSON part of an outcome file."""
    return {"drmsInstanceId": "NMS1", "messageId": message_id, "recordCount": rows}


def devices(count: int) -> list[str]:
    """Give devices that the simulated DACS takes for enrolled: their numbers do not end in 999."""
    return [f"41{number:08d}1" for number in range(1, count + 1)]


def sync(*, key: str, run: str) -> dict[str, Any]:
    """Give DACS' message that a customer was enrolled (X1-NMSDASMSG)."""
    return {
        "sendDetails": {
            "syncRequestId": key,
            "contactInfo": {"contactId": f"{run}-CONTACT", "cisPersonId": "5512034479"},
            "subscriptionInfo": {
                "subscriptionId": f"{run}-SUBSCR",
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
                        "nicId": devices(1)[0],
                        "headEndSystem": HEAD_END,
                        "deviceLocationStatus": "ACTIVE",
                        "installDateTime": "2023-06-05T07:00:00Z",
                        "removalDateTime": None,
                    }
                ],
            },
        }
    }


def status_check(*, key: str) -> dict[str, Any]:
    """Give DACS' question how a device is (X1-CTRLDVCS)."""
    return {
        "sendDetails": {
            "communicationId": key,
            "deviceInfo": {
                "division": "CA",
                "deviceType": "SMART-THERMOSTAT",
                "specification": "ECOBEE-SMART5",
                "headEndSystem": HEAD_END,
                "nicId": devices(1)[0],
            },
        }
    }


def score_file(*, count: int, at: datetime) -> str:
    """Give a device score file as DACS extracts it (X1-SDCSE)."""
    rows = (
        (
            *(row, f"7712{row:08d}", nic, HEAD_END, "SMART-COOL", f"9012{row:08d}", f"{row % 100}.50"),
            *("Y", "", "ONLINE", 1, 4, _iso(at), _iso(at)),
        )
        for row, nic in enumerate(devices(count), start=1)
    )
    return _table(_SCORE, rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
