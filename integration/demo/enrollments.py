"""
Enrollment collections, with what is wrong in them written on a label.

The label says which response code a good product gives. A pure function of the seed.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np


PER_COLLECTION = 25
_RECORDS_WHILE_DOWN = 10


class EnrollmentLabel(enum.StrEnum):
    """What is wrong with a record."""

    CLEAN = "clean"
    NO_TRANSLATION = "no translation"
    PERSON_NOT_KNOWN = "person not known to DACS"
    DUPLICATE = "already enrolled"
    TIMEOUT = "DACS does not answer in time"
    DOWN = "DACS is down"


EXPECTED_CODE: dict[EnrollmentLabel, str] = {
    EnrollmentLabel.CLEAN: "SUCCESS",
    EnrollmentLabel.NO_TRANSLATION: "ERROR",
    EnrollmentLabel.PERSON_NOT_KNOWN: "ERROR",
    EnrollmentLabel.DUPLICATE: "SUCCESS",
    EnrollmentLabel.TIMEOUT: "FAILURE",
    EnrollmentLabel.DOWN: "FAILURE",
}

_SHARES: dict[EnrollmentLabel, float] = {
    EnrollmentLabel.NO_TRANSLATION: 0.05,
    EnrollmentLabel.PERSON_NOT_KNOWN: 0.07,
    EnrollmentLabel.DUPLICATE: 0.06,
}
_FIRST_NAMES = ("Dana", "Ines", "Marco", "Priya", "Tom", "Yuki", "Lena", "Omar")
_LAST_NAMES = ("Rivera", "Novak", "Chen", "Okafor", "Lind", "Haddad", "Moreau", "Singh")
_STREETS = ("Alder Way", "Birch Street", "Canal Road", "Depot Lane", "Elm Court")
_DEVICES = (("ECOBEE!EB-STATE5", "ECOBEE"), ("NEST!T3007ES", "NEST"), ("HONEYWELL!RTH9585WF", "HONEYWELL"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """One record of a collection."""

    message_id: str
    label: EnrollmentLabel
    record: dict[str, Any]

    def as_known_to_dacs(self) -> dict[str, Any]:
        """Give the enrollment as another channel made it at DACS before: what a duplicate meets."""
        asset = self.record["assetInfo"]["assetList"][0]
        return {
            "transactionId": self.message_id,
            "customerInfo": {"cisPersonId": self.record["customerInfo"]["cisPersonId"]},
            "programInfo": {"programCode": "SMART-COOL", "startDate": "2023-06-05"},
            "locationInfo": {"division": "CA"},
            "assetInfo": {
                "installationMethod": "X1UI",
                "assetOwnership": "W1OW",
                "assetList": [{"sequence": 1, "nicId": asset["nicId"]}],
            },
        }


def generate_collections(*, run: str, records: int, on: date, seed: int) -> list[list[Enrollment]]:
    """
    Generate collections of at most 25 records.

    Two collections, the first and the last, hold one record each that DACS does not answer in time: fewer than the
    three in a row after which a target counts as down.
    """
    random = np.random.default_rng(seed + 2)
    labels = _draw_labels(records, random)
    enrollments = [
        _enrollment(f"{run}-ENR-{index:06d}", label, on=on, random=random) for index, label in enumerate(labels)
    ]
    return [enrollments[first : first + PER_COLLECTION] for first in range(0, records, PER_COLLECTION)]


def generate_collection_while_down(*, run: str, on: date, seed: int) -> list[Enrollment]:
    """Generate one collection that is to be sent while DACS is down."""
    random = np.random.default_rng(seed + 3)
    return [
        _enrollment(f"{run}-ENR-DOWN-{index:02d}", EnrollmentLabel.DOWN, on=on, random=random)
        for index in range(_RECORDS_WHILE_DOWN)
    ]


def generate_enrollment_of_event(*, run: str, on: date, seed: int) -> Enrollment:
    """Generate the enrollment with which the event's life begins."""
    return _enrollment(f"{run}-ENR-EVT", EnrollmentLabel.CLEAN, on=on, random=np.random.default_rng(seed + 4))


def _draw_labels(records: int, random: np.random.Generator) -> list[EnrollmentLabel]:
    labels = [EnrollmentLabel.CLEAN] * records
    late = {min(2, records - 1), max(0, records - 3)}
    for place in late:
        labels[place] = EnrollmentLabel.TIMEOUT
    free = iter([place for place in random.permutation(records).tolist() if place not in late])
    for label, share in _SHARES.items():
        for place in itertools.islice(free, max(1, round(records * share))):
            labels[place] = label
    return labels


def _enrollment(message_id: str, label: EnrollmentLabel, *, on: date, random: np.random.Generator) -> Enrollment:
    specification, head_end = _DEVICES[int(random.integers(len(_DEVICES)))]
    if label is EnrollmentLabel.NO_TRANSLATION:
        specification = "ACME!PROTOTYPE-1"
    # DACS' simulation does not know persons whose number ends in 999.
    person = f"{random.integers(10**6, 10**7)}" + ("999" if label is EnrollmentLabel.PERSON_NOT_KNOWN else "421")
    first, last = (names[int(random.integers(len(names)))] for names in (_FIRST_NAMES, _LAST_NAMES))
    record = {
        "messageId": message_id,
        "drmsInstanceId": "NMS1",
        "customerInfo": {
            "cisPersonId": person,
            "cisAccountId": str(random.integers(10**9, 10**10)),
            "name": f"{last}, {first}",
            "homePhone": f"+1-650-555-{random.integers(0, 10_000):04d}",
            "email": f"{first}.{last}@customer.example".lower(),
        },
        "programInfo": {
            "cisServiceAgreementId": str(random.integers(10**9, 10**10)),
            "programCode": "SMART-COOL",
            "startDateTimeISO": f"{on.isoformat()}T00:00:00-05:00",
            "endDateTimeISO": None,
        },
        "locationInfo": {
            "division": "CA",
            "cisPremiseId": str(random.integers(10**9, 10**10)),
            "cisServicePointId": str(random.integers(10**9, 10**10)),
            "timeZone": "US/Eastern",
            "address1": f"{random.integers(1, 200)} {_STREETS[int(random.integers(len(_STREETS)))]}",
            "city": "Springfield",
            "county": "Clark",
            "state": "NY",
            "country": "USA",
            "postal": f"{random.integers(10_000, 15_000)}",
        },
        "assetInfo": {
            "installationMethod": "X1SI",
            "assetOwnership": "W1CO",
            "assetList": [
                {
                    "sequence": 1,
                    "specification": specification,
                    "assetType": "THERMOSTAT",
                    "serialNo": str(random.integers(10**9, 10**10)),
                    "nicId": f"41{random.integers(10**9, 10**10)}",
                    "headEndSystem": head_end,
                }
            ],
        },
    }
    return Enrollment(message_id=message_id, label=label, record=record)
