"""
What DACS may send in `sendDetails`: enrollment syncs and device status checks (`integration.md` 3.2, 3.4).

Every misfit is found, each with its pointer; unknown members are allowed. Plain Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integration.flows import message_fields
from integration.flows.canonical import digest
from integration.flows.contract import Finding, MessageRefused


MAX_DEVICES = 1_000
SYNC_LENGTHS = {"syncRequestId": 14}
CHECK_LENGTHS = {"communicationId": 30}
CONTACT_LENGTHS = {"contactId": 60, "cisPersonId": 60}
SUBSCRIPTION_LENGTHS = {
    "subscriptionId": 48,
    "cisAccountId": 60,
    "subscriptionType": 60,
    "status": 60,
    "programId": 60,
    "programCode": 120,
}
LOCATION_LENGTHS = {"division": 60, "servicePointId": 60, "cisPremiseId": 60, "cisServicePointId": 60}
DEVICE_LENGTHS = {
    "deviceId": 60,
    "deviceType": 120,
    "specification": 254,
    "nicId": 100,
    "headEndSystem": 50,
    "serialNumber": 120,
    "deviceLocationId": 60,
    "deviceLocationStatus": 60,
}
CHECKED_DEVICE_LENGTHS = {
    "division": 60,
    "deviceType": 120,
    "specification": 254,
    "headEndSystem": 50,
    "nicId": 100,
}
# The ids become part of addresses and keys.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
_ID = re.compile(ID_PATTERN.strip("^$"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncMessage:
    """A checked enrollment sync."""

    sync_request_id: str
    details: Mapping[str, Any]
    digest: str

    @property
    def division(self) -> str:
        """The division that the message is routed by."""
        return str(self.details["locationInfo"]["division"])

    @property
    def subscription(self) -> Mapping[str, Any]:
        """The program subscription."""
        subscription: Mapping[str, Any] = self.details["subscriptionInfo"]
        return subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A checked device status check; `details` are the whole sendDetails."""

    communication_id: str
    device: Mapping[str, Any]
    digest: str
    details: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def division(self) -> str:
        """The division that the message is routed by."""
        return str(self.device["division"])


def check_sync(document: Any) -> SyncMessage:
    """
    Check an enrollment sync.

    A contact that is missing is no misfit: DERMS answers it as the business error that it is.

    :raises MessageRefused: naming everything that does not fit.
    """
    details = _send_details(document)
    key = _id_of(details, "syncRequestId")
    _refuse(list(_sync_findings(details)), message_id=key)
    return SyncMessage(sync_request_id=key, details=details, digest=digest(document))


def check_status(document: Any) -> StatusMessage:
    """
    Check a device status check.

    :raises MessageRefused: naming everything that does not fit.
    """
    details = _send_details(document)
    key = _id_of(details, "communicationId")
    _refuse(list(_status_findings(details)), message_id=key)
    return StatusMessage(communication_id=key, device=details["deviceInfo"], digest=digest(document), details=details)


def is_id(text: str) -> bool:
    """Whether a text is an id as DACS gives them: letters, digits, hyphen, underscore."""
    return bool(_ID.fullmatch(text))


def _sync_findings(details: Mapping[str, Any]) -> Iterator[Finding]:
    at = "/sendDetails"
    yield from _ids(details, SYNC_LENGTHS)
    contact, findings = _object(details, "contactInfo", at, required=False)
    yield from findings
    yield from _below(f"{at}/contactInfo", message_fields.texts(contact, lengths=CONTACT_LENGTHS))
    subscription, findings = _object(details, "subscriptionInfo", at, required=True)
    yield from findings
    if not findings:
        place = f"{at}/subscriptionInfo"
        yield from _below(
            place, message_fields.texts(subscription, lengths=SUBSCRIPTION_LENGTHS, required=("subscriptionId",))
        )
        yield from _below(place, message_fields.instants(subscription, names=("startDateTime", "endDateTime")))
    location, findings = _object(details, "locationInfo", at, required=True)
    yield from findings
    if not findings:
        place = f"{at}/locationInfo"
        yield from _below(place, message_fields.texts(location, lengths=LOCATION_LENGTHS, required=("division",)))
        yield from _devices(location.get("controllableDevices"), f"{place}/controllableDevices")


def _status_findings(details: Mapping[str, Any]) -> Iterator[Finding]:
    at = "/sendDetails"
    yield from _ids(details, CHECK_LENGTHS)
    device, findings = _object(details, "deviceInfo", at, required=True)
    yield from findings
    if not findings:
        yield from _below(
            f"{at}/deviceInfo",
            message_fields.texts(
                device, lengths=CHECKED_DEVICE_LENGTHS, required=("division", "headEndSystem", "nicId")
            ),
        )


def _devices(devices: Any, place: str) -> Iterator[Finding]:
    if devices is None:
        return
    if not isinstance(devices, list):
        yield _finding(place, "invalid_type", "is not a list")
        return
    if len(devices) > MAX_DEVICES:
        yield _finding(place, "too_many", f"holds {len(devices)} devices, more than {MAX_DEVICES}")
        return
    for index, device in enumerate(devices):
        if not isinstance(device, Mapping):
            yield _finding(f"{place}/{index}", "invalid_type", "is not an object")
            continue
        yield from _below(f"{place}/{index}", message_fields.texts(device, lengths=DEVICE_LENGTHS))
        yield from _below(
            f"{place}/{index}", message_fields.instants(device, names=("installDateTime", "removalDateTime"))
        )


def _send_details(document: Any) -> Mapping[str, Any]:
    details = document.get("sendDetails") if isinstance(document, Mapping) else None
    if isinstance(details, Mapping):
        return details
    missing = details is None
    finding = _finding(
        "/sendDetails", "required" if missing else "invalid_type", "is required" if missing else "is not an object"
    )
    raise MessageRefused(finding.message, findings=[finding])


def _ids(details: Mapping[str, Any], lengths: Mapping[str, int]) -> Iterator[Finding]:
    findings = list(message_fields.texts(details, lengths=lengths, required=tuple(lengths)))
    yield from _below("/sendDetails", findings)
    if not findings:
        for name in lengths:
            if not is_id(details[name]):
                what = "holds something else than letters, digits, hyphen and underscore"
                yield _finding(f"/sendDetails/{name}", "invalid", what)


def _id_of(details: Mapping[str, Any], name: str) -> str:
    value = details.get(name)
    return value if isinstance(value, str) and len(value) <= 120 else ""


def _object(
    parent: Mapping[str, Any], name: str, pointer: str, *, required: bool
) -> tuple[Mapping[str, Any], list[Finding]]:
    value = parent.get(name)
    if isinstance(value, Mapping):
        return value, []
    place = f"{pointer}/{name}"
    if value is not None:
        return {}, [_finding(place, "invalid_type", "is not an object")]
    return {}, [_finding(place, "required", "is required")] if required else []


def _below(pointer: str, findings: Iterator[Finding] | Sequence[Finding]) -> Iterator[Finding]:
    # The checks of members speak of their own object; here it stands deeper.
    for finding in findings:
        yield Finding(
            pointer=f"{pointer}{finding.pointer}", code=finding.code, message=f"{_path(pointer)}.{finding.message}"
        )


def _finding(pointer: str, code: str, what: str) -> Finding:
    return Finding(pointer=pointer, code=code, message=f"{_path(pointer)} {what}")


def _path(pointer: str) -> str:
    # "/sendDetails/a/0/b" as people write it: sendDetails.a[0].b
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", pointer.strip("/").replace("/", "."))


def _refuse(findings: Sequence[Finding], *, message_id: str) -> None:
    if findings:
        raise MessageRefused(
            f"The message is not valid: {findings[0].message}", findings=findings, message_id=message_id
        )
