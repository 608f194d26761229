"""Why the DACS side refuses something: the numbers of its messages (`integration.md` 2.4), and the refusal itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


ALREADY_EXISTS = 10589
"""By this number the hub knows that it said the same before."""
NOT_VALID = 11201
CONTENT_DIFFERS = 11202
PROGRAM_NOT_KNOWN = 11204
PROGRAM_CLOSED = 11205
PROGRAM_NOT_THEN = 11206
NOT_KNOWN = 11210
WRONG_STATE = 11221
PERSON_NOT_KNOWN = 11230
LOCATION_NOT_KNOWN = 11231
OTHER_CUSTOMER = 11232
DEVICE_INCOMPLETE = 11240
SPECIFICATION_NOT_KNOWN = 11241
HEAD_END_NOT_KNOWN = 11242
DEVICE_ELSEWHERE = 11243
DEVICE_TWICE = 11244
SUBSCRIPTION_NOT_KNOWN = 11250
MASTER_DATA_REFUSED = 11260
EVENT_NOT_VALID = 11301
EVENT_NOT_KNOWN = 11302
EVENT_STARTED = 11303
DEVICE_NOT_ENROLLED = 11304
EVENT_CANCELED = 11305


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that stands against a request: the number of the message, and the sentence for people."""

    number: int
    text: str


class BusinessRefusal(Exception):
    """What is asked for is not possible as things stand; a person may change that and try again."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(finding.text for finding in findings))

    @property
    def number(self) -> int:
        """The number of the first finding."""
        return self.findings[0].number


def refuse(number: int, text: str) -> BusinessRefusal:
    """Give the refusal for one reason."""
    return BusinessRefusal([Finding(number=number, text=text)])
